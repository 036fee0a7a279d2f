import { execFile } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { build } from "esbuild";
import { describe, expect, it } from "vitest";
import { lostHugePages, type PageFacts, readPageFacts } from "../../../shared/hash/huge-pages.ts";
import { allocateTable, tableBytes } from "../../../shared/hash/shared-table.ts";

const run = promisify(execFile);
const ROOT = join(import.meta.dirname, "../../..");
const TABLE = 2 ** 30;

const facts = (given: Partial<PageFacts>): PageFacts => ({
  platform: "linux",
  setting: "madvise",
  koffi: true,
  hugeBytes: 0,
  ...given,
});

describe("a table's huge pages", () => {
  it("are there once it is filled, wherever the system has them for programs that ask", () => {
    const bits = 26;
    const before = readPageFacts();
    const table = allocateTable(bits);
    tableBytes(table).fill(1);

    const gained = readPageFacts().hugeBytes - before.hugeBytes;

    const available = before.setting === "always" || (before.setting === "madvise" && before.koffi);
    // The whole table, as far as the machine has whole pieces of memory left; else none.
    if (available) expect(gained).toBeGreaterThan(2 ** bits / 2);
    else expect(gained).toBe(0);
  });

  it("are asked for with the packages of this machine: koffi needs no install script", async () => {
    const { stdout } = await run(
      process.execPath,
      ["-e", `const koffi = require("koffi"); console.log(koffi.load(null).func("int abs(int)")(-7))`],
      { cwd: ROOT },
    );

    expect(stdout).toBe("7\n");
  });

  it("bring no package into what is bundled", async () => {
    const { metafile } = await build({
      absWorkingDir: ROOT,
      entryPoints: ["shared/hash/open-table.ts"],
      ...{ bundle: true, write: false, metafile: true, format: "esm", platform: "node" },
    });

    const inputs = Object.keys(metafile.inputs);
    expect(inputs).toContain("shared/hash/koffi.ts");
    expect(inputs.filter((name) => name.includes("node_modules"))).toEqual([]);
  });

  it.each([
    ["the platform", { platform: "darwin" }, /Linux only/],
    ["the kernel", { setting: undefined }, /kernel has none/],
    ["the system's setting", { setting: "never" }, /echo madvise > \/sys\/kernel/],
    ["koffi", { koffi: false }, /koffi is missing.*npm install/],
    ["memory in one piece", { hugeBytes: 300 * 2 ** 20 }, /only 300 MiB.*compact_memory/],
    ["memory although all programs get them", { setting: "always", koffi: false }, /only 0 MiB/],
  ])("are missed in one line that says what to do, for want of %s", (_, given, expected) => {
    expect(lostHugePages(TABLE, facts(given))).toMatch(expected);
  });

  it.each([
    ["nearly all of the table has them", TABLE, { hugeBytes: 0.95 * TABLE }],
    ["they came without koffi", TABLE, { setting: "always", koffi: false, hugeBytes: TABLE }],
    ["the table is small", 2 ** 20, { setting: "never" }],
  ])("are not missed where %s", (_, bytes, given) => {
    expect(lostHugePages(bytes, facts(given))).toBeUndefined();
  });

  it("are not needed: without any package a table is opened, and the line names koffi", async () => {
    const folder = mkdtempSync(join(tmpdir(), "prosper-no-koffi-"));
    try {
      mkdirSync(join(folder, "shared"));
      for (const file of ["bytes.ts", "errors.ts", "hex.ts", "logger.ts", "hash"])
        cpSync(join(ROOT, "shared", file), join(folder, "shared", file), { recursive: true });
      writeFileSync(join(folder, "package.json"), `{"type":"module"}`);
      writeFileSync(
        join(folder, "main.ts"),
        `import { openTable } from "./shared/hash/open-table.ts";
        import { allocateTable } from "./shared/hash/shared-table.ts";
        import { lostHugePages, readPageFacts } from "./shared/hash/huge-pages.ts";
        import { SILENT } from "./shared/logger.ts";
        const { bits } = await openTable({ bits: 10, dir: ${JSON.stringify(folder)}, logger: SILENT });
        allocateTable(24);
        const facts = { ...readPageFacts(), platform: "linux", setting: "madvise" };
        console.log(JSON.stringify({ bits, koffi: facts.koffi, reason: lostHugePages(2 ** 24, facts) }));`,
      );

      const { stdout } = await run(process.execPath, [join(folder, "main.ts")], { cwd: folder });

      expect(JSON.parse(stdout)).toEqual({
        bits: 10,
        koffi: false,
        reason: expect.stringContaining("koffi is missing"),
      });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
