/** Suites that need what not every machine has: what Debian lacks is installed, and where that cannot be they are NOT RUN, which is said. */

import { execFileSync } from "node:child_process";
import { appendFileSync, existsSync } from "node:fs";

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
    execFileSync("apt-get", ["update", "-qq"], options);
    execFileSync("apt-get", ["install", "-y", "-qq", "--no-install-recommends", ...packages], options);
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    return `apt-get cannot install ${names}: ${text.split("\n")[0]}`;
  }
  return isThere() ? undefined : `${names} did not bring what it needs`;
}
