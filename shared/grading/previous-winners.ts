/** The winners that a block's OPRs must name: those of the last graded block (pegnet `modules/grader/util.go`). */

import type { OprVersion } from "../opr/assets.ts";
import { rulesOf } from "./versions.ts";

const SHORT_HASH = /^[0-9a-f]{16}$/i;

export type CheckedWinners =
  | { readonly ok: true; readonly winners: readonly string[] }
  | { readonly ok: false; readonly reason: string };

/**
 * The winners to grade a block with: as given, or as many empty ones as the version has winners when there are none yet.
 * Refuses a negative height and a list that no OPR of the version could name.
 */
export function checkPreviousWinners(
  version: OprVersion,
  height: number,
  winners: readonly string[] | null,
): CheckedWinners {
  const rules = rulesOf(version);
  if (height < 0) return { ok: false, reason: `expected a block height of 0 or more, got ${height}` };
  if (winners === null || winners.length === 0)
    return { ok: true, winners: Array.from({ length: rules.winners }, () => "") };
  if (isWinnerList(winners, rules.previousWinnerCounts)) return { ok: true, winners };
  const counts = rules.previousWinnerCounts.join(" or ");
  return {
    ok: false,
    reason: `expected ${counts} previous winners for version ${version}, each of 16 hex digits or all empty, got ${winners.length}`,
  };
}

/** True where the list has one of the lengths and its members are all short hashes, or all empty. */
export function isWinnerList(winners: readonly string[], counts: readonly number[]): boolean {
  if (!counts.includes(winners.length)) return false;
  return winners[0] === ""
    ? winners.every((winner) => winner === "")
    : winners.every((winner) => SHORT_HASH.test(winner));
}
