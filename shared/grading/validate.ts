/** Whether an entry of the OPR chain takes part in a block's grading (pegnet `modules/grader`, ValidateV1 to ValidateV5). */

import type { OprVersion } from "../opr/assets.ts";
import { parseOprV1 } from "../opr/codec-v1.ts";
import { parseOprV2 } from "../opr/codec-v2.ts";
import { type ClaimRefusal, type OprClaim, type OprEntry, parseOprClaim } from "../opr/opr-entry.ts";
import { type Opr, oprHash, previousWinners } from "../opr/record.ts";
import { isWinnerList } from "./previous-winners.ts";
import { type ContentRefusal, checkJson, checkProtobuf, refuse } from "./validate-content.ts";
import { rulesOf } from "./versions.ts";

export type EntryRefusal =
  | ClaimRefusal
  | ContentRefusal
  | "content-format"
  | "height"
  | "winner-format"
  | "winners-differ";

/** An entry that takes part. Its difficulty is still a claim. */
export interface ValidEntry extends OprClaim {
  readonly entryHash: Uint8Array;
  readonly oprHash: Uint8Array;
  readonly opr: Opr;
}

export type Validation =
  | { readonly ok: true; readonly entry: ValidEntry }
  | { readonly ok: false; readonly code: EntryRefusal; readonly reason: string };

/** The block that entries are validated for; `prevWinners` as `checkPreviousWinners` returns them. */
export interface BlockContext {
  readonly version: OprVersion;
  readonly height: number;
  readonly prevWinners: readonly string[];
}

/** The entry as a valid OPR of the block, or the first thing wrong with it. Never throws. */
export function validateEntry(entry: OprEntry, block: BlockContext): Validation {
  const claimed = parseOprClaim(entry, block.version);
  if (!claimed.ok) return claimed;
  const rules = rulesOf(block.version);
  const parsed = rules.format === "json" ? parseOprV1(entry.content) : parseOprV2(entry.content);
  if (!parsed.ok) return refuse("content-format", parsed.reason);
  const opr: Opr = parsed.value;
  if (opr.height !== block.height)
    return refuse("height", `expected height ${block.height}, got ${opr.height}`);
  const wrong = opr.format === "json" ? checkJson(opr, rules) : checkProtobuf(opr, rules);
  if (wrong !== undefined) return wrong;
  const winners = previousWinners(opr);
  if (!isWinnerList(winners, rules.previousWinnerCounts))
    return refuse(
      "winner-format",
      `expected ${rules.previousWinnerCounts.join(" or ")} short hashes of previous winners, got ${winners.length} values`,
    );
  const differing = firstDifference(winners, block.prevWinners);
  if (differing !== undefined) return refuse("winners-differ", differing);
  return {
    ok: true,
    entry: { ...claimed.claim, entryHash: entry.entryHash, oprHash: oprHash(entry.content), opr },
  };
}

function firstDifference(got: readonly string[], expected: readonly string[]): string | undefined {
  if (got.length !== expected.length)
    return `expected the ${expected.length} previous winners, got ${got.length}`;
  const at = got.findIndex((winner, i) => winner !== expected[i]);
  return at === -1
    ? undefined
    : `expected previous winner ${at} to be "${expected[at] ?? ""}", got "${got[at] ?? ""}"`;
}
