/** Real servers in the place of price services, that lie, stall, flood and send elsewhere: the price that is written is never theirs. */

import { createServer, type Server, type ServerResponse } from "node:http";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type PollOptions, poll } from "../../../functions/poll/poll.ts";
import { createSourceCache } from "../../../functions/poll/source-cache.ts";
import { type Clock, systemClock } from "../../../shared/clock.ts";
import { json, sql } from "../../../shared/db/port.ts";
import { newestNotedPrices } from "../../../shared/db/prices.ts";
import { SILENT } from "../../../shared/logger.ts";
import { assetsOf, onlyVersion } from "../../../shared/opr/assets.ts";
import { orderSources } from "../../../shared/prices/order.ts";
import { DEVIATION_LIMITS } from "../../../shared/prices/safety.ts";
import { createTestDatabase, type TestDatabase } from "../../support/database.ts";

const TRUE_PRICE = 96_000;
/** A minute passes in twelve seconds: limits of five seconds are reached in one. */
const SPEED = 5;

type Answer = (response: ServerResponse) => void;
const coinbase = (price: string): Answer => body(`{"data":{"currency":"USD","rates":{"BTC":${price}}}}`);
const kraken = (price: string): Answer => body(`{"error":[],"result":{"XXBTZUSD":{"c":[${price},"1"]}}}`);
const bitstamp = (price: string): Answer =>
  body(`[{"pair":"BTC/USD","last":${price},"timestamp":"${Math.floor(Date.now() / 1000)}"}]`);
const inverse = (price: number): string => `"${(1 / price).toPrecision(15)}"`;

function body(text: string, headers: Record<string, string> = {}): Answer {
  return (response) => response.writeHead(200, { "content-type": "application/json", ...headers }).end(text);
}

let database: TestDatabase;
let server: Server;
let elsewhere: Server;
let base = "";
let answers: Record<string, Answer> = {};
let visitsElsewhere = 0;

beforeAll(async () => {
  server = createServer((request, response) => answers[(request.url ?? "").split("/")[1] ?? ""]?.(response));
  elsewhere = createServer((_, response) => {
    visitsElsewhere += 1;
    body(`{"data":{"currency":"USD","rates":{"BTC":${inverse(1)}}}}`)(response);
  });
  const portOf = async (one: Server): Promise<number> => {
    await new Promise<void>((resolve) => one.listen(0, "127.0.0.1", resolve));
    const address = one.address();
    return typeof address === "object" && address !== null ? address.port : 0;
  };
  base = `http://127.0.0.1:${await portOf(server)}`;
  await portOf(elsewhere);
  database = await createTestDatabase();
  const prices = Object.fromEntries(
    assetsOf(5).map((asset) => [asset, asset === "XBT" ? 9_600_000_000_000n : 100_000_000n]),
  );
  await database.db.execute(sql`
    INSERT INTO blocks (height, version, key_mr, at, entries, graded, winners, prices, winning, reward)
    VALUES (1000, 5, 'ab', now(), 0, true, '[]', ${json(prices)}::jsonb, 0, 0)`);
});
afterAll(async () => {
  await database.drop();
  for (const one of [server, elsewhere]) {
    one.closeAllConnections();
    one.close();
  }
});
beforeEach(async () => {
  await database.db.execute(sql`DELETE FROM prices`);
  visitsElsewhere = 0;
  answers = {
    coinbase: coinbase(inverse(TRUE_PRICE)),
    kraken: kraken(`"${TRUE_PRICE}"`),
    bitstamp: bitstamp(`"${TRUE_PRICE}"`),
  };
});

const clock: Clock = {
  wallMs: () => Date.now(),
  monotonicMs: () => performance.now() * SPEED,
  after: (ms, fn) => systemClock.after(ms / SPEED, fn),
};

/** One poll; the price of XBT and what became of each quote. */
async function run(single: string[] = ["USD"]) {
  const options: PollOptions = {
    order: orderSources({
      priorities: { fixedusd: 0, coinbase: 1, kraken: 2, bitstamp: 3 },
      overrides: {},
      keys: {},
      baseUrls: Object.fromEntries(
        ["coinbase", "kraken", "bitstamp"].map((name) => [name, `${base}/${name}`]),
      ),
    }),
    rule: "priority",
    cacheMs: 8_000,
    lastGoodMaxMs: 30 * 60_000,
    fixed: new Map(),
    // Only XBT is looked at; it may not be carried.
    carry: new Set(assetsOf(5).filter((asset) => asset !== "XBT")),
    activations: onlyVersion(5),
    startHeight: 1000,
    safety: { limits: DEVIATION_LIMITS, single: new Set(single) },
  };
  const began = performance.now();
  const result = await poll(options, {
    fetch,
    clock,
    random: (length) => new Uint8Array(length),
    db: database.db,
    logger: SILENT,
    cache: createSourceCache(),
  });
  const row = await newestNotedPrices(database.db);
  return {
    result,
    price: row === undefined ? undefined : Number(row.prices["XBT"]) / 1e8,
    fates: row?.notes["XBT"]?.quotes.map(([source, , , fate]) => `${source} ${fate}`),
    tookMs: (performance.now() - began) * SPEED,
  };
}

