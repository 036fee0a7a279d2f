/** `prosper grade FILE`: grades a block from a file, with the same code that grades the chain. */

import { toHex } from "../../../shared/bytes.ts";
import { counted } from "../../../shared/counted.ts";
import { CodedError } from "../../../shared/errors.ts";
import { type GradedBlock, gradeBlock } from "../../../shared/grading/grade.ts";
import { rulesOf } from "../../../shared/grading/versions.ts";
import type { Hasher } from "../../../shared/hash/hasher.ts";
import { isOprVersion, MAINNET_ACTIVATIONS, type OprVersion, versionAt } from "../../../shared/opr/assets.ts";
import { type BlockFile, readBlockFile } from "./block-file.ts";

/** Table size of the Factom mainnet. */
export const DEFAULT_GRADE_BITS = 30;

export interface GradeOptions {
  readonly file: string;
  /** Table size, 30 unless given. */
  readonly bits?: number | undefined;
  /** Wins over the file's; without both, mainnet's version at the block's height. */
  readonly version?: number | undefined;
  readonly json?: boolean | undefined;
}

export interface GradeModules {
  readonly stdout: { write(text: string): unknown };
  readonly stderr: { write(text: string): unknown };
  /** Makes or finds the table of this size; the command closes the hasher. */
  readonly openHasher: (bits: number) => Promise<Hasher>;
}

/**
 * Writes the graded block: one line of JSON with `json`, else a table. Says on stderr when the file records other winners.
 * Throws CodedErrors: `block-file`, `grade-version`, `previous-winners-invalid`, and those of the hasher.
 */
export async function gradeCommand(options: GradeOptions, modules: GradeModules): Promise<void> {
  const { stdout, stderr, openHasher } = modules;
  const file = await readBlockFile(options.file);
  const version = chooseVersion(options.version, file);
  const hasher = await openHasher(options.bits ?? DEFAULT_GRADE_BITS);
  try {
    const graded = await gradeBlock({ ...file, version }, hasher);
    stdout.write(options.json ? `${toJson(graded)}\n` : toTable(graded));
    const recorded = file.recordedWinners?.join();
    if (recorded !== undefined && recorded !== graded.winners.join())
      stderr.write(`The file records other winners for block ${graded.height}: is --bits the network's?\n`);
  } finally {
    await hasher.close();
  }
}

function chooseVersion(asked: number | undefined, { version, height }: BlockFile): OprVersion {
  const chosen = asked ?? version ?? versionAt(height, MAINNET_ACTIVATIONS);
  if (chosen !== null && isOprVersion(chosen)) return chosen;
  throw new CodedError(
    "grade-version",
    chosen === null
      ? `expected a block from height ${MAINNET_ACTIVATIONS[1]} on, where PegNet begins on mainnet, got ${height}: give --version 1 to 5`
      : `expected --version 1 to 5, got ${chosen}`,
  );
}

function toJson({ winners, graded }: GradedBlock): string {
  return JSON.stringify({
    winners,
    graded: graded.map(({ entryHash, position, grade, payout }) => ({
      entryHash: toHex(entryHash),
      position,
      grade,
      payout: String(payout),
    })),
  });
}

function toTable(block: GradedBlock): string {
  const { version, height, verdicts, validCount, graded, isGraded } = block;
  const needed = rulesOf(version).winners;
  const lines = [
    `Block ${height}, version ${version}: ${counted(verdicts.length, "entry", "entries")}, ${validCount} valid, ${graded.length} ${isGraded ? "graded" : `left of the ${needed} it takes: not graded, the previous winners stay`}`,
    ...graded.map((entry) =>
      [
        String(entry.position).padStart(5),
        toHex(entry.entryHash.subarray(0, 8)),
        entry.grade.toExponential(6).padStart(14),
        `${entry.payout / 100_000_000n} PEG`.padStart(8),
        printable(entry.opr.id),
      ].join("  "),
    ),
    ...refusals(block),
  ];
  return `${lines.join("\n")}\n`;
}

/** How many entries were refused, by reason. */
function refusals({ verdicts }: GradedBlock): string[] {
  const counts = new Map<string, number>();
  for (const verdict of verdicts) {
    if (verdict.kind === "graded") continue;
    const reason = verdict.kind === "invalid" ? `invalid: ${verdict.code}` : verdict.kind;
    counts.set(reason, (counts.get(reason) ?? 0) + 1);
  }
  return [...counts].map(([reason, count]) => `${String(count).padStart(5)}  ${reason}`);
}

/** A stranger's text on the operator's terminal: short, and without control characters. */
function printable(text: string): string {
  return text.slice(0, 40).replace(/[^\x20-\x7e]/g, "?");
}
