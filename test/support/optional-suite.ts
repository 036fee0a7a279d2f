/** Suites that need what not every machine has: what Debian lacks is installed, and where that cannot be they are NOT RUN, which is said. */

import { execFileSync } from "node:child_process";
import { appendFileSync, existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const APT_LOCK = join(tmpdir(), "prosper-tests-apt.lock");

/**
 * Whether the suite can run. Where it cannot, people read a line `NOT RUN: SUITE: REASON`, and `.ci/run` finds it in the file that
 * PROSPER_NOT_RUN_FILE names: vitest counts a skipped suite as one that passed.
 */
export function isRunnable(suite: string, reason: string | undefined): boolean {
  if (reason === undefined) return true;
  const line = `NOT RUN: ${suite}: ${reason}\n`;
  process.stdout.write(`\n${line}\n`);
  const file = process.env["PROSPER_NOT_RUN_FILE"];
  if (file !== undefined) appendFileSync(file, line);
  return false;
}

/** Installs Debian's packages where `isThere` says that something is missing. Returns why that cannot be; undefined when all is there. */
export function whyNotInstalled(packages: readonly string[], isThere: () => boolean): string | undefined {
  if (isThere()) return undefined;
  const names = packages.join(", ");
  if (process.platform !== "linux" || process.getuid?.() !== 0 || !existsSync("/usr/bin/apt-get"))
    return `it needs ${names}, or Debian and root to install it`;
  try {
    const options = { stdio: "ignore", env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" } } as const;
    // apt takes one at a time and gives up at once, and suites may run beside one another.
    const apt = (...args: string[]): void =>
      void execFileSync("flock", [APT_LOCK, "apt-get", "-qq", ...args], options);
    apt("update");
    apt("install", "-y", "--no-install-recommends", ...packages);
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    return `apt-get cannot install ${names}: ${text.split("\n")[0]}`;
  }
  return isThere() ? undefined : `${names} did not bring what it needs`;
}
