import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openTable, type TableProgress } from "../../../shared/hash/open-table.ts";
import { tableBytes } from "../../../shared/hash/shared-table.ts";
import {
  checkRoom,
  readTable,
  removeLeftovers,
  tablePath,
  writeTable,
} from "../../../shared/hash/table-file.ts";
import type { Logger } from "../../../shared/logger.ts";
import { makeTable } from "../../support/hash/tables.ts";

const BITS = 10;
const right = Buffer.from(tableBytes(makeTable(BITS)));

let dir: string;
let path: string;
let said: { level: string; message: string; data: Record<string, unknown> | undefined }[];
let logger: Logger;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "lxr-"));
  path = tablePath(dir, BITS);
  said = [];
  const say = (level: string) => (message: string, data?: Record<string, unknown>) =>
    void said.push({ level, message, data });
  logger = { debug: say("debug"), info: say("info"), warn: say("warn"), error: say("error") };
});
afterEach(() => rm(dir, { recursive: true, force: true }));

describe("openTable", () => {
  it("makes a missing table and saves it under the reference's name", async () => {
    const table = await openTable({ bits: BITS, dir: join(dir, "new", "folder"), logger });

    expect(right.equals(tableBytes(table))).toBe(true);
    expect(await readdir(join(dir, "new", "folder"))).toEqual([
      "lxrhash-seed-fafaececfafaecec-passes-5-size-10.dat",
    ]);
    expect(right.equals(await readFile(tablePath(join(dir, "new", "folder"), BITS)))).toBe(true);
    expect(said).toEqual([]);
  });

  it("reads a table that is there, without writing", async () => {
    await writeFile(path, right);
    const before = await stat(path);
    const steps = new Set<string>();

    const table = await openTable({ bits: BITS, dir, logger, onProgress: ({ step }) => steps.add(step) });

    expect(right.equals(tableBytes(table))).toBe(true);
    expect([...steps]).toEqual(["reading"]);
    expect((await stat(path)).mtimeMs).toBe(before.mtimeMs);
  });

  it.each([
    ["one bit is wrong", (file: Buffer) => file.fill((file[500] ?? 0) ^ 1, 500, 501), /sha256 is/],
    ["it is cut short", (file: Buffer) => file.subarray(0, 1000), /1000 bytes instead of 1024/],
    ["it is too long", (file: Buffer) => Buffer.concat([file, Buffer.of(0)]), /1025 bytes instead of 1024/],
    ["it is empty", () => Buffer.alloc(0), /0 bytes instead of 1024/],
  ])("moves a file aside and makes the table again, with a warning, when %s", async (_, damage, reason) => {
    const damaged = damage(Buffer.from(right));
    await writeFile(path, damaged);

    const table = await openTable({ bits: BITS, dir, logger });

    expect(right.equals(tableBytes(table))).toBe(true);
    expect(right.equals(await readFile(path))).toBe(true);
    expect(damaged.equals(await readFile(`${path}.corrupt`))).toBe(true);
    expect(said).toEqual([
      {
        level: "warn",
        message: "The LXR table's file is damaged: moved aside, making it again",
        data: { path, aside: `${path}.corrupt`, reason: expect.stringMatching(reason) },
      },
    ]);
  });

  it("gives everybody in the process the same memory, also while it is being made", async () => {
    const [one, two] = await Promise.all([
      openTable({ bits: BITS, dir, logger }),
      openTable({ bits: BITS, dir, logger }),
    ]);
    const later = await openTable({ bits: BITS, dir, logger });

    expect(two).toBe(one);
    expect(later).toBe(one);
  });

  it("tells its progress to the end of each step", async () => {
    const heard: TableProgress[] = [];

    await openTable({ bits: 21, dir, logger, onProgress: (progress) => heard.push(progress) });

    const making = heard.filter(({ step }) => step === "making");
    expect(making.map(({ done }) => done)).toEqual(making.map((_, i) => (i + 1) * 2 ** 20));
    expect(making.at(-1)).toEqual({ step: "making", done: 5 * 2 ** 21, total: 5 * 2 ** 21 });
    expect(heard.at(-1)).toEqual({ step: "saving", done: 2 ** 21, total: 2 ** 21 });
  });

  it.each(["making", "saving"])("stops when aborted while %s, and leaves no file", async (step) => {
    const controller = new AbortController();
    const reason = new Error("enough");

    const opening = openTable({
      bits: 22,
      dir,
      logger,
      signal: controller.signal,
      onProgress: (progress) => progress.step === step && controller.abort(reason),
    });

    await expect(opening).rejects.toBe(reason);
    expect(await readdir(dir)).toEqual([]);
  });

  it("lets a second caller make the table when the first one gave up", async () => {
    const controller = new AbortController();

    const first = openTable({
      bits: 20,
      dir,
      logger,
      signal: controller.signal,
      onProgress: () => controller.abort(),
    });
    const second = openTable({ bits: 20, dir, logger });

    await expect(first).rejects.toThrow(/aborted/);
    expect(tableBytes(await second)).toHaveLength(2 ** 20);
  });

  it("works with a table that it cannot save, and says so", async () => {
    await mkdir(`${path}.${process.pid}.tmp`);

    const table = await openTable({ bits: BITS, dir, logger });

    expect(right.equals(tableBytes(table))).toBe(true);
    expect(said).toEqual([
      {
        level: "error",
        message: "The LXR table was made but not saved: it will be made again at the next start",
        data: { reason: expect.stringMatching(/size-10\.dat cannot be written \(EEXIST.*name another/) },
      },
    ]);
  });

  it("refuses a file that cannot be read, naming it and what to do", async () => {
    await symlink(path, path);

    await expect(openTable({ bits: BITS, dir, logger })).rejects.toMatchObject({
      code: "lxr-table-unreadable",
      message: expect.stringMatching(/size-10\.dat cannot be read .*delete it and it will be made again/),
    });
  });
});

describe("the table's file", () => {
  it("appears whole or not at all: while it is written the old one stays", async () => {
    await writeFile(path, "old");
    const table = makeTable(BITS);
    const seen: string[] = [];

    await writeTable(path, table, { onBytes: () => seen.push(readFileSync(path, "utf8")) });

    expect(seen).toEqual(["old"]);
    expect(right.equals(await readFile(path))).toBe(true);
    expect(await readdir(dir)).toEqual([basename(path)]);
  });

  it("is not left half written when the disk is full: the error names file, need and remedy", async () => {
    const program = `
      import { makeTable } from "./test/support/hash/tables.ts";
      import { writeTable } from "./shared/hash/table-file.ts";
      await writeTable(process.argv[1], makeTable(16), {}).catch((error) => console.log(error.code, error.message));`;

    // A limit on the size of files stands in for a disk that fills up while the file is written.
    const { stdout, stderr } = spawnSync(
      "sh",
      ["-c", 'ulimit -f 16; exec "$0" --input-type=module -e "$1" "$2"', process.execPath, program, path],
      { encoding: "utf8" },
    );

    expect(stderr).toBe("");
    expect(stdout).toMatch(
      /^lxr-table-unsaved no room for the LXR table .*size-10\.dat: it needs 1 MiB .*Free the space/,
    );
    expect(await readdir(dir)).toEqual([]);
  });

  it("of a large table is refused a place before it is made, where there is none", async () => {
    await expect(checkRoom(path, 2 ** 60)).rejects.toMatchObject({
      code: "lxr-table-unsaved",
      message: expect.stringMatching(/no room .*MiB are free/),
    });
    await expect(checkRoom(path, 1)).resolves.toBeUndefined();
  });

  it("has the leftovers of dead writers removed, those of living ones kept", async () => {
    const dead = spawn(process.execPath, ["--version"], { stdio: "ignore" });
    await once(dead, "exit");
    const leftovers = [`${path}.${dead.pid}.tmp`, `${path}.${process.pid}.tmp`];
    const kept = [`${path}.${process.ppid}.tmp`, `${path}.tmp`, `${path}.12x.tmp`, join(dir, "1.tmp"), path];
    await Promise.all([...leftovers, ...kept].map((file) => writeFile(file, "")));

    await removeLeftovers(path);

    expect(new Set(await readdir(dir))).toEqual(new Set(kept.map((file) => basename(file))));
  });

  it("is read to the byte", async () => {
    await writeFile(path, right);
    const table = makeTable(BITS);
    tableBytes(table).fill(0);
    const heard: number[] = [];

    const reading = await readTable(path, table, { onBytes: (done) => heard.push(done) });

    expect(reading).toEqual({ kind: "read" });
    expect(heard).toEqual([1024]);
    expect(right.equals(tableBytes(table))).toBe(true);
  });
});
