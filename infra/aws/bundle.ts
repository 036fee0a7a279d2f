/** The Lambda functions as bundles: one ES module each, with the files it reads beside it. Made once a synth, then CDK assets. */

import { cpSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import { ENVIRONMENTS, type FunctionName } from "../../functions/environment.ts";
import { CodedError } from "../../shared/errors.ts";
import { buildDashboard } from "../dashboard/build.ts";

export interface Bundle {
  /** What Lambda gets: `index.mjs` and what it reads. */
  readonly folder: string;
  /** Of all files that it loads when it starts. */
  readonly bytes: number;
}

export type Bundles = Readonly<Record<FunctionName, Bundle>>;

/** A larger one starts slowly, and probably holds something that does not belong in it. Half of the largest, the api, is the pages. */
export const MAX_BUNDLE_BYTES = 1_500_000;

const ROOT = join(import.meta.dirname, "../..");
/** CommonJS packages inside an ES module need `require`. The import has another name, so that it does not clash with one of the module. */
const BANNER =
  "import{createRequire as requireFrom}from'node:module';const require=requireFrom(import.meta.url);";

/** Bundles every function below `out`, which is emptied first. Throws CodedError `bundle-too-large`. */
export async function bundleFunctions(out: string): Promise<Bundles> {
  rmSync(out, { recursive: true, force: true });
  await build({
    absWorkingDir: ROOT,
    entryPoints: Object.keys(ENVIRONMENTS).map((name) => ({
      // A miner that writes down what it saw is of edge and functions together.
      in: name === "canary" ? "infra/canary/lambda.ts" : `functions/${name}/lambda.ts`,
      out: `${name}/index`,
    })),
    outdir: out,
    outExtension: { ".js": ".mjs" },
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node24",
    mainFields: ["module", "main"],
    // Without source maps: they would double the size and slow each start. Names stay, so that a stack trace can be read.
    minify: true,
    keepNames: true,
    legalComments: "none",
    banner: { js: BANNER },
    logLevel: "warning",
  });
  await writeDashboard(join(out, "api"));
  cpSync(join(ROOT, "shared/db/migrations"), join(out, "migrate/migrations"), { recursive: true });
  const bundles: Bundles = {
    accounting: measure(out, "accounting"),
    alerts: measure(out, "alerts"),
    auth: measure(out, "auth"),
    poll: measure(out, "poll"),
    api: measure(out, "api"),
    janitor: measure(out, "janitor"),
    canary: measure(out, "canary"),
    migrate: measure(out, "migrate"),
  };
  for (const [name, { bytes }] of Object.entries(bundles)) {
    if (bytes > MAX_BUNDLE_BYTES)
      throw new CodedError(
        "bundle-too-large",
        `the bundle of ${name} has ${bytes} bytes, ${MAX_BUNDLE_BYTES} at most: look for a package that came in with the last import`,
      );
  }
  return bundles;
}

/** Where functions/api/lambda.ts looks for it. The miner, larger than all pages, lies beside them: few ask for it, and each start would parse it. */
async function writeDashboard(folder: string): Promise<void> {
  const { built, miner } = await buildDashboard();
  writeFileSync(join(folder, "dashboard.json"), JSON.stringify({ ...built, miner: { name: miner.name } }));
  writeFileSync(join(folder, miner.name), miner.tgz);
}

function measure(out: string, name: FunctionName): Bundle {
  const folder = join(out, name);
  const bytes = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !isReadLater(entry.name))
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0);
  return { folder, bytes };
}

function isReadLater(name: string): boolean {
  return name.endsWith(".tgz");
}

/** One line a function: its name and size. */
export function sizeLines(bundles: Bundles): string[] {
  return Object.entries(bundles).map(
    ([name, { bytes }]) => `${name.padEnd(12)}${(bytes / 1000).toFixed(0)} kB`,
  );
}
