/** `.ci/run`, with an npm in its way that does nothing: what it runs, and how it counts. */

import { execFile } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as v from "valibot";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

const ROOT = join(import.meta.dirname, "../..");

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "prosper-ci-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Runs it where `npm` is this shell text; the commands that it was called with. */
function ciRun(npm: string): Promise<{ code: number; lines: string[]; calls: string[] }> {
  const log = join(folder, "calls");
  writeFileSync(join(folder, "npm"), `#!/bin/sh\necho "$*" >> ${log}\n${npm}\n`);
  chmodSync(join(folder, "npm"), 0o755);
  // Without the real table in $HOME, and without mainnet's blocks unless the test puts them here.
  const env = {
    ...process.env,
    HOME: folder,
    PATH: `${folder}:${process.env["PATH"]}`,
    PROSPER_MAINNET_BLOCKS: folder,
  };
  return new Promise((resolve) => {
    execFile("bash", [join(ROOT, ".ci/run")], { env }, (error, stdout) => {
      resolve({
        code: error === null ? 0 : Number(error.code ?? 1),
        lines: stdout.trimEnd().split("\n"),
        calls: readFileSync(log, "utf8").trimEnd().split("\n"),
      });
    });
  });
}

describe(".ci/run", () => {
  it("runs every suite that has a script, but for test:bars, which a person reads", async () => {
    const { scripts } = v.parse(
      v.object({ scripts: v.record(v.string(), v.string()) }),
      JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")),
    );
    const { calls } = await ciRun("exit 0");
    const suites = Object.keys(scripts).filter((name) => name.startsWith("test:"));

    expect(suites.filter((name) => !calls.some((call) => call.split(" ").includes(name)))).toEqual([
      "test:mainnet",
      "test:bars",
    ]);
    expect(calls).toContain("run --silent bench -- --quick");
    expect(calls[0]).toBe("test");
    expect(readFileSync(join(ROOT, ".ci/run"), "utf8")).toContain("npm run --silent test:mainnet\n");
  });

  it("counts a suite that says NOT RUN neither as passed nor as failed, and says why at the end", async () => {
    const { code, lines, calls } = await ciRun(
      'case "$*" in *test:clocks*) echo "NOT RUN: test:clocks: no clock here" > "$PROSPER_NOT_RUN_FILE" ;; esac',
    );

    expect(code).toBe(0);
    expect(lines.at(-1)).toBe(`${calls.length - 1} passed, 0 failed`);
    expect(lines.slice(-5, -2)).toEqual([
      "2 NOT RUN",
      "  clocks that jump under real processes: test:clocks: no clock here",
      expect.stringMatching(
        /^ {2}npm run test:mainnet: it needs the block files .* set PROSPER_MAINNET_BLOCKS$/,
      ),
    ]);
  });

  it("makes the real table beside the suites where it is missing, so that mainnet's blocks are graded", async () => {
    writeFileSync(join(folder, "206422.json"), "{}");

    const { code, calls } = await ciRun("exit 0");

    expect(code).toBe(0);
    expect(calls).toContain("exec --silent -- prosper hash --bits 30");
    expect(calls.at(-1)).toBe("run --silent test:mainnet");
  });

  it("fails where a suite failed, also one that was partly not run, and goes on with the others", async () => {
    const { code, lines, calls } = await ciRun(
      'case "$*" in *test:image*) echo "NOT RUN: test:image: x" > "$PROSPER_NOT_RUN_FILE"; exit 1 ;; esac',
    );

    expect(code).toBe(1);
    expect(lines.at(-1)).toBe(`${calls.length - 1} passed, 1 failed`);
    expect(calls.length).toBeGreaterThan(12);
  });

  it("shows whole what ran beside the steps when it has ended, by its own lines, and counts it where it failed", async () => {
    const { code, lines, calls } = await ciRun(
      'case "$*" in *test:simulate*) for n in 1 2 3; do echo "schedule $n"; sleep 0.1; done; exit 1 ;; esac',
    );
    const name = "the simulator, three million steps";
    const from = lines.indexOf(`== ${name} (beside the steps above)`);

    expect(code).toBe(1);
    expect(lines.at(-1)).toBe(`${calls.length - 1} passed, 1 failed`);
    expect(lines.slice(from + 1, from + 5)).toEqual([
      "schedule 1",
      "schedule 2",
      "schedule 3",
      expect.stringMatching(`^-- ${name}: FAILED, \\d s$`),
    ]);
  });

  it("leaves nothing behind that ran beside where it is ended", async () => {
    const { code, calls } = await ciRun(
      `case "$*" in *test:strategies*) echo $$ > ${folder}/beside; sleep 60 ;; *test:upkeep*) while [ ! -s ${folder}/beside ]; do sleep 0.05; done; kill $PPID ;; esac`,
    );
    const beside = Number(readFileSync(join(folder, "beside"), "utf8"));

    expect(code).not.toBe(0);
    expect(calls).not.toContain("run --silent test:mainnet");
    await expect.poll(() => existsSync(`/proc/${beside}`)).toBe(false);
  });

  it("shows at the end again what failed, and what that printed", async () => {
    const { lines } = await ciRun(
      'case "$*" in *test:image*) echo "AssertionError: two are not three"; for n in $(seq 60); do echo "line $n"; done; exit 1 ;; esac',
    );

    const tail = lines.slice(lines.lastIndexOf("== FAILED: the image of the edge"));
    expect(tail.slice(1, 4)).toEqual(["AssertionError: two are not three", "-- its last lines:", "line 36"]);
    expect(tail).toContain("line 60");
    expect(tail.at(-1)).toMatch(/^\d+ passed, 1 failed$/);
  });
});
