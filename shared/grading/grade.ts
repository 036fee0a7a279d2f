/** Grading a block: which OPRs win, in which order, and what they are paid (pegnet `modules/grader`). */

import { bytesToU64, concat, toHex } from "../bytes.ts";
import { CodedError } from "../errors.ts";
import type { Hasher } from "../hash/hasher.ts";
import type { OprVersion } from "../opr/assets.ts";
import type { OprEntry } from "../opr/opr-entry.ts";
import { floatPrices, type Opr, shortHash } from "../opr/record.ts";
import { distance } from "./averages.ts";
import { checkPreviousWinners } from "./previous-winners.ts";
import { type EntryRefusal, type ValidEntry, validateEntry } from "./validate.ts";
import { rulesOf, type VersionRules } from "./versions.ts";

/** How many of the best entries are graded. */
export const GRADED_ENTRIES = 50;
/** So many more entries are hashed than are still needed, so that a few false claims do not need another round. */
const SPARE_HASHES = 14;

/** A block to grade. `prevWinners` null or empty: no block was graded before. */
export interface BlockToGrade {
  readonly version: OprVersion;
  readonly height: number;
  readonly prevWinners: readonly string[] | null;
  /** In the order of the chain: earlier ones win ties. */
  readonly entries: readonly OprEntry[];
}

/** What became of an entry. */
export type EntryVerdict =
  | { readonly kind: "graded" }
  /** Valid, but behind the entries that were graded; its claim was not checked. */
  | { readonly kind: "outranked" }
  | { readonly kind: "invalid"; readonly code: EntryRefusal; readonly reason: string }
  /** An earlier entry has the same nonce and oprHash. */
  | { readonly kind: "duplicate" }
  | { readonly kind: "false-claim"; readonly difficulty: bigint };

export interface GradedEntry {
  readonly entryHash: Uint8Array;
  /** 0 is the winner; 0 for all where the block is not graded. */
  readonly position: number;
  /** Distance from the averages in the entry's last round. */
  readonly grade: number;
  readonly difficulty: bigint;
  readonly selfReportedDifficulty: bigint;
  /** 1e-8 PEG. */
  readonly payout: bigint;
  readonly opr: Opr;
}

export interface GradedBlock {
  readonly version: OprVersion;
  readonly height: number;
  /** One for each entry, in the order of the input. */
  readonly verdicts: readonly EntryVerdict[];
  /** Valid entries, before duplicates and false claims were dropped. */
  readonly validCount: number;
  /** The most entries that may be graded, after the number of entries is taken into account. */
  readonly cutoff: number;
  /** In final order; by difficulty where the block is not graded. */
  readonly graded: readonly GradedEntry[];
  /** Short hashes; the previous ones where the block is not graded. */
  readonly winners: readonly string[];
  /** False where fewer entries are left than the version has winners: nobody is paid. */
  readonly isGraded: boolean;
}

/** A candidate on its way through the rounds. */
interface Candidate extends ValidEntry {
  readonly index: number;
  readonly prices: Float64Array;
  grade: number;
}

/**
 * Grades the best `cutoff` entries. The hasher must be of the network's table size.
 * Throws CodedError `previous-winners-invalid` where the version knows no such height or list of winners.
 */
export async function gradeBlock(
  block: BlockToGrade,
  hasher: Hasher,
  cutoff: number = GRADED_ENTRIES,
): Promise<GradedBlock> {
  const { version, height } = block;
  const rules = rulesOf(version);
  const previous = checkPreviousWinners(version, height, block.prevWinners);
  if (!previous.ok) throw new CodedError("previous-winners-invalid", previous.reason);

  const verdicts: EntryVerdict[] = [];
  const candidates: Candidate[] = [];
  for (const [index, entry] of block.entries.entries()) {
    const checked = validateEntry(entry, { version, height, prevWinners: previous.winners });
    verdicts.push(checked.ok ? { kind: "outranked" } : { ...checked, kind: "invalid" });
    if (!checked.ok) continue;
    candidates.push({
      ...checked.entry,
      index,
      grade: 0,
      prices: floatPrices(checked.entry.opr, rules.assets),
    });
  }

  const distinct = dropDuplicates(candidates, verdicts);
  const best = await keepTrueClaims(distinct.sort(byDifficulty), { hasher, cutoff, verdicts });
  const isGraded = best.length >= rules.winners;
  if (isGraded) gradeRounds(best, rules);
  return {
    version,
    height,
    verdicts,
    validCount: candidates.length,
    cutoff: isGraded ? best.length : cutoff,
    graded: best.map((candidate, place) => gradedEntry(candidate, isGraded ? place : undefined, rules)),
    winners: isGraded
      ? best.slice(0, rules.winners).map((winner) => shortHash(winner.entryHash))
      : previous.winners,
    isGraded,
  };
}

