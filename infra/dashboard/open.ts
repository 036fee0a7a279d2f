/** The dashboard's files for a pool in this process: those of the image, or built from the sources once and kept. */

import { createHash, randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import * as v from "valibot";
import { type Assets, parseAssets, readAssets } from "../../functions/dashboard/asset-files.ts";

const ROOT = join(import.meta.dirname, "../..");
/** Made when the image is (edge/Dockerfile); a clone has none. */
const IN_IMAGE = join(ROOT, "functions/dashboard/built.json");
/** Beside Node's compiled code: it goes with the packages (docs/decisions/start.md). */
const KEPT = join(ROOT, "node_modules/.cache/prosper/dashboard.json");

/** How a kept dashboard begins, on a line of its own: what it was made from. */
const kept = v.pipe(v.string(), v.parseJson(), v.object({ inputs: v.record(v.string(), v.string()) }));

let opened: Promise<Assets> | undefined;

/** One for the whole process: whoever starts something slow meanwhile calls it early. Throws CodedError `dashboard-broken`. */
export function openDashboard(): Promise<Assets> {
  opened ??= existsSync(IN_IMAGE) ? Promise.resolve(readAssets(IN_IMAGE)) : openKept(KEPT);
  return opened;
}

/**
 * `path` is where it is kept. Throws CodedError `dashboard-broken` where the sources cannot be bundled. A folder that cannot be written costs each
 * start the build.
 */
export async function openKept(path: string): Promise<Assets> {
  return readKept(path) ?? (await buildAndKeep(path));
}

/** Undefined where there is none, or a source has changed since. */
function readKept(path: string): Assets | undefined {
  try {
    const text = readFileSync(path, "utf8");
    const end = text.indexOf("\n");
    const { inputs } = v.parse(kept, text.slice(0, end));
    const isFresh = Object.entries(inputs).every(([input, sum]) => sumOf(input) === sum);
    return isFresh ? parseAssets(text.slice(end), dirname(path)) : undefined;
  } catch {
    return undefined;
  }
}

async function buildAndKeep(path: string): Promise<Assets> {
  // Only now: the bundler is a tool for who builds, and the image has none.
  const { buildDashboard } = await import("./build.ts");
  const { built, inputs } = await buildDashboard();
  const body = JSON.stringify(built);
  const head = JSON.stringify({
    inputs: Object.fromEntries([...inputs, ...BUILDERS].map((input) => [input, sumOf(input)])),
  });
  const unfinished = `${path}.${randomBytes(6).toString("hex")}`;
  try {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(unfinished, `${head}\n${body}`);
    renameSync(unfinished, path);
  } catch {
    rmSync(unfinished, { force: true });
  }
  return parseAssets(body, dirname(path));
}

/** What decides how it is built: another bundler, list of pages or way to do it is another dashboard. */
const BUILDERS = [
  ...["infra/dashboard/build.ts", "infra/dashboard/offline.ts", "infra/dashboard/portable.ts"],
  ...["functions/dashboard/pages.ts", "functions/dashboard/asset-files.ts", "package.json"],
  ...["infra/miner-package/build.ts", "infra/miner-package/tarball.ts"],
];

function sumOf(input: string): string {
  return createHash("sha256")
    .update(readFileSync(join(ROOT, input)))
    .digest("base64url");
}
