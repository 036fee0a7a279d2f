/** The devnet on a real disk: restarts, torn tails, old segments, replayed blocks. */

import { mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type BlockContents, makeBlock } from "../../../infra/devnet/block-maker.ts";
import { DevnetChain } from "../../../infra/devnet/chain.ts";
import type { BlockRecord } from "../../../infra/devnet/chain-records.ts";
import { createPriceWalk } from "../../../infra/devnet/price-walk.ts";
import { appendRealBlocks, readRealBlocks } from "../../../infra/devnet/real-blocks.ts";
import { createRivals, rivalAddress } from "../../../infra/devnet/rivals.ts";
import { createSeededRandom } from "../../../infra/devnet/seeded-random.ts";
import { systemRandom } from "../../../shared/clock.ts";
import {
  encodeEntry,
  entryHash,
  OPR_CHAIN,
  parseEntry,
  TRANSACTION_CHAIN,
} from "../../../shared/factom/entry.ts";
import type { Logger } from "../../../shared/logger.ts";
import { SILENT } from "../../../shared/logger.ts";
import { MAINNET_ACTIVATIONS, onlyVersion } from "../../../shared/opr/assets.ts";
import { withFullDisk } from "../../support/full-disk.ts";
import { smallHasher } from "../../support/hash/small-hasher.ts";

const hasher = smallHasher(10);
let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "devnet-"));
});
afterEach(() => rm(folder, { recursive: true }));

const seeded = createSeededRandom(5);
const walk = createPriceWalk(seeded);
const rivals = createRivals(
  { count: 30 },
  { hasher, random: systemRandom, seeded, prices: () => walk.prices() },
);

/** A graded block of 30 rivals on top of the chain, and one note on the transaction chain. */
async function grow(chain: DevnetChain): Promise<BlockRecord> {
  const height = (chain.tip?.height ?? 999) + 1;
  const round = rivals.start({ height, version: 5, prevWinners: chain.winners, hashes: 60 });
  const raws = (await round.harvest()).map(({ raw }) => raw);
  const note = encodeEntry({
    chainId: TRANSACTION_CHAIN,
    extIds: [],
    content: new TextEncoder().encode(`note ${height}`),
  });
  const entries = [
    ...raws.map((raw) => ({ chainId: OPR_CHAIN, raw, hash: entryHash(raw), minute: 2 })),
    { chainId: TRANSACTION_CHAIN, raw: note, hash: entryHash(note), minute: 1 },
  ];
  const contents: BlockContents = { height, version: 5, startedMs: 1_600_000_000_000, entries };
  const made = await makeBlock(contents, chain, hasher);
  await chain.append(made.record, made.raws);
  return made.record;
}

const open = (keepBlocks = 100, logger: Logger = SILENT) => DevnetChain.open({ folder, keepBlocks }, logger);

