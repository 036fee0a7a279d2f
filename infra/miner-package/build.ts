/** Bundles the miner into an npm package that the pool serves itself, so that a machine with nothing but Node can mine. */

import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { build, type Plugin, stop } from "esbuild";
import { CodedError } from "../../shared/errors.ts";
import { packageVersion } from "../cli/version.ts";
import { tarball } from "./tarball.ts";

const ROOT = join(import.meta.dirname, "../..");
/** What runs, and the threads that it starts by their files' names. */
const PROGRAM = "infra/miner-package/prosper-miner.ts";
const THREADS = ["edge/miner/search-thread.ts", "shared/hash/table-worker.ts"];
/** Read at run time, from beside the code. */
const BESIDE = ["lxr.wasm", "lxr.c", "lxr-steps.h"].map((name) => `shared/hash/kernel/${name}`);
/** The oldest Node that the package runs on. */
const OLDEST_NODE = "20";
/** CommonJS packages inside an ES module need `require`. */
const BANNER =
  "import{createRequire as requireFrom}from'node:module';const require=requireFrom(import.meta.url);";

export interface MinerPackage {
  /** `prosper-miner-HASH.tgz`, HASH of what is in it: npm keeps what an address once gave. */
  readonly name: string;
  readonly tgz: Buffer;
  /** Paths below the project's folder of every file that went into it. */
  readonly inputs: readonly string[];
}

/** In memory: writes nothing. Throws CodedError `miner-broken` with esbuild's words. */
export async function buildMinerPackage(): Promise<MinerPackage> {
  const result = await build({
    absWorkingDir: ROOT,
    entryPoints: [PROGRAM, ...THREADS].map((path) => ({ in: path, out: fileName(path) })),
    outdir: "out",
    outExtension: { ".js": ".mjs" },
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "node",
    target: `node${OLDEST_NODE}`,
    mainFields: ["module", "main"],
    minify: true,
    keepNames: true,
    legalComments: "none",
    banner: { js: BANNER },
    define: { PACKAGE_VERSION: JSON.stringify(packageVersion()) },
    plugins: [flatFiles],
    metafile: true,
    write: false,
    logLevel: "silent",
  }).catch((error: unknown) => {
    throw new CodedError("miner-broken", `the miner cannot be bundled: ${String(error)}`, { cause: error });
  });
  // Its process would live as long as ours.
  await stop();
  const files = new Map<string, Uint8Array>([["package.json", Buffer.from(manifest())]]);
  for (const { path, contents } of result.outputFiles) files.set(fileName(path), contents);
  for (const path of BESIDE) files.set(fileName(path), readFileSync(join(ROOT, path)));
  const koffi = koffiFiles();
  for (const [path, file] of koffi) files.set(path, readFileSync(file));
  const tgz = tarball(new Map([...files].map(([path, bytes]) => [`package/${path}`, bytes])));
  return {
    name: `prosper-miner-${sumOf(files)}.tgz`,
    tgz,
    inputs: [...Object.keys(result.metafile.inputs), ...BESIDE],
  };
}

/** All files lie in one folder, and threads and what is read have the names that they have there. */
const flatFiles: Plugin = {
  name: "flat-files",
  setup({ onLoad }) {
    onLoad({ filter: /\.ts$/ }, ({ path }) => ({
      loader: "ts",
      contents: readFileSync(path, "utf8").replaceAll(
        /(new URL\("\.\/[\w-]+)\.ts(", import\.meta\.url\))/g,
        "$1.mjs$2",
      ),
    }));
  },
};

function manifest(): string {
  return JSON.stringify({
    name: "prosper-miner",
    version: packageVersion(),
    description: "The miner of a Prosper pool, served by the pool itself",
    license: "MIT",
    type: "module",
    bin: { "prosper-miner": "prosper-miner.mjs" },
    engines: { node: `>=${OLDEST_NODE}` },
  });
}

/**
 * koffi as it is installed here, with the binary of this system: miners of the same kind have huge pages and the native kernel without a registry.
 * In a folder of its own, which npm does not take for a dependency (shared/hash/koffi.ts looks there). Empty where it is not installed.
 */
function koffiFiles(): Map<string, string> {
  const modules = join(ROOT, "node_modules");
  const binary = `@koromix/koffi-${process.platform}-${process.arch}`;
  const found = new Map<string, string>();
  if (!existsSync(join(modules, "koffi")) || !existsSync(join(modules, binary))) return found;
  for (const path of [
    ...["package.json", "index.cjs", "src/koffi/index.cjs", "src/koffi/src/static.cjs", "LICENSE.txt"].map(
      (name) => `koffi/${name}`,
    ),
    ...["package.json", "index.js", `${process.platform}_${process.arch}/koffi.node`].map(
      (name) => `${binary}/${name}`,
    ),
  ])
    found.set(`native/node_modules/${path}`, join(modules, path));
  return found;
}

function fileName(path: string): string {
  return (path.split(/[\\/]/).at(-1) ?? "").replace(/\.ts$/, "");
}

function sumOf(files: ReadonlyMap<string, Uint8Array>): string {
  const hash = createHash("sha256");
  for (const [path, bytes] of files) hash.update(`${path}\0${bytes.length}\0`).update(bytes);
  return hash.digest("hex").slice(0, 16);
}
