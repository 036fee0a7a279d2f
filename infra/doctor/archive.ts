/** The archive of deltas: does it follow the sealed blocks, and is its newest file there? */

import { readBlockFile } from "../../shared/archive/block-file.ts";
import { counted } from "../../shared/counted.ts";
import { archiveSums, lastArchiveFile, nextToArchive } from "../../shared/db/archive.ts";
import { CodedError } from "../../shared/errors.ts";
import { archiveStore } from "../pool/archive.ts";
import {
  DAY_MS,
  databaseCheck,
  type Finding,
  HOUR_MS,
  ok,
  red,
  sizeText,
  skipped,
  spanText,
} from "./finding.ts";

export const archive = databaseCheck(
  "archive",
  async (db, { config, dataDir }) => {
    const findings: Finding[] = [];
    const last = await lastArchiveFile(db);
    const problem =
      last === undefined
        ? undefined
        : await readBlockFile(archiveStore(config, dataDir), last).then(() => undefined, problemOf);
    if (problem !== undefined)
      findings.push(
        red(problem, "Without it `prosper audit --replay` cannot make these blocks' books again"),
      );
    const { after } = config.archive;
    if (after === 0) return [...findings, skipped("nothing moves to the archive: archive.after is 0s")];
    const next = await nextToArchive(db);
    const overdueMs = (next?.ageSeconds ?? 0) * 1000 - after;
    if (overdueMs > DAY_MS)
      findings.push(
        red(
          `block ${next?.height} should have been archived ${spanText(overdueMs)} ago`,
          "Does the pool (or `prosper accountant`) run, and can it write to archive.folder? Its log says what it waits for",
        ),
      );
    const { files, blocks, deltas, bytes } = await archiveSums(db);
    if (files === 0 && findings.length === 0) return [ok("no block is old enough for it yet")];
    return findings.length > 0
      ? findings
      : [
          ok(
            `${counted(blocks, "block")} with ${counted(Number(deltas), "delta")} in ${counted(files, "file")}, ${sizeText(Number(bytes))} before they were compressed`,
          ),
        ];
  },
  { restMs: HOUR_MS },
);

/** Anything else is no finding about the archive. */
function problemOf(thrown: unknown): string {
  if (thrown instanceof CodedError && thrown.code.startsWith("archive-")) return thrown.message;
  throw thrown;
}
