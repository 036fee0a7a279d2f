/** Bundles the dashboard's components into the files that browsers load, compressed once for all who ask, and the miner that the pages offer. */

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { brotliCompress, constants } from "node:zlib";
import { build, type Metafile, type OutputFile, stop } from "esbuild";
import type * as v from "valibot";
import { etagOf } from "../../functions/api/http/pack.ts";
import type { builtDashboard } from "../../functions/dashboard/asset-files.ts";
import { OFFLINE, SCRIPTS } from "../../functions/dashboard/pages.ts";
import { CodedError } from "../../shared/errors.ts";
import { buildMinerPackage, type MinerPackage } from "../miner-package/build.ts";
import { buildOffline } from "./offline.ts";
import { portable } from "./portable.ts";

export const ROOT = join(import.meta.dirname, "../..");
export const SOURCES = "functions/dashboard/assets";

/** Two years old when this was written. */
const BROWSERS = ["chrome120", "firefox121", "safari17.2"];
const TYPES: Readonly<Record<string, string>> = {
  js: "text/javascript; charset=utf-8",
  css: "text/css; charset=utf-8",
  svg: "image/svg+xml",
  html: "text/html; charset=utf-8",
};

export type BuiltDashboard = v.InferInput<typeof builtDashboard>;

export interface Build {
  /** All in one. */
  readonly built: BuiltDashboard;
  readonly miner: MinerPackage;
  /** Paths below the project's folder of every file that went into it. */
  readonly inputs: readonly string[];
}

/** In memory: writes nothing. Throws CodedErrors `dashboard-broken`, `miner-broken` with esbuild's words. */
export async function buildDashboard(): Promise<Build> {
  const result = await build({
    absWorkingDir: ROOT,
    entryPoints: ["app.css", ...SCRIPTS.map((name) => `pages/${name}.tsx`)].map(
      (file) => `${SOURCES}/${file}`,
    ),
    outdir: "out",
    outbase: SOURCES,
    chunkNames: "shared/[hash]",
    bundle: true,
    splitting: true,
    format: "esm",
    target: BROWSERS,
    minify: true,
    charset: "utf8",
    jsx: "automatic",
    jsxImportSource: "preact",
    plugins: [portable],
    legalComments: "none",
    metafile: true,
    write: false,
    logLevel: "silent",
  }).catch((error: unknown) => {
    throw new CodedError("dashboard-broken", `the dashboard cannot be bundled: ${String(error)}`, {
      cause: error,
    });
  });
  const offline = await buildOffline();
  // Its process would live as long as ours.
  await stop();
  const miner = await buildMinerPackage();
  const texts = new Map(result.outputFiles.map((file) => [nameOf(file), file.text]));
  texts.set("icon.svg", readFileSync(join(ROOT, SOURCES, "icon.svg"), "utf8"));
  texts.set(OFFLINE, offline.html);
  const files = await Promise.all(
    [...texts].map(async ([name, text]) => [name, await packed(name, text)] as const),
  );
  return {
    built: {
      version: versionOf(texts),
      files: Object.fromEntries(files),
      imports: importsOf(result.metafile),
      miner: { name: miner.name, tgz: miner.tgz.toString("base64") },
    },
    miner,
    inputs: [
      ...Object.keys(result.metafile.inputs),
      `${SOURCES}/icon.svg`,
      ...offline.inputs,
      ...miner.inputs,
    ],
  };
}

function nameOf(file: OutputFile): string {
  return withoutFolder(file.path.slice(ROOT.length + 1).replaceAll("\\", "/"));
}

function withoutFolder(path: string): string {
  return path.replace(/^out\//, "");
}

async function packed(name: string, text: string): Promise<BuiltDashboard["files"][string]> {
  const plain = Buffer.from(text);
  const br = await promisify(brotliCompress)(plain, {
    params: {
      [constants.BROTLI_PARAM_MODE]: constants.BROTLI_MODE_TEXT,
      [constants.BROTLI_PARAM_SIZE_HINT]: plain.length,
    },
  });
  return {
    type: TYPES[name.split(".").at(-1) ?? ""] ?? "application/octet-stream",
    etag: etagOf(text),
    br: br.toString("base64"),
  };
}

function versionOf(texts: ReadonlyMap<string, string>): string {
  const hash = createHash("sha256");
  for (const [name, text] of [...texts].sort(([a], [b]) => (a < b ? -1 : 1)))
    hash.update(`${name}\0${text}\0`);
  return hash.digest("hex").slice(0, 16);
}

/** For each page's script all that it imports, and what those import, in the order in which they are met. */
function importsOf({ outputs }: Metafile): Record<string, string[]> {
  const reach = (path: string, met: Set<string>): Set<string> => {
    for (const { path: next, kind } of outputs[path]?.imports ?? []) {
      if (kind !== "import-statement" || met.has(next)) continue;
      met.add(next);
      reach(next, met);
    }
    return met;
  };
  return Object.fromEntries(
    Object.keys(outputs)
      .filter((path) => path.startsWith("out/pages/"))
      .map((path) => [withoutFolder(path), [...reach(path, new Set())].map(withoutFolder)]),
  );
}
