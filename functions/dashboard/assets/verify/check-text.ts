/** A proof or receipt as text, checked by the code of `prosper verify`. */

import * as v from "valibot";
import { provingFile } from "../../../../shared/proofs/proof-file.ts";
import { type Check, verifyProof, verifyReceipt } from "../../../../shared/proofs/verify.ts";

const HEX_64 = /^[0-9a-f]{64}$/;

/** `root` and `key` as somebody noted them down; empty: not known. */
export function checkText(text: string, { root, key }: { root: string; key: string }): Check[] {
  const [rootHex, keyHex] = [root.toLowerCase(), key.toLowerCase()];
  for (const [name, hex] of [
    ["root", rootHex],
    ["key", keyHex],
  ] as const)
    if (hex !== "" && !HEX_64.test(hex)) return [{ ok: false, text: `the ${name} has not 64 hex digits` }];
  const published = { ...(rootHex !== "" && { root: rootHex }), keys: keyHex === "" ? [] : [keyHex] };
  const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), provingFile), text);
  if (!parsed.success) {
    const [issue] = parsed.issues;
    return [
      {
        ok: false,
        text: `this is no proof or receipt of version 1: ${v.getDotPath(issue) ?? "the file"}: ${issue.message}`,
      },
    ];
  }
  const { output } = parsed;
  return output.format === "prosper-proof"
    ? verifyProof(output, published)
    : verifyReceipt(output, published);
}