/** This runs before any claim is checked. If a false claim comes first, its good copy is dropped too, as on mainnet. */
function dropDuplicates(candidates: readonly Candidate[], verdicts: EntryVerdict[]): Candidate[] {
  const seen = new Set<string>();
  return candidates.filter((candidate) => {
    const key = toHex(concat(candidate.nonce, candidate.oprHash));
    const isNew = !seen.has(key);
    seen.add(key);
    if (!isNew) verdicts[candidate.index] = { kind: "duplicate" };
    return isNew;
  });
}

/** Hashes the list from the top in batches, no further than needed, until `cutoff` claims are proved true. */
async function keepTrueClaims(
  sorted: readonly Candidate[],
  { hasher, cutoff, verdicts }: { hasher: Hasher; cutoff: number; verdicts: EntryVerdict[] },
): Promise<Candidate[]> {
  const kept: Candidate[] = [];
  for (let at = 0; at < sorted.length && kept.length < cutoff; ) {
    const batch = sorted.slice(at, at + cutoff - kept.length + SPARE_HASHES);
    at += batch.length;
    const hashes = await hasher.hash(batch.map(({ oprHash, nonce }) => concat(oprHash, nonce)));
    for (const [i, candidate] of batch.entries()) {
      const hash = hashes[i];
      if (hash === undefined)
        throw new Error(`the hasher answered ${hashes.length} of ${batch.length} inputs`);
      if (kept.length >= cutoff) break;
      const difficulty = bytesToU64(hash);
      const isTrue = difficulty === candidate.selfReportedDifficulty;
      verdicts[candidate.index] = isTrue ? { kind: "graded" } : { kind: "false-claim", difficulty };
      if (isTrue) kept.push(candidate);
    }
  }
  return kept;
}

/** Averages, measures and sorts the first n, then the first n−1, and so on: each round drops the farthest. */
function gradeRounds(candidates: Candidate[], rules: VersionRules): void {
  for (let count = candidates.length; count >= rules.lastRound; count--) {
    const round = candidates.slice(0, count);
    const means = rules.means(round.map((candidate) => candidate.prices));
    const band = count >= rules.winners ? rules.band : 0;
    for (const candidate of round) candidate.grade = distance(means, candidate.prices, band);
    candidates.splice(0, count, ...round.sort(byDifficulty).sort(byGrade));
  }
}

function gradedEntry(candidate: Candidate, place: number | undefined, rules: VersionRules): GradedEntry {
  return {
    entryHash: candidate.entryHash,
    position: place ?? 0,
    grade: candidate.grade,
    difficulty: candidate.selfReportedDifficulty,
    selfReportedDifficulty: candidate.selfReportedDifficulty,
    payout: place === undefined ? 0n : (rules.payouts[place] ?? 0n),
    opr: candidate.opr,
  };
}

function byDifficulty(a: Candidate, b: Candidate): number {
  if (a.selfReportedDifficulty === b.selfReportedDifficulty) return 0;
  return a.selfReportedDifficulty > b.selfReportedDifficulty ? -1 : 1;
}

/** Grades that are NaN (from prices near the largest double, V1 only) leave the order as it is. */
function byGrade(a: Candidate, b: Candidate): number {
  if (a.grade < b.grade) return -1;
  return a.grade > b.grade ? 1 : 0;
}
