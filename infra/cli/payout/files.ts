/** The two files that go to and come from the machine with the paying key: a prepared payout, and the same signed. */

import * as v from "valibot";
import { linesDigest } from "../../../shared/accounting/payout-batch.ts";
import { fromHex } from "../../../shared/bytes.ts";
import { json } from "../../../shared/db/port.ts";
import { CodedError } from "../../../shared/errors.ts";
import { entryHash, parseEntry } from "../../../shared/factom/entry.ts";
import { parseFat2Batch } from "../../../shared/factom/fat2-parse.ts";
import { parseJson } from "../../../shared/json-source.ts";
import { readTextFile } from "../../durable-file.ts";

const amount = v.pipe(
  v.string(),
  v.regex(/^\d{1,19}$/, "expected an amount of 1e-8 PEG in quotes"),
  v.transform((text) => BigInt(text)),
);
const total = v.pipe(
  v.string(),
  v.regex(/^-?\d{1,19}$/),
  v.transform((text) => BigInt(text)),
);
const line = v.strictObject({
  user: v.string(),
  address: v.string(),
  amount,
  totalOwed: total,
  totalPaid: total,
});
const shared = {
  version: v.literal(2, "expected version 2: it was prepared by an earlier version, prepare it again"),
  id: v.pipe(v.string(), v.regex(/^[0-9a-f]{16}(-\d{1,6})?$/)),
  saltSeconds: v.pipe(v.number(), v.integer(), v.minValue(0)),
  lines: v.pipe(v.array(line), v.minLength(1)),
  /** The pool's signature of salt and lines. */
  signature: v.pipe(v.string(), v.regex(/^[0-9a-f]{128}$/)),
};
const preparedFile = v.strictObject({
  prosper: v.literal("payout", "this is another file, perhaps the signed one"),
  ...shared,
});
const signedFile = v.strictObject({
  prosper: v.literal("signed-payout", "it is not signed: sign it first (prosper payout sign FILE)"),
  ...shared,
  source: v.string(),
  entries: v.array(
    v.strictObject({
      entryHash: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
      raw: v.pipe(v.string(), v.regex(/^([0-9a-f]{2})+$/)),
      count: v.pipe(v.number(), v.integer(), v.minValue(1)),
    }),
  ),
});
export type PreparedFile = v.InferOutput<typeof preparedFile>;
export type SignedFile = v.InferOutput<typeof signedFile>;

export function formatFile(file: PreparedFile | SignedFile): string {
  return `${json(file)}\n`;
}

/** Throws CodedError `payout-invalid`. */
export async function readPreparedFile(path: string): Promise<PreparedFile> {
  return read(path, preparedFile, "a payout file of `prosper payout prepare`");
}

/** Reads a signed payout and checks it. Throws CodedError `payout-invalid`. */
export async function readSignedFile(path: string): Promise<SignedFile> {
  const file = await read(path, signedFile, "a file of `prosper payout sign`");
  requireSigned(path, file);
  return file;
}

/**
 * Checks by its source's key that the entries pay exactly the lines. So nobody else is paid, whatever happened to the file on its way.
 * Throws CodedError `payout-invalid`, which names `path`.
 */
export function requireSigned(
  path: string,
  file: Pick<SignedFile, "lines" | "saltSeconds" | "source" | "entries">,
): void {
  const invalid = (why: string): CodedError => new CodedError("payout-invalid", `${path}: ${why}`);
  const payments: { address: string; amount: bigint }[] = [];
  for (const [i, { raw, entryHash: hash, count }] of file.entries.entries()) {
    const bytes = fromHex(raw);
    const entry = parseEntry(bytes);
    if (!entry.ok || entryHash(bytes) !== hash) throw invalid(`entry ${i + 1} is damaged`);
    const salt = new TextDecoder().decode(entry.entry.extIds[0]);
    const batch = parseFat2Batch(entry.entry, file.saltSeconds);
    if (!batch.ok) throw invalid(`entry ${i + 1} is no payment: ${batch.reason}`);
    if (salt !== String(file.saltSeconds)) throw invalid(`entry ${i + 1} was signed with another salt`);
    if (batch.batch.source !== file.source) throw invalid(`entry ${i + 1} pays from ${batch.batch.source}`);
    if (batch.batch.transactions.length !== count)
      throw invalid(`entry ${i + 1} does not have ${count} payments`);
    for (const { ticker, transfers, conversion } of batch.batch.transactions) {
      const [transfer, ...more] = transfers;
      if (ticker !== "PEG" || conversion !== undefined || transfer === undefined || more.length > 0)
        throw invalid(`entry ${i + 1} does more than pay PEG`);
      payments.push(transfer);
    }
  }
  const same =
    payments.length === file.lines.length &&
    payments.every((paid, i) => {
      const listed = file.lines[i];
      return paid.address === listed?.address && paid.amount === listed.amount;
    });
  if (!same) throw invalid("its entries do not pay what its lines list");
}

async function read<Schema extends v.GenericSchema>(
  path: string,
  schema: Schema,
  expected: string,
): Promise<v.InferOutput<Schema>> {
  const text = await readTextFile(path);
  if (text === undefined)
    throw new CodedError("payout-invalid", `expected ${expected}, got nothing at ${path}`);
  const parsed = parseJson(text);
  if (parsed === undefined)
    throw new CodedError("payout-invalid", `${path}: expected ${expected}, got text that is not JSON`);
  const result = v.safeParse(schema, parsed);
  if (result.success) return result.output;
  const [issue] = result.issues;
  const at = v.getDotPath(issue) ?? "the file";
  // The field that says what the file is: its message speaks of the whole.
  const where = at === "prosper" ? "" : `${at}: `;
  throw new CodedError("payout-invalid", `${path}: expected ${expected}; ${where}${issue.message}`);
}

/** True unless the file was edited: its id is made from its lines. */
export function isUntouched(file: PreparedFile | SignedFile): boolean {
  return file.id.startsWith(linesDigest(file.lines).slice(0, 16));
}
