/** The devnet's prices: plausible, moving, repeatable, and served in the shape that the price source reads. */

import { afterEach, describe, expect, it } from "vitest";
import { formatPrice, type PriceFeed, startPriceFeed } from "../../../infra/devnet/price-feed.ts";
import { createPriceWalk } from "../../../infra/devnet/price-walk.ts";
import { createSeededRandom } from "../../../infra/devnet/seeded-random.ts";
import { assetsOf } from "../../../shared/opr/assets.ts";
import { devnet } from "../../../shared/prices/sources/devnet.ts";
import { manualClock } from "../../support/manual-clock.ts";

let feed: PriceFeed | undefined;
afterEach(() => feed?.stop());

describe("the price feed", () => {
  it("serves a price of every asset of every version, which the devnet's price source takes", async () => {
    const clock = manualClock();
    feed = await startPriceFeed({ host: "127.0.0.1", port: 0, seed: 1, stepMs: 1000 }, { clock });

    const text = await (await fetch(feed.url)).text();
    const parsed = devnet.parse(text, clock.wallMs());

    const { timestamp, prices } = JSON.parse(text);
    expect(timestamp).toBe(clock.wallMs() / 1000);
    for (const asset of [...assetsOf(1), ...assetsOf(5)]) expect(prices[asset]).toMatch(/^\d+\.\d{8}$/);
    expect("failure" in parsed ? parsed.failure : undefined).toBeUndefined();
  });

  it("moves with time, and answers only GET /prices", async () => {
    const clock = manualClock();
    feed = await startPriceFeed({ host: "127.0.0.1", port: 0, seed: 1, stepMs: 1000 }, { clock });
    const before = feed.prices().get("XBT");

    clock.advance(5000);

    expect(feed.prices().get("XBT")).not.toBe(before);
    expect(feed.prices().get("USD")).toBe(100_000_000n);
    expect((await fetch(feed.url.replace("/prices", "/"))).status).toBe(404);
    expect((await fetch(feed.url, { method: "POST" })).status).toBe(404);
  });

  it("says which port is taken and what to do", async () => {
    const clock = manualClock();
    feed = await startPriceFeed({ host: "127.0.0.1", port: 0, seed: 1, stepMs: 1000 }, { clock });
    const port = Number(new URL(feed.url).port);

    const second = startPriceFeed({ host: "127.0.0.1", port, seed: 1, stepMs: 1000 }, { clock });

    await expect(second).rejects.toMatchObject({
      code: "port-taken",
      message: expect.stringContaining("choose another port"),
    });
  });

  it("walks the same way for the same seed, and stays near its start for weeks", () => {
    const first = createPriceWalk(createSeededRandom(7));
    const second = createPriceWalk(createSeededRandom(7));
    const other = createPriceWalk(createSeededRandom(8));
    const start = new Map(first.prices());
    for (let i = 0; i < 20_000; i++) first.step();
    for (let i = 0; i < 20_000; i++) second.step();
    for (let i = 0; i < 20_000; i++) other.step();

    expect(first.prices()).toEqual(second.prices());
    expect(first.prices()).not.toEqual(other.prices());
    for (const [name, price] of first.prices()) {
      const ratio = Number(price) / Number(start.get(name));
      expect(ratio, name).toBeGreaterThan(0.9);
      expect(ratio, name).toBeLessThan(1.1);
    }
  });

  it("writes eight decimals", () => {
    expect([1n, 100_000_000n, 123_456_789_012n].map(formatPrice)).toEqual([
      "0.00000001",
      "1.00000000",
      "1234.56789012",
    ]);
  });
});
