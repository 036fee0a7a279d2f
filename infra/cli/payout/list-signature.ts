/**
 * The pool's signature of a list in the reference's form. It is in its own file beside the list, because the
 * form has no place for one.
 */

import * as v from "valibot";
import { type PayoutList, signPayout } from "../../../shared/accounting/payout-signature.ts";
import { CodedError } from "../../../shared/errors.ts";
import type { KeyPair } from "../../../shared/factom/ed25519.ts";
import { readTextFile } from "../../durable-file.ts";
import type { NewFile } from "./prepare.ts";

const signatureSchema = v.strictObject({
  prosper: v.literal("payout-signature"),
  version: v.literal(1),
  saltSeconds: v.pipe(v.number(), v.integer(), v.minValue(0)),
  signature: v.pipe(v.string(), v.regex(/^[0-9a-f]{128}$/)),
});
export type ListSignature = v.InferOutput<typeof signatureSchema>;

/** `pay.json` → `pay.json.signature`. */
export function signatureFile(listFile: string): string {
  return `${listFile}.signature`;
}

export function formatListSignature(listFile: string, list: PayoutList, poolKeys: KeyPair): NewFile {
  const { saltSeconds } = list;
  const signed: ListSignature = {
    prosper: "payout-signature",
    version: 1,
    saltSeconds,
    signature: signPayout(list, poolKeys),
  };
  return { path: signatureFile(listFile), text: `${JSON.stringify(signed)}\n` };
}

/** Undefined where there is none. Throws CodedError `payout-invalid`. */
export async function readListSignature(listFile: string): Promise<ListSignature | undefined> {
  const path = signatureFile(listFile);
  const text = await readTextFile(path);
  if (text === undefined) return undefined;
  const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), signatureSchema), text);
  if (parsed.success) return parsed.output;
  throw new CodedError(
    "payout-invalid",
    `${path}: expected what \`prosper db payout\` wrote beside the list`,
  );
}
