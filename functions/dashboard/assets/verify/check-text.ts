/** A proof or receipt as text, checked by the code of `prosper verify`. */

import * as v from "valibot";
import { type ProofFile, provingFile, type ReceiptFile } from "../../../../shared/proofs/proof-file.ts";
import { type Check, verifyProof, verifyReceipt } from "../../../../shared/proofs/verify.ts";

const HEX_64 = /^[0-9a-f]{64}$/;

export interface CheckedText {
  readonly checks: readonly Check[];
  /** Undefined where the text is none, or what was noted down is not whole. */
  readonly file?: ProofFile | ReceiptFile;
}

/** `root` and `key` in lower case as somebody noted them down; empty: not known. */
export function checkText(text: string, { root, key }: { root: string; key: string }): CheckedText {
  for (const [name, hex] of Object.entries({ root, key }))
    if (hex !== "" && !HEX_64.test(hex)) return refuse(`the ${name} has not 64 hex digits`);
  const published = { ...(root !== "" && { root }), keys: key === "" ? [] : [key] };
  const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), provingFile), text);
  if (!parsed.success) {
    const [issue] = parsed.issues;
    return refuse(
      `this is no proof or receipt of version 1: ${v.getDotPath(issue) ?? "the file"}: ${issue.message}`,
    );
  }
  const file = parsed.output;
  const checks =
    file.format === "prosper-proof" ? verifyProof(file, published) : verifyReceipt(file, published);
  return { checks, file };
}

function refuse(why: string): CheckedText {
  return { checks: [{ ok: false, text: why }] };
}
