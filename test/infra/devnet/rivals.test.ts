/** The rivals: real hashes, prices near the feed, as many hashes as told, and an effort that follows the others. */

import { describe, expect, it } from "vitest";
import { createEffort, estimateHashes, probeFirstHashes } from "../../../infra/devnet/effort.ts";
import { createPriceWalk } from "../../../infra/devnet/price-walk.ts";
import { createRivals, rivalAddress } from "../../../infra/devnet/rivals.ts";
import { createSeededRandom } from "../../../infra/devnet/seeded-random.ts";
import { bytesToU64, concat, fromHex, toHex, u32ToBytes } from "../../../shared/bytes.ts";
import { parseEntry } from "../../../shared/factom/entry.ts";
import type { NonceRange } from "../../../shared/hash/hasher.ts";
import { assetsOf, type OprVersion } from "../../../shared/opr/assets.ts";
import { parseOprV2 } from "../../../shared/opr/codec-v2.ts";
import { oprHash } from "../../../shared/opr/record.ts";
import { smallHasher } from "../../support/hash/small-hasher.ts";
import { manualClock } from "../../support/manual-clock.ts";

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

function readClaim({ raw }: { raw: Uint8Array }) {
  const parsed = parseEntry(raw);
  if (!parsed.ok) throw new Error(parsed.reason);
  const [nonce = new Uint8Array(8), claim = new Uint8Array(8)] = parsed.entry.extIds;
  const counter = new DataView(nonce.buffer, nonce.byteOffset).getUint32(4);
  return { nonce, counter, claim: bytesToU64(claim), content: parsed.entry.content };
}

describe("rivals", () => {
  it("submit entries whose claimed difficulty is that of their hash, with prices within half a percent", async () => {
    const { hasher, prices, rivals } = setUp();
    const round = rivals.start({ height: 1000, version: 5, prevWinners: [], hashes: 900 });
    await round.work(1, 4);

    const entries = await round.harvest();

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

  it.each([0, 2])(
    "with %i helpers submit the best of each rival and the best 50 of all, each once",
    async (count) => {
      const { hasher, rivals } = setUp();
      const helped = new Array<number>(count).fill(0);
      const helpers = helped.map((_, i) => ({
        search: (range: NonceRange) => {
          helped[i] = (helped[i] ?? 0) + range.count;
          return hasher.search(range);
        },
      }));
      const round = rivals.start({ height: 1000, version: 5, prevWinners: [], hashes: 3000 });
      await round.work(1, 1, helpers);
      // All do a part of it, and nothing twice: the nonces below are 100 of each rival.
      expect(Math.min(...helped)).toBeGreaterThan(0);

      const submitted = (await round.harvest()).map(readClaim);

      // Every nonce they tried, hashed anew: a prefix that all share, then each rival's own counter.
      const contents = [...new Set(submitted.map(({ content }) => toHex(content)))].map((hex) =>
        fromHex(hex),
      );
      const tries = contents.flatMap((content, rival) =>
        Array.from({ length: 100 }, (_, counter) => ({
          rival,
          content,
          nonce: concat(submitted[0]?.nonce.subarray(0, 4) ?? new Uint8Array(), u32ToBytes(counter)),
        })),
      );
      const hashes = await hasher.hash(tries.map(({ content, nonce }) => concat(oprHash(content), nonce)));
      const sorted = tries
        .map(({ rival }, i) => ({ rival, difficulty: bytesToU64(hashes[i] ?? new Uint8Array(8)) }))
        .sort((a, b) => (a.difficulty > b.difficulty ? -1 : 1));
      const bestOfEach = Array.from({ length: 30 }, (_, i) => sorted.find(({ rival }) => rival === i));
      const expected = new Set([...sorted.slice(0, 50), ...bestOfEach].map((one) => one?.difficulty));

      expect(contents).toHaveLength(30);
      expect(submitted).toHaveLength(expected.size);
      expect(new Set(submitted.map(({ claim }) => claim))).toEqual(expected);
    },
  );

  it("tell how much work there is by the 50th entry, also where rivals are unlucky", async () => {
    const { rivals } = setUp();
    const round = rivals.start({ height: 1000, version: 5, prevWinners: [], hashes: 20_000 });
    await round.work(1, 1);

    const claims = (await round.harvest()).map((entry) => readClaim(entry).claim);
    const fiftieth = claims.toSorted((a, b) => (a > b ? -1 : 1))[49] ?? 0n;
    const estimate = (50 * 2 ** 64) / Number(2n ** 64n - fiftieth);

    // 50 hashes of 20,000 are known to one part in seven.
    expect(estimate).toBeGreaterThan(13_000);
    expect(estimate).toBeLessThan(30_000);
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

  it("begins with three tenths of what this machine hashes in a block, and with 3,000 at the least", async () => {
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

    const before = clock.monotonicMs();
    const first = await probeFirstHashes(10_000, modules);
    const tookMs = clock.monotonicMs() - before;

    expect(first).toBeCloseTo(300_000, -2);
    expect(await probeFirstHashes(10, modules)).toBe(3000);
    expect(tookMs).toBeLessThan(500);
  });

  it("goes to six tenths of what others do, in bounded steps, and stays fixed where a number is set", () => {
    const auto = createEffort("auto", 20_000);
    const fixed = createEffort(500, 0);
    const difficulties = Array.from({ length: 25 }, () => 2n ** 64n - 2n ** 64n / 40_000n);

    const start = auto.next();
    auto.observe([]);
    const unseen = auto.next();
    for (let i = 0; i < 3; i++) auto.observe(difficulties);
    fixed.observe(difficulties);

    expect(unseen).toBe(start);
    expect(auto.next()).toBe(600_000);
    expect(fixed.next()).toBe(500);
  });
});
