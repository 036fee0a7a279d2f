/** The journal: shares and messages that an edge has on its disk and the books do not have yet. */

import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { counted } from "../../shared/counted.ts";
import { edgeFolders } from "../pool/left-edges.ts";
import { type Check, ok, red, sizeText, skipped, spanText, warn } from "./finding.ts";

/** At 4 GB no share is taken any more (edge/journal/journal.ts). */
const WARN_BYTES = 1e9;
const RED_BYTES = 3e9;

export const journal: Check = {
  name: "journal",
  urgent: true,
  async look({ dataDir, clock }) {
    const edge = join(dataDir, "edge");
    const folders = edgeFolders(edge).map((folder) => join(folder, "journal"));
    const lists = await Promise.all(folders.map((folder) => filesIn(folder)));
    if (lists.every((list) => list === undefined))
      return [skipped(`there is no journal in ${edge}: no edge runs from this folder`)];
    const files = await Promise.all(lists.flatMap((list) => list ?? []).map((path) => stat(path)));
    const bytes = files.reduce((sum, { size }) => sum + size, 0);
    const oldestMs = Math.max(0, ...files.map(({ birthtimeMs }) => clock.wallMs() - birthtimeMs));
    const said = `${sizeText(bytes)} in ${counted(files.length, "file")}, the oldest ${spanText(oldestMs)} old`;
    const mend =
      "The books take nothing from this edge: see what `database`, `late work` and the pool's log say";
    return [bytes > RED_BYTES ? red(said, mend) : bytes > WARN_BYTES ? warn(said, mend) : ok(said)];
  },
};

async function filesIn(folder: string): Promise<string[] | undefined> {
  const names = await readdir(folder).catch(() => undefined);
  return names?.map((name) => join(folder, name));
}
