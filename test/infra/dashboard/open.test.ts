import { mkdirSync, mkdtempSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { etagOf } from "../../../functions/api/http/pack.ts";
import { readAssets } from "../../../functions/dashboard/asset-files.ts";
import { buildDashboard } from "../../../infra/dashboard/build.ts";
import { openKept } from "../../../infra/dashboard/open.ts";

const folder = mkdtempSync(join(tmpdir(), "prosper-dashboard-"));

/** The kept file with one input's sum changed, as if that source had been another one when it was built. */
function withOldInput(text: string, input: string): string {
  const end = text.indexOf("\n");
  const { inputs } = JSON.parse(text.slice(0, end)) as { inputs: Record<string, string> };
  expect(Object.keys(inputs)).toContain(input);
  return JSON.stringify({ inputs: { ...inputs, [input]: "another" } }) + text.slice(end);
}

/** What a file of one line grows by. */
const BROTLI_FRAME_BYTES = 4;

describe("the dashboard of a clone", () => {
  it("is built once and kept, and the next start costs next to nothing", async () => {
    const path = join(folder, "kept", "dashboard.json");
    const built = await openKept(path);
    const { mtimeMs } = statSync(path);
    const before = process.cpuUsage();
    const again = await openKept(path);
    const { user, system } = process.cpuUsage(before);

    process.stdout.write(`opening a kept dashboard took ${(user + system) / 1000} ms of CPU\n`);
    expect(statSync(path).mtimeMs).toBe(mtimeMs);
    expect(again).toEqual(built);
    expect((user + system) / 1000).toBeLessThan(200);
  });

  it.each([
    "functions/dashboard/assets/pages/pool.tsx",
    "functions/dashboard/assets/base.css",
    "functions/dashboard/assets/icon.svg",
    "functions/dashboard/pages.ts",
    "infra/dashboard/build.ts",
    "node_modules/preact/dist/preact.mjs",
    "package.json",
  ])("is built again where %s is another one", async (input) => {
    const path = join(folder, "changed.json");
    await openKept(path);
    writeFileSync(path, withOldInput(readFileSync(path, "utf8"), input));
    await openKept(path);

    expect(readFileSync(path, "utf8")).not.toContain('"another"');
  });

  it("is built again where the kept file was cut short, and without one where nothing can be kept", async () => {
    const path = join(folder, "short.json");
    const whole = await openKept(path);
    writeFileSync(path, readFileSync(path, "utf8").slice(0, 40_000));
    expect(await openKept(path)).toEqual(whole);

    mkdirSync(join(folder, "a-folder"), { recursive: true });
    expect(await openKept(join(folder, "a-folder"))).toEqual(whole);
  });
});

describe("the dashboard's files", () => {
  it("say the same compressed as they do plain, and less", async () => {
    const path = join(folder, "built.json");
    writeFileSync(path, JSON.stringify((await buildDashboard()).built));
    const { files } = readAssets(path);

    expect(files.size).toBeGreaterThan(20);
    for (const [name, { text, etag, gzip, br }] of files) {
      const [zipped, packed] = [Buffer.from(gzip, "base64"), Buffer.from(br, "base64")];
      // The tag is of what was built, before it was packed.
      expect(etagOf(text), name).toBe(etag);
      expect(gunzipSync(zipped).toString(), name).toBe(text);
      expect(brotliDecompressSync(packed).toString(), name).toBe(text);
      expect(packed.length, name).toBeLessThanOrEqual(Buffer.byteLength(text) + BROTLI_FRAME_BYTES);
    }
  });

  it("are missed with words that say how they are made", () => {
    expect(() => readAssets(join(folder, "none.json"))).toThrow(/node infra\/dashboard\/make\.ts/);
  });
});
