/** The native kernel for every platform that Node and koffi run on, made on one machine by `zig cc`. */

import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FLAGS } from "../../shared/hash/kernel/native-build.ts";
import { prebuiltName } from "../../shared/hash/kernel/prebuilt.ts";
import { runProgram } from "../emulator/process.ts";

export interface KernelTarget {
  /** By Node's words. */
  readonly platform: "linux" | "darwin" | "win32";
  readonly arch: "x64" | "arm64";
}

export const KERNEL_TARGETS: readonly KernelTarget[] = [
  { platform: "linux", arch: "x64" },
  { platform: "linux", arch: "arm64" },
  { platform: "darwin", arch: "x64" },
  { platform: "darwin", arch: "arm64" },
  { platform: "win32", arch: "x64" },
  { platform: "win32", arch: "arm64" },
];

/**
 * Linux and Windows: no C library and no runtime, so that one file serves glibc and musl, and every Windows. A Mac's loader wants its system library.
 */
const SYSTEMS = {
  linux: { zig: "linux-musl", flags: ["-nostdlib"] },
  darwin: { zig: "macos", flags: [] },
  win32: { zig: "windows-gnu", flags: ["-nostdlib", "-Wl,--entry=lxr_loaded"] },
} as const;
const ARCHS = { x64: "x86_64", arm64: "aarch64" } as const;

export interface CrossBuildOptions {
  readonly targets: readonly KernelTarget[];
  /** Folder of lxr.c. */
  readonly sources: string;
  /** Where the libraries go, by the names under which they are found. */
  readonly dir: string;
  /** Path of the command. */
  readonly zig: string;
  /** Zig's own cache of what it has compiled. */
  readonly cacheDir: string;
  readonly onMade?: (file: string) => void;
}

/** The same sources give the same bytes. Throws CodedError `program` with the compiler's words. */
export async function crossBuild(options: CrossBuildOptions): Promise<void> {
  const { targets, sources, dir, zig, cacheDir } = options;
  mkdirSync(dir, { recursive: true });
  for (const { platform, arch } of targets) {
    // On Windows a compiler leaves more files than the library.
    const workshop = mkdtempSync(join(tmpdir(), "prosper-kernel-"));
    try {
      const name = prebuiltName(platform, arch);
      const system = SYSTEMS[platform];
      const args = ["cc", "-target", `${ARCHS[arch]}-${system.zig}`, ...FLAGS, "-s", ...system.flags];
      await runProgram({
        name: `zig cc for ${platform} ${arch}`,
        command: zig,
        // By its name alone: a Mac's library holds the path by which it was made.
        args: [...args, "-o", name, join(sources, "lxr.c")],
        cwd: workshop,
        env: { HOME: cacheDir, ZIG_GLOBAL_CACHE_DIR: cacheDir, ZIG_LOCAL_CACHE_DIR: cacheDir },
      });
      copyFileSync(join(workshop, name), join(dir, name));
      options.onMade?.(join(dir, name));
    } finally {
      rmSync(workshop, { recursive: true, force: true });
    }
  }
}
