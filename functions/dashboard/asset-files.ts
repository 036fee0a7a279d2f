/** The dashboard's files, read once at the start and served from memory under a name that changes with their content. */

import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { extname, join, relative, sep } from "node:path";
import { CodedError } from "../../shared/errors.ts";

export interface Asset {
  readonly type: string;
  readonly body: string;
}

export interface Assets {
  /** One version for all files together. It is part of every address, so that browsers may keep each file for a year. */
  readonly version: string;
  /** By path under `/assets/VERSION/`. */
  readonly files: ReadonlyMap<string, Asset>;
}

const TYPES: Readonly<Record<string, string>> = {
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
};
/** Served from the package itself. */
const VENDOR = {
  "vendor/uplot.js": "uplot/dist/uPlot.iife.min.js",
  "vendor/uplot.css": "uplot/dist/uPlot.min.css",
} as const;

export function loadAssets(folder: string = join(import.meta.dirname, "assets")): Assets {
  const require = createRequire(import.meta.url);
  const files = new Map<string, Asset>();
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    const type = TYPES[extname(path)];
    if (entry.isFile() && type !== undefined)
      files.set(relative(folder, path).split(sep).join("/"), { type, body: readFileSync(path, "utf8") });
  }
  if (files.size === 0)
    throw new CodedError(
      "assets-missing",
      `no dashboard files under ${folder}: restore them from the repository`,
    );
  for (const [name, source] of Object.entries(VENDOR)) {
    files.set(name, {
      type: TYPES[extname(name)] ?? "",
      body: readFileSync(require.resolve(source), "utf8"),
    });
  }
  return { version: hashOf(files), files };
}

function hashOf(files: ReadonlyMap<string, Asset>): string {
  const hash = createHash("sha256");
  for (const [name, { body }] of [...files].sort(([a], [b]) => (a < b ? -1 : 1)))
    hash.update(`${name}\0${body}\0`);
  return hash.digest("hex").slice(0, 16);
}
