/** Compiles the native kernel's library with the system's C compiler. It does so once, in about a second, and keeps it outside the project. */

import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { mkdir, mkdtemp, open, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

/** Compiled for any processor of its kind, since several machines may share the home folder that has the library. */
export const FLAGS: readonly string[] = ["-std=c11", "-O3", "-shared", "-fPIC", "-fvisibility=hidden"];
const COMPILER_MS = 60_000;

export interface BuildOptions {
  /** Where libraries are kept, made if need be for its owner alone. */
  readonly dir: string;
  /** The compiler's name or path: "cc". */
  readonly compiler: string;
}

/** Path of the library of today's sources. Throws Error with the compiler's words, or with why the folder cannot hold it. */
export async function buildNative({ dir, compiler }: BuildOptions): Promise<string> {
  const path = join(dir, `lxr-${fingerprint(compiler)}.${process.platform === "win32" ? "dll" : "so"}`);
  await mkdir(dir, { recursive: true, mode: 0o700 });
  if (await isOurs(path)) return path;
  const workshop = await mkdtemp(join(dir, "making-"));
  try {
    const source = fileURLToPath(new URL("./lxr.c", import.meta.url));
    const unfinished = join(workshop, "lxr");
    await promisify(execFile)(compiler, [...FLAGS, "-o", unfinished, source], { timeout: COMPILER_MS });
    const file = await open(unfinished, "r+");
    await file.chmod(0o700);
    // A library that was cut short by a power failure would crash any process that loads it.
    await file.sync();
    await file.close();
    await rename(unfinished, path);
    return path;
  } finally {
    await rm(workshop, { recursive: true, force: true });
  }
}

/** Another source, flag, compiler or processor is another library. */
function fingerprint(compiler: string): string {
  const hash = createHash("sha256");
  for (const name of ["lxr.c", "lxr-steps.h"]) hash.update(readFileSync(new URL(name, import.meta.url)));
  hash.update(JSON.stringify([FLAGS, compiler, process.platform, process.arch]));
  return hash.digest("hex").slice(0, 32);
}

/** Whether it exists and only this user can have put it there: a loaded library runs with all rights of this user. */
async function isOurs(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined || process.getuid === undefined) return found !== undefined;
  return found.uid === process.getuid() && (found.mode & 0o022) === 0;
}
