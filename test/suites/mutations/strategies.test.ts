import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const MAIN = fileURLToPath(new URL("../strategies/main.ts", import.meta.url));

/** The program's output and exit code, with this fault put into the code. */
function play(mutation: string, only: string): Promise<{ code: number; output: string }> {
  const args = [MAIN, "--mutate", mutation, "--only", only, "--hashes", "400000"];
  return new Promise((resolve) => {
    execFile(process.execPath, args, (error, stdout) => {
      resolve({ code: error === null ? 0 : Number(error.code), output: stdout });
    });
  });
}

describe("the law of work is seen to be broken by", () => {
  it.each([
    [
      "a share that is worth what is in force when it is sent",
      "target-of-the-newest-prefix",
      "targets in turn",
    ],
    ["a grace after retargets", "grace-after-retargets", "one connection, from hard to easy"],
    ["prefixes in order", "prefixes-in-order", "hashes ahead under the next prefix in order"],
    [
      "prefixes that are good again after a stop",
      "old-prefixes-good-after-a-resume",
      "on through a stop, then",
    ],
    ["a late time that lasts until the next job", "late-time-without-end", "an hour without prices"],
  ])("%s", async (_title, mutation, strategy) => {
    const { code, output } = await play(mutation, strategy);

    expect(output).toContain("TOO MUCH");
    expect(code).toBe(1);
  });
});
