import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { bytesToU64, concat, toHex, u32ToBytes } from "../../../shared/bytes.ts";
import { lxrHash } from "../../../shared/hash/lxr.ts";
import { LxrPool, type LxrPoolOptions } from "../../../shared/hash/pool.ts";
import { claimRegion, tableBytes } from "../../../shared/hash/shared-table.ts";
import { SILENT } from "../../../shared/logger.ts";
import { makeTable } from "../../support/hash/tables.ts";
import { batchNotes } from "./workers/batch-notes.ts";

const table = makeTable(10);
const MORTAL = new URL("./workers/mortal-worker.ts", import.meta.url);
const COUNTING = new URL("./workers/counting-worker.ts", import.meta.url);
const STILLBORN = new URL("./workers/stillborn-worker.ts", import.meta.url);

const pools: LxrPool[] = [];
afterEach(async () => {
  await Promise.all(pools.splice(0).map((pool) => pool.close()));
});

function startPool(options: Partial<LxrPoolOptions> = {}): LxrPool {
  const pool = new LxrPool({ table, threads: 2, ...options }, { logger: SILENT });
  pools.push(pool);
  return pool;
}

const text = (words: string): Uint8Array => new TextEncoder().encode(words);
const expected = (inputs: readonly Uint8Array[]): string[] =>
  inputs.map((input) => toHex(lxrHash(tableBytes(table), input)));

describe.each([2, 0])("LxrPool with %i threads", (threads) => {
  it("answers each caller with the hashes of its inputs, in their order, whatever their lengths", async () => {
    const pool = startPool({ threads });
    const requests = Array.from({ length: 40 }, (_, i) =>
      Array.from({ length: i % 9 }, (_, k) => text(`${i} ${k}`.padEnd(5 + ((i * k) % 3)))),
    );

    const answers = await Promise.all(requests.map((inputs) => pool.hash(inputs)));

    expect(answers.map((hashes) => hashes.map(toHex))).toEqual(requests.map(expected));
  });

  it("hashes inputs that are views into a larger buffer", async () => {
    const pool = startPool({ threads });
    const buffer = text("0123456789abcdef");
    const views = [buffer.subarray(1, 5), buffer.subarray(3, 9), buffer.subarray(16)];

    const hashes = await pool.hash(views);

    expect(hashes.map(toHex)).toEqual(expected(views));
  });

  it("stops accepting work at its limit, refuses it at twice the limit, and accepts again afterwards", async () => {
    const pool = startPool({ threads, queueLimit: 4 });
    const inputs = ["a", "b", "c", "d"].map(text);

    const first = pool.hash(inputs);
    const full = pool.canAcceptWork();
    const second = pool.hash(inputs);
    const refused = pool.hash(inputs);

    expect(full).toBe(false);
    expect(pool.queued).toBe(8);
    await expect(refused).rejects.toMatchObject({ code: "hasher-full" });
    expect((await first).map(toHex)).toEqual(expected(inputs));
    expect((await second).map(toHex)).toEqual(expected(inputs));
    expect(pool.canAcceptWork()).toBe(true);
    expect(pool.queued).toBe(0);
  });

  it("finishes what it took when closed, and takes no more", async () => {
    const pool = startPool({ threads });
    const inputs = Array.from({ length: 500 }, (_, i) => text(`${i}`));

    const taken = pool.hash(inputs);
    const closing = pool.close();

    expect(pool.canAcceptWork()).toBe(false);
    await expect(pool.hash(inputs)).rejects.toMatchObject({ code: "hasher-closed" });
    await closing;
    expect((await taken).map(toHex)).toEqual(expected(inputs));
  });

  it("refuses an input that is too long, without harm to others", async () => {
    const pool = startPool({ threads });

    const [long, short] = await Promise.allSettled([
      pool.hash([text("x"), new Uint8Array(65_537)]),
      pool.hash([text("y")]),
    ]);

    expect(long).toMatchObject({ status: "rejected", reason: { name: "RangeError" } });
    expect(short.status === "fulfilled" && short.value.map(toHex)).toEqual(expected([text("y")]));
  });

  it("searches a stretch of nonces as if each were hashed, and refuses one that is too long", async () => {
    const pool = startPool({ threads });
    const prefix = text("prefix");
    const inputs = Array.from({ length: 300 }, (_, i) => concat(prefix, u32ToBytes(7 + i)));

    const found = await pool.search({ prefix, start: 7, suffixBytes: 4, count: 300 });

    expect([...found]).toEqual(inputs.map((input) => bytesToU64(lxrHash(tableBytes(table), input))));
    await expect(pool.search({ prefix, start: 0, suffixBytes: 4, count: 1025 })).rejects.toThrow(/1025/);
  });

  it("answers nothing with nothing", async () => {
    expect(await startPool({ threads }).hash([])).toEqual([]);
  });

  it("gives its regions of scratch back when closed", async () => {
    for (let round = 0; round < 40; round++) await startPool({ threads }).close();

    expect(claimRegion(table)).toBeLessThan(63);
  });
});