describe("a chain on disk", () => {
  it("is the same after a restart, and goes on at the next height", async () => {
    const first = await open();
    first.setCredits("ab".repeat(32), 77);
    const blocks = [await grow(first), await grow(first), await grow(first)];
    await first.close();

    const again = await open();
    const next = await grow(again);

    expect([1000, 1001, 1002].map((height) => again.block(height))).toEqual(blocks);
    expect(next).toMatchObject({ height: 1003, prevKeyMr: blocks[2]?.keyMr });
    expect(again.winners).toHaveLength(25);
    expect(again.credits("ab".repeat(32))).toBe(77);
    const paid = Array.from({ length: 30 }, (_, i) => again.balance(rivalAddress(i)) ?? 0n).reduce(
      (sum, one) => sum + one,
      0n,
    );
    expect(paid).toBe(4n * 25n * 36_000_000_000n);
    for (const { hash } of blocks[1]?.chains.flatMap((one) => one.entries) ?? []) {
      const raw = await again.entry(hash);
      expect(raw === undefined ? undefined : entryHash(raw)).toBe(hash);
    }
    await again.close();
  });

  it.each([
    ["half a record", (bytes: Buffer, _whole: number) => bytes.subarray(0, -1)],
    [
      "a few bytes of one",
      (bytes: Buffer, whole: number) => Buffer.concat([bytes.subarray(0, whole), Buffer.of(0, 0, 1)]),
    ],
    [
      "a record with a wrong checksum",
      (bytes: Buffer, _whole: number) =>
        Buffer.concat([bytes.subarray(0, -2), Buffer.of((bytes.at(-2) ?? 0) ^ 1), bytes.subarray(-1)]),
    ],
  ])("ignores %s at its end, as a crash leaves it, says so, and goes on", async (_what, damage) => {
    const first = await open();
    const whole = await grow(first);
    const path = join(folder, (await readdir(folder))[0] ?? "");
    const wholeBytes = (await readFile(path)).length;
    await grow(first);
    await first.close();
    await writeFile(path, damage(await readFile(path), wholeBytes));
    const warnings: string[] = [];

    const again = await open(100, { ...SILENT, warn: (message) => warnings.push(message) });
    const next = await grow(again);
    await again.close();
    const third = await open();

    expect(again.block(1000)).toEqual(whole);
    expect(warnings).toEqual(["cut off a block that was not written whole"]);
    expect(next.height).toBe(1001);
    expect(third.tip?.keyMr).toBe(next.keyMr);
    await third.close();
  });

  it("cuts off what a full disk tore of a block, and keeps every block after it through a restart", async () => {
    const first = await open();
    await grow(first);
    const path = join(folder, (await readdir(folder))[0] ?? "");
    const { size } = await stat(path);

    await expect(withFullDisk(size + 100, () => grow(first))).rejects.toMatchObject({ code: "EFBIG" });

    expect((await stat(path)).size).toBe(size);
    const after = [await grow(first), await grow(first)];
    const entries = await first.entries(1002);
    await first.close();
    const again = await open(100, { ...SILENT, warn: expect.unreachable });
    expect([1001, 1002].map((height) => again.block(height))).toEqual(after);
    expect(await again.entries(1002)).toEqual(entries);
    expect((await grow(again)).height).toBe(1003);
    await again.close();
  });

  it("tears nothing where the disk fills at the state that begins a segment", async () => {
    const first = await open(10);
    await grow(first);

    await expect(withFullDisk(40, () => grow(first))).rejects.toMatchObject({ code: "EFBIG" });

    const next = await grow(first);
    await first.close();
    const again = await open(10);
    expect(again.block(1001)).toEqual(next);
    expect((await grow(again)).height).toBe(1002);
    await again.close();
  });

  it("passes over half a block that an earlier version left between whole ones, and says so", async () => {
    const first = await open();
    await grow(first);
    const path = join(folder, (await readdir(folder))[0] ?? "");
    const { size } = await stat(path);
    await first.close();
    const second = await open();
    const lost = await grow(second);
    await second.close();
    const whole = await readFile(path);
    await writeFile(path, Buffer.concat([whole.subarray(0, size + 200), whole.subarray(size)]));
    const warnings: string[] = [];

    const again = await open(100, { ...SILENT, warn: (message) => warnings.push(message) });

    expect(again.block(1001)).toEqual(lost);
    expect(await again.entries(1001)).toHaveLength(31);
    expect(warnings).toEqual(["passed over half a block that a full disk had left"]);
    expect((await grow(again)).height).toBe(1002);
    await again.close();
    expect((await open()).tip?.height).toBe(1002);
  });

  it("refuses to go on where a block between two others is broken", async () => {
    const chain = await open();
    await grow(chain);
    const path = join(folder, (await readdir(folder))[0] ?? "");
    const { size } = await stat(path);
    await grow(chain);
    await grow(chain);
    await chain.close();
    const bytes = await readFile(path);
    bytes[size + 50] = (bytes[size + 50] ?? 0) ^ 1;
    await writeFile(path, bytes);

    await expect(open()).rejects.toMatchObject({
      code: "devnet-data-damaged",
      message: expect.stringMatching(/expected block 1001 .* got 1002/),
    });
  });

  it("refuses to go on over a hole in an older segment", async () => {
    const chain = await open(10);
    for (let i = 0; i < 4; i++) await grow(chain);
    await chain.close();
    const names = (await readdir(folder)).sort();
    await truncate(join(folder, names[0] ?? ""), 20);

    expect(names.length).toBeGreaterThan(1);
    await expect(open(10)).rejects.toMatchObject({ code: "devnet-data-damaged" });
  });

  it("deletes old blocks, but not what they left: balances, winners and chain heads", async () => {
    const chain = await open(10);
    for (let i = 0; i < 25; i++) await grow(chain);
    const balances = Array.from({ length: 30 }, (_, i) => chain.balance(rivalAddress(i)));
    await chain.close();

    const again = await open(10);
    const next = await grow(again);

    expect(again.oldest).toBe(1016);
    expect(again.block(1005)).toBeUndefined();
    expect((await readdir(folder)).length).toBeLessThanOrEqual(12);
    expect(balances.reduce((sum: bigint, one) => sum + (one ?? 0n), 0n)).toBe(25n * 25n * 36_000_000_000n);
    expect(next.chains.map((one) => one.sequence)).toEqual([25, 25]);
    await again.close();
  });
});

