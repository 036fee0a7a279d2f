import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { openLogFile } from "../../infra/log-file.ts";
import { createLogger } from "../../infra/pino-logger.ts";
import { withFullDisk } from "../support/full-disk.ts";

const folder = mkdtempSync(join(tmpdir(), "prosper-log-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** What a program that logs `calls` leaves on standard error and in its file. */
function logged(calls: string): { stderr: string; lines: Record<string, unknown>[] } {
  const file = join(mkdtempSync(join(folder, "run-")), "some/where.log");
  const root = join(import.meta.dirname, "../..");
  const script = `
    import { createLogger } from ${JSON.stringify(join(root, "infra/pino-logger.ts"))};
    import { CodedError } from ${JSON.stringify(join(root, "shared/errors.ts"))};
    const logger = createLogger({ level: "info", file: ${JSON.stringify(file)} });
    ${calls}`;
  const args = ["-c", `"$0" --input-type=module-typescript -e "$1" 2>&1`, process.execPath, script];
  const stderr = execFileSync("sh", args, { encoding: "utf8" });
  const lines = readFileSync(file, "utf8").trimEnd().split("\n");
  return { stderr, lines: lines.map((line): Record<string, unknown> => JSON.parse(line)) };
}

describe("the log of a program that keeps a file", () => {
  it("tells the operator warnings and errors as sentences, and keeps everything as JSON", () => {
    const { stderr, lines } = logged(`
      logger.debug("not asked for");
      logger.info("all is well", { height: 7 });
      logger.warn("the node is slow", { seconds: 3, url: "http://node" });
      logger.error("the disk is full");`);
    expect(stderr).toBe(
      "warning: the node is slow (seconds: 3, url: http://node)\nerror: the disk is full\n",
    );
    expect(lines.map(({ level, msg }) => [level, msg])).toEqual([
      [30, "all is well"],
      [40, "the node is slow"],
      [50, "the disk is full"],
    ]);
    expect(lines[0]).toMatchObject({ height: 7 });
  });

  it("shows what an expected error says, and where a bug stands", () => {
    const { stderr, lines } = logged(`
      logger.warn("it failed", { error: new CodedError("db-away", "database: gone") });
      logger.error("it broke", { error: new TypeError("no such thing") });`);
    expect(stderr).toContain("warning: it failed (error: database: gone)\n");
    expect(lines[0]).toMatchObject({ error: "database: gone" });
    expect(lines[1]?.["error"]).toMatch(/^TypeError: no such thing\n +at /);
  });

  it("hides secrets", () => {
    const { stderr, lines } = logged(`logger.warn("login", { password: "hush", user: { token: "hush" } });`);
    expect(stderr + JSON.stringify(lines)).not.toContain("hush");
  });
});

describe("the log of a program without a file", () => {
  function written(isTTY: boolean): string {
    const texts: string[] = [];
    const logger = createLogger({ level: "debug" }, { stderr: { isTTY, write: (text) => texts.push(text) } });
    logger.debug("looked");
    logger.info("all is well", { height: 7 });
    logger.error("the disk is full", { token: "hush" });
    return texts.join("");
  }

  it("is sentences with their time on a terminal", () => {
    expect(written(true)).toMatch(
      /^\d\d:\d\d:\d\d debug: looked\n\d\d:\d\d:\d\d all is well \(height: 7\)\n\d\d:\d\d:\d\d error: the disk is full \(token: \[Redacted\]\)\n$/,
    );
  });

  it("is JSON lines elsewhere", () => {
    const lines = written(false).trimEnd().split("\n");
    expect(lines.map((line) => JSON.parse(line).msg)).toEqual(["looked", "all is well", "the disk is full"]);
  });
});

describe("a log file", () => {
  it("loses lines on a full disk, says so once, and never throws", () => {
    const complaints: string[] = [];
    const log = openLogFile("/dev/full", (message) => complaints.push(message));
    for (let i = 0; i < 3; i++) log.write("a line\n");
    expect(complaints).toEqual([
      "the log /dev/full cannot be written (ENOSPC: no space left on device, write)",
    ]);
  });

  it("begins a new line after half of one, whether this process or an earlier one left it", async () => {
    const file = join(mkdtempSync(join(folder, "torn-")), "a.log");
    const complaints: string[] = [];
    const log = openLogFile(file, (message) => complaints.push(message));
    log.write("one\n");
    // The disk takes a part of the line.
    await withFullDisk(8, () => log.write("a line too long\n"));
    log.write("two\n");
    await withFullDisk(20, () => log.write("the last of this process\n"));

    openLogFile(file, (message) => complaints.push(message)).write("three\n");

    expect(readFileSync(file, "utf8")).toBe("one\na li\ntwo\nthe las\nthree\n");
    expect(complaints).toHaveLength(2);
  });
});
