/** The dashboard's files as they were built: served from memory, compressed already, under a name that changes with their content. */

import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { brotliDecompressSync, gzipSync } from "node:zlib";
import * as v from "valibot";
import { CodedError } from "../../shared/errors.ts";

/** What infra/dashboard/build.ts makes: one file of JSON, in the image, in the api's bundle and in the cache of a clone. In the bundle the miner is a file of its own. */
export const builtDashboard = v.object({
  /** One for all files together. It is part of every address, so that browsers may keep each file for a year. */
  version: v.string(),
  files: v.record(v.string(), v.object({ type: v.string(), etag: v.string(), br: v.string() })),
  /** By script under `pages/`: every other script that it needs, so that a page asks for all of them at once. */
  imports: v.record(v.string(), v.array(v.string())),
  /** The miner as an npm package (infra/miner-package/build.ts); its bytes in base64, as Lambda sends them, or else in a file NAME beside this one. */
  miner: v.object({ name: v.string(), tgz: v.optional(v.string()) }),
});

export interface Asset {
  readonly type: string;
  readonly etag: string;
  readonly text: string;
  /** In base64, as Lambda sends them. */
  readonly gzip: string;
  readonly br: string;
}

type Built = v.InferOutput<typeof builtDashboard>["files"][string];

/** Kept as brotli alone, which nearly every browser takes: the rest is made when it is asked for first. */
class PackedAsset implements Asset {
  readonly type: string;
  readonly etag: string;
  readonly br: string;
  #text: string | undefined;
  #gzip: string | undefined;

  constructor({ type, etag, br }: Built) {
    this.type = type;
    this.etag = etag;
    this.br = br;
  }

  get text(): string {
    this.#text ??= brotliDecompressSync(Buffer.from(this.br, "base64")).toString();
    return this.#text;
  }

  get gzip(): string {
    this.#gzip ??= gzipSync(this.text, { level: 9 }).toString("base64");
    return this.#gzip;
  }
}

/** Read when it is asked for first: the pages of a function start without it. */
class MinerBeside implements MinerFile {
  readonly name: string;
  readonly #path: string;
  #tgz: string | undefined;

  constructor(name: string, path: string) {
    this.name = name;
    this.#path = path;
  }

  get tgz(): string {
    this.#tgz ??= readFileSync(this.#path, "base64");
    return this.#tgz;
  }
}

export interface Assets {
  readonly version: string;
  /** By path under `/assets/VERSION/`. */
  readonly files: ReadonlyMap<string, Asset>;
  readonly imports: ReadonlyMap<string, readonly string[]>;
  readonly miner: MinerFile;
}

/** The miner's npm package. */
export interface MinerFile {
  /** `prosper-miner-HASH.tgz` */
  readonly name: string;
  /** In base64. */
  readonly tgz: string;
}

/** Throws CodedError `assets-missing` where the file is not there or is none of ours. */
export function readAssets(path: string): Assets {
  try {
    return parseAssets(readFileSync(path, "utf8"), dirname(path));
  } catch (error) {
    throw new CodedError(
      "assets-missing",
      `no built dashboard at ${path}: make it with node infra/dashboard/make.ts ${path}`,
      { cause: error },
    );
  }
}

/** `text` is JSON of the shape above, `folder` where it lies. Throws ValiError or SyntaxError. */
export function parseAssets(text: string, folder: string): Assets {
  const built = v.parse(v.pipe(v.string(), v.parseJson(), builtDashboard), text);
  const { name, tgz } = built.miner;
  return {
    version: built.version,
    files: new Map(Object.entries(built.files).map(([name, file]) => [name, new PackedAsset(file)])),
    imports: new Map(Object.entries(built.imports)),
    miner: tgz === undefined ? new MinerBeside(name, join(folder, name)) : { name, tgz },
  };
}
