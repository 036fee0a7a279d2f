/** `npm run bench` as a program, at the smallest sizes. */

import { execFile, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as v from "valibot";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

const MAIN = join(import.meta.dirname, "main.ts");
const KERNEL = join(import.meta.dirname, "../../shared/hash");
const ARRAY = v.array(
  v.strictObject({
    name: v.string(),
    unit: v.string(),
    ours: v.number(),
    peer: v.nullable(v.number()),
    ratio: v.nullable(v.number()),
    rounds: v.number(),
  }),
);

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "prosper-bench-test-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

function bench(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [MAIN, "--quick", "--bits", "8", ...args], (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
    );
  });
}

/** A peer of the hash that takes a second of CPU time for a million hashes, and says what it is told to say of a hash. */
function writePeer(hash: string): void {
  const program = `#!${process.execPath}
import { createInterface } from "node:readline";
import { fromHex, toHex } from ${JSON.stringify(`${KERNEL}/../bytes.ts`)};
import { LxrKernel } from ${JSON.stringify(`${KERNEL}/kernel.ts`)};
import { claimRegion } from ${JSON.stringify(`${KERNEL}/shared-table.ts`)};
import { openTable } from ${JSON.stringify(`${KERNEL}/open-table.ts`)};
const table = await openTable({ bits: Number(process.argv[3]), logger: { warn() {}, error() {}, info() {}, debug() {} } });
const kernel = new LxrKernel(table, claimRegion(table));
for await (const line of createInterface({ input: process.stdin })) {
  const [word, given] = line.split(" ");
  console.log(word === "hash" ? ${hash} : given);
}
`;
  writeFileSync(join(folder, "package.json"), '{"type":"module"}');
  writeFileSync(join(folder, "lxrhash"), program, { mode: 0o755 });
}

describe("npm run bench", () => {
  it("measures a row for real, and prints an array with nulls where no peer is", async () => {
    const { code, stdout, stderr } = await bench("--only", "journal", "--rounds", "2", "--json");

    expect(code, stderr).toBe(0);
    const [rate, wait] = v.parse(ARRAY, JSON.parse(stdout));
    expect(rate).toMatchObject({ name: "journal", unit: "shares/s", peer: null, ratio: null, rounds: 2 });
    expect(rate?.ours).toBeGreaterThan(100);
    expect(wait?.ours).toBeGreaterThan(0);
    expect(stderr).toMatch(/journal: round 2 of 2\n.*; this run took \d+ s\n$/s);
  });

  it("compares with a peer in the same rounds, keeps them, and draws and fills in what it has kept", async () => {
    writePeer("toHex(kernel.hashBatch([fromHex(given)])[0])");
    const page = join(folder, "page.md");
    writeFileSync(page, "<!-- measured -->\n<!-- /measured -->\n");
    const files = ["--out", folder, "--chart", join(folder, "chart.svg"), "--fill", page];
    const first = await bench("--only", "kernel", "--peers", folder, "--json");
    const again = await bench("--only", "kernel", "--peers", folder, "--json", ...files);
    const kept = await bench("--only", "kernel-batch", "--peers", folder, ...files);

    expect(first.code, first.stderr).toBe(0);
    expect(first.stderr).toContain("no peer pool in");
    for (const { peer, ours, ratio } of v.parse(ARRAY, JSON.parse(first.stdout))) {
      // A microsecond each, in as many hashes as take 20 ms here.
      expect(peer).toBeCloseTo(1e6, 0);
      expect(ratio).toBeCloseTo(ours / 1e6, 9);
    }
    expect(again.code, again.stderr).toBe(0);
    expect(kept.stderr).toContain("kernel: measured before");
    expect(kept.stdout).toMatch(/^kernel-batch .* × +1$/m);
    expect(readFileSync(page, "utf8")).toContain("| `kernel-batch`: 128 inputs side by side");
    expect(readFileSync(join(folder, "chart.svg"), "utf8")).toMatch(/^<svg .*<\/svg>\n$/s);
  });

  it("does not compare with a peer that hashes something else: it says so, and exits with 1", async () => {
    writePeer('"00".repeat(32)');
    const { code, stderr } = await bench("--only", "kernel", "--peers", folder);

    expect(stderr).toMatch(/kernel: FAILED: the hashes differ: ours [0-9a-f]{64}, the peer's (?:00){32}\n/);
    expect(stderr).toContain("could not run: kernel\n");
    expect(code).toBe(1);
  });

  it("exits with 2 on a name that there is not, and lists those that there are", async () => {
    const { code, stdout, stderr } = await bench("--only", "speed");

    expect(stderr).toMatch(/^--only: there is no bench speed: choose from kernel, .*, start\n$/);
    expect([code, stdout]).toEqual([2, ""]);
  });

  it("ends on a signal with what it has measured, and 130", async () => {
    const child = spawn(process.execPath, [
      MAIN,
      "--quick",
      "--bits",
      "8",
      "--only",
      "journal",
      "--rounds",
      "1000",
      "--json",
    ]);
    let [stdout, stderr] = ["", ""];
    child.stdout.on("data", (text: Buffer) => {
      stdout += text;
    });
    child.stderr.on("data", (text: Buffer) => {
      stderr += text;
      if (!child.killed && stderr.includes("round 3 of 1000")) child.kill("SIGINT");
    });
    const code = await new Promise((resolve) => child.once("close", resolve));

    expect(code, stderr).toBe(130);
    const [rate] = v.parse(ARRAY, JSON.parse(stdout));
    expect(rate?.rounds).toBeGreaterThanOrEqual(2);
    expect(rate?.rounds).toBeLessThan(1000);
  });
});
