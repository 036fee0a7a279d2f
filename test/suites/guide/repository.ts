/** A repository to install the pool from: its last release, and on top of it the tree of today, committed or not. */

import { execFileSync } from "node:child_process";
import { copyFileSync } from "node:fs";
import { join } from "node:path";
import type { Release } from "../../support/releases.ts";

const ROOT = join(import.meta.dirname, "../../..");

/** Tags `v…` of the release, with the packages of today since there are no others, and `today`. */
export function makeRepository(folder: string, release: Release): void {
  const git = (args: readonly string[], input?: Uint8Array): Buffer =>
    execFileSync("git", ["-c", "user.name=guide", "-c", "user.email=guide@example.com", ...args], {
      cwd: folder,
      maxBuffer: 512 * 1024 * 1024,
      ...(input && { input }),
    });
  const commit = (tree: Uint8Array, tag: string): void => {
    git(["rm", "-rqf", "--ignore-unmatch", "."]);
    execFileSync("tar", ["-x", "-C", folder], { input: tree });
    copyFileSync(join(ROOT, "package-lock.json"), join(folder, "package-lock.json"));
    git(["add", "--all", "--force"]);
    git(["commit", "-q", "--allow-empty", "-m", tag]);
    git(["tag", tag]);
  };
  const here = (command: string, args: readonly string[], input?: Uint8Array): Buffer =>
    execFileSync(command, args, { cwd: ROOT, maxBuffer: 512 * 1024 * 1024, ...(input && { input }) });
  git(["init", "-q", "-b", "main"]);
  commit(here("git", ["archive", release.commit]), `v${release.version}`);
  const files = here("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
  const there = here(
    "sh",
    ["-c", 'xargs -0 sh -c \'for f; do [ ! -e "$f" ] || printf "%s\\0" "$f"; done\' sh'],
    files,
  );
  commit(here("tar", ["-c", "--null", "--files-from=-"], there), "today");
}
