/** The rivals: real hashes, prices near the feed, as many hashes as told, and an effort that follows the others. */

import { describe, expect, it } from "vitest";
import { createEffort, estimateHashes, probeFirstHashes } from "../../../infra/devnet/effort.ts";
import { createPriceWalk } from "../../../infra/devnet/price-walk.ts";
import { createRivals, rivalAddress } from "../../../infra/devnet/rivals.ts";
import { createSeededRandom } from "../../../infra/devnet/seeded-random.ts";
import { bytesToU64, concat } from "../../../shared/bytes.ts";
import { parseEntry } from "../../../shared/factom/entry.ts";
import { assetsOf, type OprVersion } from "../../../shared/opr/assets.ts";
import { parseOprV2 } from "../../../shared/opr/codec-v2.ts";
import { oprHash } from "../../../shared/opr/record.ts";
import { manualClock } from "../../helpers/manual-clock.ts";
import { smallHasher } from "../../helpers/small-hasher.ts";

const seededBytes = (seed: number) => {
  const seeded = createSeededRandom(seed);
  return (length: number) => Uint8Array.from({ length }, () => seeded.between(0, 255));
};

function setUp(count = 30) {
  const hasher = smallHasher(10);
  const prices = createPriceWalk(createSeededRandom(1)).prices();
  const rivals = createRivals(
    { count },
    { hasher, random: seededBytes(1), seeded: createSeededRandom(2), prices: () => prices },
  );
  return { hasher, prices, rivals };
}

describe("rivals", () => {
  it("submit one entry each, whose claimed difficulty is that of its hash, with prices within half a percent", async () => {
    const { hasher, prices, rivals } = setUp();
    const round = rivals.start({ height: 1000, version: 5, prevWinners: [], hashes: 900 });
    await round.work(1, 4);

    const entries = await round.harvest();

    expect(entries).toHaveLength(30);
    const addresses = new Set<string>();
    for (const { raw, minute } of entries) {
      const parsed = parseEntry(raw);
      if (!parsed.ok) throw new Error(parsed.reason);
      const { extIds, content } = parsed.entry;
      const [hash] = await hasher.hash([concat(oprHash(content), extIds[0] ?? new Uint8Array())]);
      const read = parseOprV2(content);
      if (!read.ok) throw new Error(read.reason);
      const opr = read.value;
      expect(bytesToU64(extIds[1] ?? new Uint8Array(8))).toBe(bytesToU64(hash ?? new Uint8Array(8)));
      expect(minute).toBe(4);
      addresses.add(opr.address);
      for (const [i, name] of assetsOf(5).entries()) {
        const ratio = Number(opr.assets[i]) / Number(prices.get(name));
        expect(Math.abs(ratio - 1), name).toBeLessThan(0.0051);
      }
    }
    expect(addresses).toEqual(new Set(Array.from({ length: 30 }, (_, i) => rivalAddress(i))));
  });

  it("hash as often as told, in parts, and stop when harvested", async () => {
    const { hasher, rivals } = setUp();
    const round = rivals.start({ height: 1000, version: 5, prevWinners: [], hashes: 6000 });

    await round.work(0.1, 1);
    const afterOnePart = hasher.hashed();
    const unfinished = round.work(0.9, 2);
    await round.harvest();
    await unfinished;

    expect(afterOnePart).toBe(600);
    expect(hasher.hashed()).toBeLessThan(6000);
  });

  it.each([1, 2, 3, 4, 5] as OprVersion[])("mine version %i", async (version) => {
    const { rivals } = setUp(3);

    const entries = await rivals.start({ height: 5, version, prevWinners: [], hashes: 3 }).harvest();

    expect(entries).toHaveLength(3);
  });
});

describe("the rivals' effort", () => {
  it("is estimated from the best difficulties within a quarter of the truth", () => {
    const seeded = createSeededRandom(3);
    for (const hashes of [1000, 20_000, 100_000]) {
      const difficulties = Array.from(
        { length: hashes },
        () => BigInt(Math.floor(seeded.next() * 2 ** 53)) << 11n,
      );
      const estimate = estimateHashes(difficulties) ?? 0;

      expect(estimate / hashes).toBeGreaterThan(0.6);
      expect(estimate / hashes).toBeLessThan(1.6);
    }
  });

  it("begins with a fifth of what this machine hashes in a block, and with 3,000 at the least", async () => {
    const real = smallHasher(8);
    const clock = manualClock();
    // A machine of 100 hashes a millisecond.
    const hasher = {
      ...real,
      hash: (inputs: readonly Uint8Array[]) => {
        clock.advance(inputs.length / 100);
        return real.hash(inputs);
      },
    };
    const modules = { hasher, clock, random: seededBytes(1) };

    expect(await probeFirstHashes(10_000, modules)).toBeCloseTo(200_000, -2);
    expect(await probeFirstHashes(10, modules)).toBe(3000);
  });

  it("goes to half of what others do, in bounded steps, and stays fixed where a number is set", () => {
    const auto = createEffort("auto", 20_000);
    const fixed = createEffort(500, 0);
    const difficulties = Array.from({ length: 25 }, () => 2n ** 64n - 2n ** 64n / 40_000n);

    const start = auto.next();
    auto.observe([]);
    const unseen = auto.next();
    for (let i = 0; i < 3; i++) auto.observe(difficulties);
    fixed.observe(difficulties);

    expect(unseen).toBe(start);
    expect(auto.next()).toBe(500_000);
    expect(fixed.next()).toBe(500);
  });
});