describe("LxrPool with shares and other work", () => {
  it("hashes a share before what waited longer, and lets neither keep the other out", async () => {
    const pool = startPool({ threads: 1 });
    const said: string[] = [];
    const note = (word: string) => () => void said.push(word);
    const long = Array.from({ length: 128 * 4 }, (_, i) => text(`${i}`));

    const grading = pool.hash(long).then(note("graded"));
    const search = pool
      .search({ prefix: text("p"), start: 0, suffixBytes: 4, count: 1 })
      .then(note("searched"));
    const shares = Array.from({ length: 3 }, (_, i) => pool.hash([text(`share ${i}`)], "share"));
    await Promise.all([...shares.map((share) => share.then(note("share"))), grading, search]);

    expect(said).toEqual(["share", "share", "share", "graded", "searched"]);
  });

  it("is not kept from other work by shares that never end", async () => {
    const pool = startPool({ threads: 1 });
    let goesOn = true;
    const shares = (async () => {
      while (goesOn)
        await Promise.all(Array.from({ length: 300 }, (_, i) => pool.hash([text(`${i}`)], "share")));
    })();

    const hashes = await pool.hash([text("an entry")]);
    goesOn = false;
    await shares;

    expect(hashes.map(toHex)).toEqual(expected([text("an entry")]));
  });
});

describe("LxrPool whose threads die", () => {
  it("tries the batch once more on a new thread, and nobody notices", async () => {
    const dir = await mkdtemp(join(tmpdir(), "lxr-pool-"));
    const marker = join(dir, "died");
    const pool = startPool({ threads: 1, script: MORTAL });
    const inputs = [text(`die once ${marker}`)];

    const hashes = await pool.hash(inputs);

    expect(existsSync(marker)).toBe(true);
    expect(hashes.map(toHex)).toEqual(expected(inputs));
    await rm(dir, { recursive: true });
  });

  it("rejects a batch that kills two threads, then works on", async () => {
    const pool = startPool({ threads: 1, script: MORTAL });

    await expect(pool.hash([text("die")])).rejects.toMatchObject({
      code: "hash-thread-died",
      data: { exitCode: 7 },
    });
    const after = await pool.hash([text("well")]);

    expect(after.map(toHex)).toEqual(expected([text("well")]));
  });

  it("rejects with the cause when threads fail before they take work", async () => {
    const pool = startPool({ threads: 1, script: STILLBORN });

    await expect(pool.hash([text("a")])).rejects.toMatchObject({
      code: "hash-thread-died",
      cause: { message: "a fault on purpose" },
    });
  });

  it("rejects only the callers of that batch", async () => {
    const pool = startPool({ threads: 1, script: MORTAL });
    const others = Array.from({ length: 300 }, (_, i) => text(`${i}`));

    const [killer, later] = await Promise.allSettled([
      pool.hash([text("die"), ...others]),
      pool.hash(others),
    ]);

    expect(killer).toMatchObject({ status: "rejected", reason: { code: "hash-thread-died" } });
    expect(later.status === "fulfilled" && later.value.map(toHex)).toEqual(expected(others));
  });
});

describe("LxrPool's batches", () => {
  it.each([
    [1, 1, [1]],
    [1, 300, [128, 128, 44]],
    [2, 1, [1]],
    [2, 10, [5, 5]],
    [2, 256, [128, 128]],
  ])("with %i free threads and %i shares at once are %j", async (threads, shares, sizes) => {
    const own = makeTable(8);
    const pool = startPool({ table: own, threads, script: COUNTING });

    await Promise.all(Array.from({ length: shares }, (_, i) => pool.hash([text(`${i}`)])));

    const [count, ...noted] = batchNotes(own);
    expect(noted.slice(0, count)).toEqual(sizes);
  });
});

describe("LxrPool's threads", () => {
  it.each([-1, 63, 1.5])("cannot be %d", (threads) => {
    expect(() => startPool({ threads })).toThrow(/from 0 to 62/);
  });
});
