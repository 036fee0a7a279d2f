import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { prebuiltName } from "../../../shared/hash/kernel/prebuilt.ts";
import { generateTable, LXR_PASSES, LXR_SEED, lxrHash } from "../../../shared/hash/lxr.ts";
import { CHECK_SUM, CHECKED, findNative } from "../../../shared/hash/native-kernel.ts";
import { openTable } from "../../../shared/hash/open-table.ts";
import { type Logger, SILENT } from "../../../shared/logger.ts";
import { nativeLibrary } from "../../support/hash/native.ts";

const KERNEL = join(import.meta.dirname, "../../../shared/hash/kernel");
const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true });
});

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), "prosper-native-"));
  folders.push(made);
  return made;
}

/** A release's folder of kernels with this one file for this machine. */
function release(fill: (path: string) => void): { prebuiltDir: string; library: string } {
  const prebuiltDir = folder();
  const library = join(prebuiltDir, prebuiltName(process.platform, process.arch));
  fill(library);
  return { prebuiltDir, library };
}

/** A program that stands in for the compiler. */
function compiler(script: string): string {
  const path = join(folder(), "cc");
  writeFileSync(path, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  return path;
}

/** The kernel with a fault in it. */
function makeWrong(path: string, right: string, wrong: string): void {
  const source = readFileSync(join(KERNEL, "lxr.c"), "utf8");
  expect(source).toContain(right);
  execFileSync("cc", ["-O1", "-shared", "-fPIC", `-I${KERNEL}`, "-x", "c", "-o", path, "-"], {
    input: source.replaceAll(right, wrong),
  });
}

describe("without a native kernel, WebAssembly hashes: a reason is given", () => {
  it("when it is switched off; then nothing is compiled", async () => {
    const dir = join(folder(), "never-made");

    expect(await findNative({ setting: "off", dir })).toEqual({
      kind: "none",
      reason: "PROSPER_NATIVE is off",
    });
    expect(existsSync(dir)).toBe(false);
  });

  it("when there is no compiler", async () => {
    expect(await findNative({ dir: folder(), compiler: "no-such-cc" })).toEqual({
      kind: "none",
      reason: "there is no C compiler (no-such-cc): install gcc or clang",
    });
  });

  it("when the compiler fails, whose words are shown; no unfinished file is left", async () => {
    const dir = folder();

    const native = await findNative({
      dir,
      compiler: compiler("echo half > $7; echo no headers >&2; exit 1"),
    });

    expect(native).toEqual({ kind: "none", reason: expect.stringContaining("no headers") });
    expect(readdirSync(dir)).toEqual([]);
  });

  it("when the release's own is not whole and there is no compiler either", async () => {
    const { prebuiltDir, library } = release((path) => writeFileSync(path, "rubbish"));

    expect(await findNative({ prebuiltDir, dir: folder(), compiler: "no-such-cc" })).toEqual({
      kind: "none",
      reason: expect.stringMatching(`^${library} is not used: .*; there is no C compiler \\(no-such-cc\\)`),
    });
  });

  it("when the folder for it cannot be made", async () => {
    const file = join(folder(), "file");
    writeFileSync(file, "");

    expect(await findNative({ dir: join(file, "below") })).toMatchObject({ kind: "none" });
  });

  it.each([
    ["is not there", (path: string) => rmSync(path, { force: true })],
    ["is no library", (path: string) => writeFileSync(path, "rubbish")],
  ])("when the library given %s", async (_, spoil) => {
    const path = join(folder(), "lxr.so");
    spoil(path);

    expect(await findNative({ setting: path })).toEqual({
      kind: "none",
      reason: expect.stringContaining(`${path} is not used: `),
    });
  });
});

/** Where the machine has no compiler the lines above say so; what follows needs one. */
describe.runIf(nativeLibrary !== undefined)("the native kernel", () => {
  it("is made once, for its owner alone, and found again", async () => {
    const dir = join(folder(), "cache");

    const made = await findNative({ dir });
    const again = await findNative({ dir, compiler: "cc" });

    expect(made).toEqual({ kind: "found", library: expect.stringContaining(dir) });
    expect(again).toEqual(made);
    expect(readdirSync(dir)).toHaveLength(1);
    expect(statSync(dir).mode & 0o077).toBe(0);
  });

  it("is made by many at the same time without harm", async () => {
    const dir = folder();

    const found = await Promise.all([1, 2, 3].map(() => findNative({ dir })));

    expect(found.map(({ kind }) => kind)).toEqual(["found", "found", "found"]);
    expect(readdirSync(dir)).toHaveLength(1);
  });

  it("is made again where others could have written it", async () => {
    const dir = folder();
    const made = await findNative({ dir });
    const path = made.kind === "found" ? made.library : "";
    // Not into the file itself: this process has it loaded.
    rmSync(path);
    writeFileSync(path, "written by another");
    chmodSync(path, 0o777);

    expect(await findNative({ dir })).toEqual(made);
    expect(statSync(path).mode & 0o022).toBe(0);
  });

  it("is taken from the path that is given", async () => {
    const path = join(folder(), "lxr.so");
    copyFileSync(nativeLibrary ?? "", path);

    expect(await findNative({ setting: path, compiler: "no-such-cc" })).toEqual({
      kind: "found",
      library: path,
    });
  });

  it("is the release's own where it has one for this machine: nothing is compiled", async () => {
    const { prebuiltDir, library } = release((path) => copyFileSync(nativeLibrary ?? "", path));
    const dir = join(folder(), "never-made");

    expect(await findNative({ prebuiltDir, dir })).toEqual({ kind: "found", library });
    expect(existsSync(dir)).toBe(false);
    expect(await findNative({ setting: "off", prebuiltDir })).toMatchObject({ kind: "none" });
  });

  it("is compiled where the release's own hashes wrong", async () => {
    const { prebuiltDir } = release((path) => makeWrong(path, "(v << 20)", "(v << 21)"));
    const dir = folder();

    expect(await findNative({ prebuiltDir, dir })).toEqual({
      kind: "found",
      library: expect.stringContaining(dir),
    });
  });

  it.each([
    ["hashes wrong", "(v << 20)", "(v << 21)", "it hashes wrong"],
    ["hashes wrong side by side only", "at_row[k]] << shift", "at_row[k]] << shift ^ k", "it hashes wrong"],
    ["hashes wrong alone only", "table[at] << shift", "table[at] << shift ^ 1", "it hashes wrong"],
    ["makes a wrong table", "(offset << 9)", "(offset << 8)", "it makes a wrong table"],
  ])("is not used when it %s", async (_, right, wrong, reason) => {
    const path = join(folder(), "lxr.so");
    makeWrong(path, right, wrong);

    expect(await findNative({ setting: path })).toEqual({
      kind: "none",
      reason: `${path} is not used: ${reason}`,
    });
  });

  it("proves itself by the oracle's hashes", () => {
    const table = generateTable(LXR_SEED, LXR_PASSES, 8);
    const hash = createHash("sha256");
    for (const input of CHECKED.flat()) hash.update(lxrHash(table, input));

    expect(hash.digest("hex")).toBe(CHECK_SUM);
  });

  it("comes with a table that is large enough, and is named in the log; a small one is left to WebAssembly", async () => {
    const lines: string[] = [];
    const logger: Logger = {
      ...SILENT,
      info: (message, data) => void lines.push(`${message} ${data?.["library"]}`),
    };
    const native = { dir: folder(), fromBits: 10 };

    const large = await openTable({ bits: 10, dir: folder(), native, logger });
    const small = await openTable({ bits: 9, dir: folder(), native, logger });

    expect(large.library).toContain(native.dir);
    expect(small.library).toBeUndefined();
    expect(lines).toEqual([`The native kernel hashes ${large.library}`]);
  });
});

describe("openTable", () => {
  it("says in one line why a large table is hashed by WebAssembly", async () => {
    const lines: unknown[] = [];
    const logger: Logger = { ...SILENT, info: (...line) => void lines.push(line) };

    const table = await openTable({
      bits: 10,
      dir: folder(),
      native: { setting: "off", fromBits: 10 },
      logger,
    });

    expect(table.library).toBeUndefined();
    expect(lines).toEqual([
      [
        "The WebAssembly kernel hashes: a native one is faster",
        { bits: 10, reason: "PROSPER_NATIVE is off" },
      ],
    ]);
  });
});
