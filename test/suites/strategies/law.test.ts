import { describe, expect, it } from "vitest";
import { changeEdges } from "./changes.ts";
import { GUESSES_IN_ORDER } from "./guessed-prefixes.ts";
import { tryStrategy } from "./law.ts";
import { STRATEGIES } from "./strategies.ts";

/** A block and a half. `npm run test:strategies` plays all strategies, with a million hashes each. */
const HASHES = 60_000;
/** Where a stop leaves little to be paid too much for: by fewer, luck would hide it. */
const HASHES_OF = new Map([["on through a stop, then the job goes on", 120_000]]);
/** Those that were paid too much before a prefix had one target for its whole life, and who gets all that it is owed. */
const QUICK = [
  "honest",
  "all shares late",
  "hits kept, all targets in turn from hard to easy",
  "one connection, from hard to easy",
  "two edges, one behind the other",
  "on through a stop, then the job goes on",
  "any mixture",
  "stratum alone: from hard to easy",
];

describe("the law of work", () => {
  it.each(QUICK)("pays no more than was hashed while told to: %s", async (name) => {
    const strategy = STRATEGIES.find((one) => one.name === name);
    if (strategy === undefined) throw new Error(`there is no strategy ${name}`);
    const hashes = HASHES_OF.get(name) ?? HASHES;
    const { made, verdict, z } = await tryStrategy(strategy, { seed: 7, hashes });

    expect(made).toBeGreaterThan(hashes / 2);
    expect(["equal", "within"], `z = ${z.toFixed(1)}`).toContain(verdict);
  });

  it("would be broken by who hashes ahead, were prefixes given out in order", async () => {
    const { made, credited } = await tryStrategy(GUESSES_IN_ORDER, {
      seed: 7,
      hashes: HASHES,
      isPredictable: true,
    });
    const fair = await tryStrategy(GUESSES_IN_ORDER, { seed: 7, hashes: HASHES });

    expect(credited).toBeGreaterThan(made);
    expect(fair.credited).toBe(0);
  });

  it("takes what an honest miner found while its line was cut, at the edge that it had it from", async () => {
    const { changes, lost } = await changeEdges(false, { seed: 7, hashes: 60_000 });

    expect(changes).toBeGreaterThan(0);
    expect(lost).toBe(0);
  });
});
