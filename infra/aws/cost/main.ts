/** `npm run cost`: what each size of the pool costs a month on AWS, from its templates. `-- --write` puts the tables into docs/aws.md and the README. */

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { billsOf, SIZES } from "./sizes.ts";
import { fullTable, placed, shortTable } from "./tables.ts";

const ROOT = join(import.meta.dirname, "../../..");

const bills = SIZES.map(billsOf);
process.stdout.write(`${fullTable(bills)}\n`);
if (process.argv.includes("--write"))
  for (const [name, text] of [
    ["docs/aws.md", fullTable(bills)],
    ["README.md", shortTable(bills)],
  ] as const) {
    const file = join(ROOT, name);
    writeFileSync(file, placed(readFileSync(file, "utf8"), text));
  }
