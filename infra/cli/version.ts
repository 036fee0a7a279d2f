/** The version of this checkout, as package.json has it. */

import { readFileSync } from "node:fs";
import { join } from "node:path";

export function packageVersion(): string {
  const manifest: { version: string } = JSON.parse(
    readFileSync(join(import.meta.dirname, "../../package.json"), "utf8"),
  );
  return manifest.version;
}
