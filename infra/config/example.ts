/** The example file that `prosper config FILE` writes: every setting with its default and its help. */

import { OPEN_SECTIONS, SETTINGS } from "./schema.ts";

/** TOML text; loading it gives the defaults. */
export function exampleConfig(): string {
  const lines = ["# Prosper Pool. Every setting with its default; delete what you do not change."];
  for (const [section, settings] of Object.entries(SETTINGS)) {
    lines.push("", `[${section}]`);
    for (const [key, { fallback, help }] of Object.entries(settings)) {
      if (help !== "") lines.push(`  # ${help}`);
      lines.push(`  ${key} = ${JSON.stringify(fallback)}`);
    }
  }
  for (const [section, { help }] of Object.entries(OPEN_SECTIONS))
    lines.push("", `# ${help}`, `[${section}]`);
  return `${lines.join("\n")}\n`;
}
