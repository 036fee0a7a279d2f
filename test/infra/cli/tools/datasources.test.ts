import { describe, expect, it } from "vitest";
import { datasourcesCommand, pullsourcesCommand } from "../../../../infra/cli/tools/datasources.ts";
import { systemRandom } from "../../../../shared/clock.ts";
import { assetsOf } from "../../../../shared/opr/assets.ts";
import { orderSources } from "../../../../shared/prices/order.ts";
import { PRICE_SOURCES } from "../../../../shared/prices/registry.ts";
import { eagerClock } from "../../../support/eager-clock.ts";

const NOW = Date.UTC(2026, 10, 18, 12);
const SETTINGS = { priorities: {}, overrides: {}, keys: {} };

function list(filter?: string): string[] {
  const lines: string[] = [];
  const order = orderSources(SETTINGS);
  datasourcesCommand(filter === undefined ? { order } : { order, filter }, {
    print: (line) => lines.push(line),
  });
  return lines;
}

describe("prosper datasources", () => {
  it("lists every source with its priority and every asset with its sources in order", () => {
    const lines = list();
    expect(lines).toContain("Kraken             priority 1   https://www.kraken.com");
    expect(lines).toContain("1Forge             off          needs a key, https://1forge.com");
    expect(lines.find((line) => line.startsWith("Factoshiio"))).toContain("closed       the service is gone");
    expect(lines).toContain("XAU   Coinbase → GoldAPI → Frankfurter → FawazAhmed0");
    expect(lines).toHaveLength(PRICE_SOURCES.length + 1 + assetsOf(5).length);
  });

  it("lists one asset or one source, in any case, and refuses what is neither", () => {
    expect(list("usd")).toEqual(["USD   FixedUSD"]);
    expect(list("goldapi")).toEqual(["GoldAPI            priority 6   https://gold-api.com", "  XAU XAG"]);
    expect(() => list("Krakn")).toThrow("expected an asset or a source, got Krakn");
  });
});

describe("prosper pullsources", () => {
  it("asks each source that is on, and shows price, age and deviation of every quote, and every failure", async () => {
    const lines: string[] = [];
    const order = orderSources({
      ...SETTINGS,
      priorities: { fixedusd: 0, goldapi: 1, frankfurter: 2, binance: 3 },
    });
    const answer = (url: string): Response => {
      if (url.includes("gold-api"))
        return Response.json({
          symbol: url.slice(-3),
          price: 4000,
          updatedAt: new Date(NOW - 60_000).toISOString(),
        });
      if (url.includes("frankfurter"))
        return Response.json([{ date: "2026-11-17", base: "USD", quote: "XAU", rate: 0.00025641 }]);
      return Response.json({ code: -1003, msg: "Too many requests." });
    };

    const allAnswered = await pullsourcesCommand(
      { order },
      {
        fetch: async (url) => answer(url),
        clock: eagerClock(NOW),
        random: systemRandom,
        print: (line) => lines.push(line),
      },
    );

    expect(allAnswered).toBe(false);
    expect(lines).toContain("GoldAPI            2 quotes");
    expect(lines).toContain("  failed: refused with code -1003: Too many requests.");
    expect(lines.filter((line) => line.startsWith("XAU"))).toEqual([
      "XAU   GoldAPI                 4000.000000       60 s    1.266 %",
      "XAU   Frankfurter             3900.003900    43200 s   -1.266 %",
    ]);
    expect(lines).toContain("EUR   no quote");
  });
});
