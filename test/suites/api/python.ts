/** Python's tools for OpenAPI, in a virtual environment of their own: made once, from PyPI, in the user's cache. */

import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { coerceError } from "../../../shared/errors.ts";

const exec = promisify(execFile);
const WANTED = join(import.meta.dirname, "requirements.txt");
const CACHE = join(homedir(), ".cache", "prosper");
const INSTALL_MS = 4 * 60_000;
const MOST_OUTPUT = 32 * 1024 * 1024;

export interface Ran {
  readonly code: number;
  /** Both streams. */
  readonly output: string;
}

/** Runs a program of that environment, for at most `ms`. */
export type Python = (
  program: string,
  args: readonly string[],
  options: { readonly cwd: string; readonly ms: number; readonly env?: Readonly<Record<string, string>> },
) => Promise<Ran>;

/** Undefined with the reason where it cannot be had. */
export async function installPython(): Promise<{ run: Python } | { missing: string }> {
  const version = createHash("sha256").update(readFileSync(WANTED)).digest("hex").slice(0, 12);
  const dir = join(CACHE, `openapi-tools-${version}`);
  try {
    if (!existsSync(join(dir, "made"))) await make(dir);
  } catch (thrown) {
    const [reason = ""] = coerceError(thrown).message.split("\n");
    return { missing: `it needs Python 3.11 with venv and pip, and PyPI once: ${reason}` };
  }
  return { run: (program, args, options) => run(join(dir, "bin", program), args, options) };
}

/** Its programs name their own folder, so it is made where it stays. */
async function make(dir: string): Promise<void> {
  rmSync(dir, { recursive: true, force: true });
  mkdirSync(CACHE, { recursive: true });
  await exec("python3", ["-m", "venv", dir], { timeout: INSTALL_MS });
  await exec(join(dir, "bin", "pip"), ["install", "-q", "--disable-pip-version-check", "-r", WANTED], {
    timeout: INSTALL_MS,
  });
  mkdirSync(join(dir, "making"));
  renameSync(join(dir, "making"), join(dir, "made"));
}

async function run(command: string, args: readonly string[], options: Parameters<Python>[2]): Promise<Ran> {
  const { cwd, ms, env } = options;
  return new Promise((resolve) => {
    execFile(
      command,
      [...args],
      { cwd, timeout: ms, maxBuffer: MOST_OUTPUT, env: { ...process.env, NO_COLOR: "1", ...env } },
      (error, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === "number" ? error.code : -1;
        resolve({ code, output: `${stdout}${stderr}` });
      },
    );
  });
}
