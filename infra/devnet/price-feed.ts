/** The devnet's price service: `GET /prices` answers `{timestamp (Unix seconds), prices: {EUR: "1.16000000", …}}` in USD, moving all the time. */

import { createServer } from "node:http";
import type { Clock } from "../../shared/clock.ts";
import { listen, type OpenServer } from "./open-server.ts";
import { createPriceWalk } from "./price-walk.ts";
import { createSeededRandom } from "./seeded-random.ts";

export interface PriceFeedOptions {
  readonly host: string;
  /** 0 picks a free one. */
  readonly port: number;
  readonly seed: number;
  /** Milliseconds between two moves. */
  readonly stepMs: number;
}

export interface PriceFeed {
  /** For example http://127.0.0.1:8070/prices. */
  readonly url: string;
  /** What is served now: 1e-8 USD by asset name. */
  prices(): ReadonlyMap<string, bigint>;
  stop(): Promise<void>;
}

/** Starts the service. Rejects with CodedError `port-taken`. */
export async function startPriceFeed(
  options: PriceFeedOptions,
  modules: { readonly clock: Clock },
): Promise<PriceFeed> {
  const walk = createPriceWalk(createSeededRandom(options.seed));
  const server = createServer((request, response) => {
    request.resume();
    const isPrices =
      request.method === "GET" && new URL(request.url ?? "/", "http://feed").pathname === "/prices";
    response.writeHead(isPrices ? 200 : 404, { "content-type": "application/json" });
    response.end(JSON.stringify(isPrices ? body() : { error: "expected GET /prices" }));
  });
  const body = (): object => ({
    timestamp: Math.floor(modules.clock.wallMs() / 1000),
    prices: Object.fromEntries([...walk.prices()].map(([name, price]) => [name, formatPrice(price)])),
  });
  const listening: OpenServer = await listen(server, options.host, options.port, "price feed");
  const tick = (): void => {
    walk.step();
    timer = modules.clock.after(options.stepMs, tick);
  };
  let timer = modules.clock.after(options.stepMs, tick);
  return {
    url: `${listening.url}/prices`,
    prices: () => walk.prices(),
    async stop() {
      timer.stop();
      await listening.close();
    },
  };
}

/** 1e-8 units with eight decimals. */
export function formatPrice(price: bigint): string {
  const digits = String(price).padStart(9, "0");
  return `${digits.slice(0, -8)}.${digits.slice(-8)}`;
}