describe("a source that lies", () => {
  it.each<[string, Answer, string[]]>([
    ["ten times the price", coinbase(inverse(10 * TRUE_PRICE)), ["Coinbase deviant"]],
    ["a tenth of the price", coinbase(inverse(TRUE_PRICE / 10)), ["Coinbase deviant"]],
    ["a price with fifteen decimals and no more", coinbase('"1e-30"'), []],
    ["NaN", coinbase("NaN"), []],
    ["NaN in quotes", coinbase('"NaN"'), []],
    ["a negative price", coinbase('"-0.00001"'), []],
    ["0", coinbase('"0"'), []],
    ["Infinity", coinbase("1e999"), []],
    ["words", coinbase('"ninety-six thousand"'), []],
    ["a list", coinbase('["0.00001"]'), []],
    [
      "an object that would change all others",
      body('{"__proto__":{"BTC":"1"},"data":{"currency":"USD","rates":{"__proto__":{"BTC":"1"}}}}'),
      [],
    ],
    ["a page", body("<html>offline</html>"), []],
  ])("by %s is refused, the others decide, and the record says so", async (_what, answer, refused) => {
    answers["coinbase"] = answer;

    const { price, fates, result } = await run();

    expect(result.kind).toBe("priced");
    expect(price).toBe(TRUE_PRICE);
    expect(fates).toEqual(["Kraken used", "Bitstamp agreed", ...refused]);
  });

  it("alone is not believed, whatever it says: no price is better than its price", async () => {
    answers = { coinbase: coinbase(inverse(10 * TRUE_PRICE)), kraken: body("{}"), bitstamp: body("[]") };

    expect((await run()).result).toMatchObject({ kind: "unpriced", missing: ["XBT"] });
    // Nor where one source is allowed: the last block knows better.
    expect((await run(["USD", "XBT"])).result).toMatchObject({ kind: "unpriced", missing: ["XBT"] });
  });

  it("together with a second one is not believed ten times the last block's price", async () => {
    answers = {
      coinbase: coinbase(inverse(10 * TRUE_PRICE)),
      kraken: kraken(`"${10 * TRUE_PRICE}"`),
      bitstamp: body("[]"),
    };

    expect((await run()).result).toMatchObject({ kind: "unpriced", missing: ["XBT"] });
  });
});

describe("a source that misbehaves", () => {
  it("by sending elsewhere is not followed, neither to another server nor into the network it stands in", async () => {
    const address = elsewhere.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    const locations = [
      `http://127.0.0.1:${port}/`,
      "http://169.254.169.254/latest/meta-data/",
      "//169.254.169.254/",
      "file:///etc/passwd",
    ];
    for (const [n, status] of [301, 302, 303, 307, 308].entries()) {
      answers["coinbase"] = (response) =>
        response.writeHead(status, { location: locations[n % locations.length] }).end();

      const { price, fates } = await run();

      expect(price).toBe(TRUE_PRICE);
      expect(fates).toEqual(["Kraken used", "Bitstamp agreed"]);
    }
    expect(visitsElsewhere).toBe(0);
  });

  it("by 50 MB is cut off after 1 MB, also where it states a small length or none", async () => {
    let sent = 0;
    const chunk = Buffer.alloc(100_000, 0x20);
    const flood: Answer = (response) => {
      response.writeHead(200, { "content-type": "application/json" });
      const pour = (left: number): void => {
        if (left === 0 || response.destroyed) return void response.end();
        sent += chunk.length;
        response.write(chunk, () => pour(left - 1));
      };
      pour(500);
    };
    answers["coinbase"] = flood;

    const { price, fates } = await run();

    expect(price).toBe(TRUE_PRICE);
    expect(fates).toEqual(["Kraken used", "Bitstamp agreed"]);
    // What the sockets between hold has left the server as well.
    expect(sent).toBeLessThan(25_000_000);
  });

  it("by dripping its answer is given up after five seconds, retries included after ten", async () => {
    answers["coinbase"] = (response) => {
      response.writeHead(200, { "content-type": "application/json" });
      const drip = setInterval(() => response.write(" "), 20);
      response.on("close", () => clearInterval(drip));
    };

    const { price, tookMs } = await run();

    expect(price).toBe(TRUE_PRICE);
    expect(tookMs).toBeGreaterThan(5_000);
    expect(tookMs).toBeLessThan(60_000);
  });

  it("by silence, or by hanging up, leaves the others to decide", async () => {
    answers["coinbase"] = () => undefined;
    answers["kraken"] = (response) => response.destroy();
    answers["bitstamp"] = bitstamp(`"${TRUE_PRICE}"`);

    expect((await run(["USD", "XBT"])).price).toBe(TRUE_PRICE);
  });
});
