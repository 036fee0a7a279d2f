/** Zig, whose C compiler makes libraries for other platforms: installed once from PyPI into a folder of its own. */

import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { CodedError, coerceError } from "../../shared/errors.ts";
import { runProgram } from "../emulator/process.ts";

const WANTED = fileURLToPath(new URL("./zig.txt", import.meta.url));

export interface ZigOptions {
  /** Kept between calls; 400 MB. */
  readonly installDir: string;
  /** With python3 on its PATH, and pip's own settings, as for a package index of one's own. */
  readonly env: Readonly<Record<string, string>>;
}

/** Path of the command. Throws CodedError `zig` with what to do. */
export async function installZig({ installDir, env }: ZigOptions): Promise<string> {
  const version = createHash("sha256").update(readFileSync(WANTED)).digest("hex").slice(0, 12);
  const dir = join(installDir, `zig-${version}`);
  const zig = join(dir, "ziglang", process.platform === "win32" ? "zig.exe" : "zig");
  if (existsSync(zig)) return zig;
  const unfinished = join(installDir, `zig-making-${process.pid}`);
  mkdirSync(installDir, { recursive: true });
  try {
    await runProgram({
      name: "pip install",
      command: "python3",
      args: [
        "-m",
        "pip",
        "install",
        "-q",
        "--no-deps",
        "--require-hashes",
        "--target",
        unfinished,
        "-r",
        WANTED,
      ],
      env: { ...env, PIP_DISABLE_PIP_VERSION_CHECK: "1" },
    });
    renameSync(unfinished, dir);
  } catch (thrown) {
    throw new CodedError(
      "zig",
      `zig cannot be installed: it needs Python 3 with pip, and PyPI once. ${coerceError(thrown).message}`,
      { cause: thrown },
    );
  } finally {
    rmSync(unfinished, { recursive: true, force: true });
  }
  return zig;
}
