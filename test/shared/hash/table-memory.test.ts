/** A table that several processes have in memory once. */

import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { readPageFacts } from "../../../shared/hash/huge-pages.ts";
import { LxrKernel } from "../../../shared/hash/kernel.ts";
import {
  allocateTable,
  claimRegion,
  type SharedTable,
  tableBytes,
} from "../../../shared/hash/shared-table.ts";
import { adoptTable, canShareTables, shareTable } from "../../../shared/hash/table-memory.ts";

const BITS = 26;
const BYTES = 2 ** BITS;
const run = promisify(execFile);
const INPUTS = [1, 2, 3].map((n) => new Uint8Array(40).fill(n));

/** What another process prints of the table at `file`: hashes over it, and how much of its memory is its own part of what is shared. */
const OTHER = `
  import { readFileSync, writeFileSync } from "node:fs";
  import { LxrKernel } from "./shared/hash/kernel.ts";
  import { claimRegion } from "./shared/hash/shared-table.ts";
  import { adoptTable } from "./shared/hash/table-memory.ts";
  const table = adoptTable(${BITS}, process.argv[1]);
  const kernel = new LxrKernel(table, claimRegion(table));
  const inputs = ${JSON.stringify(INPUTS.map((input) => [...input]))}.map((input) => Uint8Array.from(input));
  const hashes = kernel.hashBatch(inputs).map((hash) => Buffer.from(hash).toString("hex"));
  const kilobytes = (name) => Number(new RegExp("^" + name + ": +(\\\\d+)", "m").exec(readFileSync("/proc/self/smaps_rollup", "utf8"))?.[1]);
  console.log(JSON.stringify({ hashes, part: kilobytes("Pss_Shmem"), huge: kilobytes("ShmemPmdMapped"), all: kilobytes("Shared_Dirty") }));
`;

function hashesOf(table: SharedTable): string[] {
  const kernel = new LxrKernel(table, claimRegion(table));
  return kernel.hashBatch(INPUTS).map((hash) => Buffer.from(hash).toString("hex"));
}

function fill(table: SharedTable): void {
  const bytes = tableBytes(table);
  for (let i = 0, x = 1; i < bytes.length; i++) {
    x = (Math.imul(x, 1_103_515_245) + 12_345) >>> 0;
    bytes[i] = x >>> 24;
  }
}

const sharing = await canShareTables();

describe.skipIf(!sharing)("a table that is shared (Linux from 6.1 on, with koffi)", () => {
  it("is the same in another process, on huge pages, and in memory once", async () => {
    // Where files have taken all memory there is no huge page to be had: the kernel makes some, if we may ask it.
    try {
      writeFileSync("/proc/sys/vm/compact_memory", "1");
    } catch {}
    const before = readPageFacts().hugeBytes;
    const table = allocateTable(BITS);
    const file = await shareTable(table);
    fill(table);
    expect(file).toMatch(/^\/proc\/\d+\/fd\/\d+$/);
    expect(readPageFacts().hugeBytes - before).toBeGreaterThan(BYTES / 2);

    const { stdout } = await run(process.execPath, ["--input-type=module", "-e", OTHER, file ?? ""], {
      cwd: join(import.meta.dirname, "../../.."),
    });

    const { hashes, part, huge, all } = JSON.parse(stdout);
    expect(hashes).toEqual(hashesOf(table));
    expect(huge * 1024).toBeGreaterThan(BYTES / 2);
    expect(all * 1024).toBeGreaterThan(0.9 * BYTES);
    expect(part * 1024).toBeLessThan(0.6 * BYTES);
  });

  it("hashes as a table of one's own does", async () => {
    const [own, shared] = [allocateTable(BITS), allocateTable(BITS)];
    await shareTable(shared);
    fill(own);
    fill(shared);

    expect(hashesOf(shared)).toEqual(hashesOf(own));
  });
});

describe("a table that is not shared", () => {
  it("is left as it is where it is too small to gain", async () => {
    const table = allocateTable(12);

    expect(await shareTable(table)).toBeUndefined();
    expect(tableBytes(table)).toHaveLength(2 ** 12);
  });

  it("is not adopted from a file that is gone", () => {
    expect(() => adoptTable(12, "/proc/self/fd/99999")).toThrow(/cannot be shared/);
  });
});
