/** The releases that were cut (releases.json, the newest first), and their code from the history. */

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as v from "valibot";

const ROOT = join(import.meta.dirname, "../..");
const release = v.strictObject({
  version: v.pipe(v.string(), v.regex(/^\d+\.\d+\.\d+$/)),
  date: v.pipe(v.string(), v.isoDate()),
  commit: v.pipe(v.string(), v.regex(/^[0-9a-f]{40}$/)),
  /** Number of its newest migration. */
  migration: v.number(),
  /** See schemaHash (shared/db/migrate.ts). */
  schema: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
});
export type Release = v.InferOutput<typeof release>;

const file = v.strictObject({ releases: v.tupleWithRest([release], release) });

export function readReleases(): readonly [Release, ...Release[]] {
  return v.parse(file, JSON.parse(readFileSync(join(ROOT, "releases.json"), "utf8"))).releases;
}

/** Why a release's code cannot be had here; undefined: it can. */
export function whyNoHistory({ version, commit }: Release): string | undefined {
  try {
    execFileSync("git", ["cat-file", "-e", `${commit}^{commit}`], { cwd: ROOT, stdio: "ignore" });
    return undefined;
  } catch {
    return `it needs git and a history that reaches the commit of release ${version}: clone without --depth`;
  }
}

/** The text of a file as it was released. */
export function releasedFile({ commit }: Release, path: string): string {
  return execFileSync("git", ["show", `${commit}:${path}`], { cwd: ROOT, encoding: "utf8" });
}

/** A folder of one's own with the release's code, on the packages of today. */
export function checkOut({ commit }: Release): string {
  const folder = mkdtempSync(join(tmpdir(), "prosper-release-"));
  const archive = execFileSync("git", ["archive", commit], { cwd: ROOT, maxBuffer: 512 * 1024 * 1024 });
  execFileSync("tar", ["-x", "-C", folder], { input: archive });
  symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"));
  return folder;
}
