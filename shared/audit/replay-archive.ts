/** The archive's list, made a second time: each row hashed onto the one before, in the order of the blocks. */

import { archiveFiles } from "../db/archive.ts";
import type { Db } from "../db/port.ts";
import { sha256Hex } from "../sha256.ts";
import type { Differences } from "./differences.ts";

const PAGE = 500;

/** Resolves to how many files it has. */
export async function replayArchive(db: Db, differences: Differences): Promise<number> {
  let [no, chain, height] = [0, "", -1];
  for (;;) {
    const page = await archiveFiles(db, no, PAGE);
    if (page.length === 0) return no;
    for (const file of page) {
      const where = `archive file ${file.no}`;
      if (file.no !== no + 1) differences.add(`${where}: the one before it is missing`);
      if (file.height < height) differences.add(`${where}: its block ${file.height} comes after ${height}`);
      const { part, deltas, root, keysSha256, sha256 } = file;
      const line = [file.no, file.height, part, deltas, root, keysSha256, sha256].join(" ");
      differences.compare(where, ["chain"], file, { chain: sha256Hex(`${chain}\n${line}`) });
      ({ no, chain, height } = file);
    }
  }
}
