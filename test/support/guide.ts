/** The commands of docs/operating.md, as they stand in its fenced blocks. */

import { readFileSync } from "node:fs";
import { join } from "node:path";

const PAGE = join(import.meta.dirname, "../../docs/operating.md");

export interface GuideBlock {
  /** The heading that it stands under. */
  readonly heading: string;
  /** Who types it, as its first line says: `root`, `prosper`, `own` (a machine of the operator's own). */
  readonly who: string;
  readonly text: string;
}

export function guideBlocks(): GuideBlock[] {
  let heading = "";
  const blocks: GuideBlock[] = [];
  const parts = readFileSync(PAGE, "utf8").matchAll(/^## (.+)$|^```sh\n# (\w+)[^\n]*\n([\s\S]*?)^```$/gm);
  for (const [, title, who, text] of parts) {
    if (title !== undefined) heading = title;
    else blocks.push({ heading, who: who ?? "", text: text ?? "" });
  }
  return blocks;
}