describe("replay", () => {
  /** A block file like pegnet's test data, of OPRs of version 1 that need not be valid. */
  async function blockFile(height: number, count: number): Promise<string> {
    const entries = Array.from({ length: count }, (_, i) => {
      const extIds = [Uint8Array.of(i), new Uint8Array(8), Uint8Array.of(1)];
      const content = new TextEncoder().encode(`{"dbht":${height}}`);
      const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64");
      return {
        Hash: entryHash(encodeEntry({ chainId: OPR_CHAIN, extIds, content })),
        ExtIDs: extIds.map(base64),
        Content: base64(content),
      };
    });
    const path = join(folder, `${height}.json`);
    await writeFile(
      path,
      JSON.stringify({
        Height: height,
        PreviousWinners: Array.from({ length: 10 }, () => ""),
        Winners: [],
        Entries: entries,
      }),
    );
    return path;
  }

  it("puts the entries at their heights with their own hashes, with empty blocks between", async () => {
    const files = [await blockFile(206_425, 3), await blockFile(206_422, 2)];
    const chain = await DevnetChain.open({ folder: undefined, keepBlocks: 100 }, SILENT);
    const blocks = await readRealBlocks(files);

    await appendRealBlocks(blocks, {
      chain,
      hasher,
      activations: MAINNET_ACTIVATIONS,
      wallMs: () => 1_600_000_000_000,
    });

    expect(blocks.map((block) => block.height)).toEqual([206_422, 206_425]);
    expect(chain.tip?.height).toBe(206_425);
    expect(
      [206_422, 206_423, 206_424, 206_425].map(
        (height) => chain.block(height)?.chains[0]?.entries.length ?? 0,
      ),
    ).toEqual([2, 0, 0, 3]);
    const [raw] = await chain.entries(206_425);
    expect(raw && parseEntry(raw)).toMatchObject({ ok: true, entry: { chainId: OPR_CHAIN } });
    await appendRealBlocks(blocks, { chain, hasher, activations: MAINNET_ACTIVATIONS, wallMs: () => 0 });
    expect(chain.tip?.height).toBe(206_425);
  });

  it("refuses files that are none, that lie, or that do not fit the chain in the folder", async () => {
    const path = await blockFile(206_422, 1);
    const lying = join(folder, "lying.json");
    await writeFile(lying, (await readFile(path, "utf8")).replace(/"Hash":"../, '"Hash":"00'));
    const chain = await DevnetChain.open({ folder: undefined, keepBlocks: 100 }, SILENT);
    await grow(chain);
    const modules = { chain, hasher, activations: onlyVersion(5), wallMs: () => 0 };

    await expect(readRealBlocks([join(folder, "missing.json")])).rejects.toMatchObject({
      code: "replay-invalid",
    });
    await expect(readRealBlocks([lying])).rejects.toThrow(/expected an entry of hash 00/);
    await expect(readRealBlocks([path, path])).rejects.toThrow(/apart/);
    await expect(appendRealBlocks(await readRealBlocks([path]), modules)).rejects.toThrow(
      /use another folder/,
    );
  });
});
