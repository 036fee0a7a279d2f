/** The browser of this suite, installed where it is missing and can be. */

import { existsSync } from "node:fs";
import type { LaunchOptions } from "playwright-core";
import { whyNotInstalled } from "../../support/optional-suite.ts";

const EXECUTABLE = "/usr/bin/chromium";

/** Pages of this machine's own only: no sandbox is needed, and root has none. */
export const CHROMIUM: LaunchOptions = {
  executablePath: EXECUTABLE,
  args: ["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--no-pings"],
};

/** Why the suite cannot be run here; undefined where it can. */
export function whyNoBrowser(): string | undefined {
  return whyNotInstalled(["chromium"], () => existsSync(EXECUTABLE));
}
