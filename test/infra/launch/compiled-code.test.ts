/** What every command leaves for later starts: its compiled code. */

import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const ROOT = join(import.meta.dirname, "../../..");
const run = promisify(execFile);

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "prosper-launch-"));
  // Says in which folder code is kept: for the program, a thread of it, and a program that it starts.
  writeFileSync(
    join(folder, "where.ts"),
    `import { execFileSync } from "node:child_process";
import { getCompileCacheDir } from "node:module";
import { isMainThread, parentPort, Worker } from "node:worker_threads";

const own: string | undefined = getCompileCacheDir();
if (!isMainThread) parentPort?.postMessage(own);
else if (process.argv[2] === "child") process.stdout.write(String(own));
else {
  const child = execFileSync(process.execPath, [import.meta.filename, "child"], { encoding: "utf8" });
  new Worker(import.meta.filename).on("message", (thread) =>
    process.stdout.write(JSON.stringify({ own, child, thread })),
  );
}
`,
  );
});
afterAll(() => rmSync(folder, { recursive: true }));

async function whereCodeIsKept(setting: Record<string, string>) {
  const { NODE_COMPILE_CACHE: _, ...inherited } = process.env;
  const { stdout } = await run(
    process.execPath,
    [join(ROOT, "infra/launch/node.mjs"), relative(ROOT, join(folder, "where.ts"))],
    { env: { ...inherited, ...setting } },
  );
  return JSON.parse(stdout);
}

describe("compiled code", () => {
  it("is kept beside the packages, for the command, its threads and the programs it starts", async () => {
    const { own, child, thread } = await whereCodeIsKept({});

    expect(relative(join(ROOT, "node_modules/.cache/prosper"), own)).not.toMatch(/^\.\./);
    expect({ child, thread }).toEqual({ child: own, thread: own });
    expect(readdirSync(own).length).toBeGreaterThan(0);
  });

  it("is kept where NODE_COMPILE_CACHE says, and nowhere where Node is told to keep none", async () => {
    const elsewhere = join(folder, "cache");

    expect((await whereCodeIsKept({ NODE_COMPILE_CACHE: elsewhere })).own).toContain(elsewhere);
    expect(await whereCodeIsKept({ NODE_DISABLE_COMPILE_CACHE: "1" })).toEqual({ child: "undefined" });
  });
});
