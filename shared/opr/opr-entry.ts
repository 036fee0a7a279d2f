/** The ExtIDs of an OPR entry: what a miner claims beside the content (pegnet `modules/grader`). */

import { bytesToU64, u64ToBytes } from "../bytes.ts";
import type { OprVersion } from "./assets.ts";

/** An entry of the OPR chain, read off the network: nothing in it is checked yet. */
export interface OprEntry {
  readonly entryHash: Uint8Array;
  readonly extIds: readonly Uint8Array[];
  readonly content: Uint8Array;
}

/** The claim in the ExtIDs. */
export interface OprClaim {
  /** Any bytes; hashed behind the oprHash. */
  readonly nonce: Uint8Array;
  readonly selfReportedDifficulty: bigint;
}

export type ClaimRefusal = "entry-hash-length" | "extid-count" | "difficulty-length" | "version";

export type ParsedClaim =
  | { readonly ok: true; readonly claim: OprClaim }
  | { readonly ok: false; readonly code: ClaimRefusal; readonly reason: string };

/** ExtIDs `[nonce, 8-byte big-endian difficulty, version byte]` of an entry for the given version, or the first thing wrong. */
export function parseOprClaim(entry: OprEntry, version: OprVersion): ParsedClaim {
  if (entry.entryHash.length !== 32)
    return refuse("entry-hash-length", `expected an entry hash of 32 bytes, got ${entry.entryHash.length}`);
  const [nonce, difficulty, versionByte] = entry.extIds;
  if (entry.extIds.length !== 3 || nonce === undefined || difficulty === undefined)
    return refuse("extid-count", `expected 3 ExtIDs, got ${entry.extIds.length}`);
  if (difficulty.length !== 8)
    return refuse("difficulty-length", `expected a difficulty of 8 bytes, got ${difficulty.length}`);
  if (versionByte?.length !== 1 || versionByte[0] !== version)
    return refuse("version", `expected the version byte ${version}, got [${versionByte?.join(", ") ?? ""}]`);
  return { ok: true, claim: { nonce, selfReportedDifficulty: bytesToU64(difficulty) } };
}

/** The ExtIDs of an entry to be submitted. */
export function oprExtIds(version: OprVersion, nonce: Uint8Array, difficulty: bigint): Uint8Array[] {
  return [nonce, u64ToBytes(difficulty), Uint8Array.of(version)];
}

function refuse(code: ClaimRefusal, reason: string): ParsedClaim {
  return { ok: false, code, reason };
}
