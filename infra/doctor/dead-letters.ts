/** Messages that the books refused too often, and that wait for a person. */

import { join } from "node:path";
import { counted } from "../../shared/counted.ts";
import { readTextFile } from "../durable-file.ts";
import { type Check, ok, red } from "./finding.ts";

export const deadLetters: Check = {
  name: "dead letters",
  urgent: true,
  async look({ dataDir }) {
    const file = join(dataDir, "edge", "dead-letters.jsonl");
    const lines = ((await readTextFile(file)) ?? "").split("\n").filter((line) => line !== "");
    if (lines.length === 0) return [ok("none")];
    return [
      red(
        `${counted(lines.length, "message")} with miners' work not in the books, in ${file}`,
        'Read why in the pool\'s log, mend it, start the pool again, then see docs/runbook.md, "Dead letters"',
      ),
    ];
  },
};
