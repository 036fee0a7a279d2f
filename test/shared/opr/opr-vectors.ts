/** What the two OPR vector files have in common. */

import * as v from "valibot";
import { expect } from "vitest";
import { concat, fromHex, toHex } from "../../../shared/bytes.ts";
import { encodeEntry, entryHash, OPR_CHAIN } from "../../../shared/factom/entry.ts";
import type { OprVersion } from "../../../shared/opr/assets.ts";
import { oprExtIds, parseOprClaim } from "../../../shared/opr/opr-entry.ts";
import { parseOpr } from "../../../shared/opr/parse.ts";
import { oprHash } from "../../../shared/opr/record.ts";
import { smallHasher } from "../../support/hash/small-hasher.ts";
import { decimal } from "../../support/vectors.ts";

export const bytes = v.pipe(
  v.string(),
  v.transform((hex) => fromHex(hex)),
);

/** A whole entry around a content, with a true 10-bit difficulty. */
export const entry = v.object({
  chainid: v.literal(OPR_CHAIN),
  difficulty: decimal,
  entryhash: v.string(),
  extids: v.array(v.string()),
  lxrBits: v.literal(10),
  nonce: bytes,
});

const hasher = smallHasher(10);

/** ExtIDs, difficulty and entry hash of the vector, made and read by our code. */
export async function expectEntry(
  want: v.InferOutput<typeof entry>,
  content: Uint8Array,
  version: OprVersion,
): Promise<void> {
  const extIds = oprExtIds(version, want.nonce, want.difficulty);
  expect(extIds.map(toHex)).toEqual(want.extids);

  const [hash] = await hasher.hash([concat(oprHash(content), want.nonce)]);
  expect(toHex(hash?.subarray(0, 8) ?? new Uint8Array(0))).toBe(want.extids[1]);

  const raw = encodeEntry({ chainId: want.chainid, extIds, content });
  expect(entryHash(raw)).toBe(want.entryhash);
  expect(parseOprClaim({ entryHash: fromHex(want.entryhash), extIds, content }, version)).toEqual({
    ok: true,
    claim: { nonce: want.nonce, selfReportedDifficulty: want.difficulty },
  });
}

/** The vectors' name for what `parseOpr` makes of a content. */
export function detectedFormat(content: Uint8Array): string {
  const parsed = parseOpr(content);
  if (!parsed.ok) return "error: unable to detect format";
  return parsed.value.format === "json" ? "V1" : "V2";
}
