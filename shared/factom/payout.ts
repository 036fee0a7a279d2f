/** The files of a payout, in the shape of prosper-pool's `accounting.Paid`, and the entries that pay them. Pure. */

import { CodedError } from "../errors.ts";
import { arrayElements, compactJson, isJson, objectMembers } from "../json-source.ts";
import type { KeyPair } from "./ed25519.ts";
import { type Entry, encodeEntry, entryCost, entryHash } from "./entry.ts";
import { faAddressOf, signPegBatch, splitPegPayments } from "./fat2.ts";

/** One user's payment, as `db payout` lists and `db record` books it. Amounts in 1e-8 PEG. */
export interface PayoutLine {
  /** Empty until it is sent. */
  readonly entryHash: string;
  readonly userId: string;
  readonly payoutAddress: string;
  readonly paymentAmount: bigint;
  readonly totalOwed: bigint;
  readonly totalPaid: bigint;
}

/** An entry that pays some of the lines. */
export interface PayoutEntry {
  readonly entry: Entry;
  readonly entryHash: string;
  /** What its commit costs, in entry credits. */
  readonly credits: number;
}

export interface PayoutPlan {
  readonly entries: readonly PayoutEntry[];
  /** The lines in their order, each with the hash of the entry that pays it. */
  readonly receipt: readonly PayoutLine[];
}

const invalid = (message: string, data: Record<string, unknown> = {}): CodedError =>
  new CodedError("payout-invalid", message, { data });

/** Reads a payout file or receipt. Throws CodedError `payout-invalid`, naming the line. Unknown fields are ignored. */
export function parsePayoutLines(text: string): readonly PayoutLine[] {
  if (!isJson(text)) throw invalid("expected a payout file, got text that is not JSON");
  const compact = compactJson(text);
  const elements = compact === "null" ? [] : arrayElements(text);
  if (elements === undefined) throw invalid(`expected a JSON list of payments, got ${compact.slice(0, 40)}`);
  return elements.map(parseLine);
}

function parseLine(raw: string, index: number): PayoutLine {
  const what = `payment ${index + 1}`;
  const fields = new Map(objectMembers(raw) ?? []);
  const textOf = (name: string): string => {
    const value: unknown = JSON.parse(fields.get(name) ?? '""');
    if (typeof value === "string") return value;
    throw invalid(`${what}: expected a text as ${name}, got ${compactJson(fields.get(name) ?? "")}`);
  };
  const amountOf = (name: string): bigint => {
    const digits = fields.get(name) ?? "0";
    if (!/^-?\d{1,19}$/.test(digits))
      throw invalid(`${what}: expected a whole number as ${name}, got ${compactJson(digits)}`);
    return BigInt(digits);
  };
  return {
    entryHash: textOf("EntryHash"),
    userId: textOf("UserID"),
    payoutAddress: textOf("PayoutAddress"),
    paymentAmount: amountOf("PaymentAmount"),
    totalOwed: amountOf("TotalOwed"),
    totalPaid: amountOf("TotalPaid"),
  };
}

/** The file's text, byte for byte as the reference writes it, except `<`, `>` and `&`, which Go escapes. */
export function formatPayoutLines(lines: readonly PayoutLine[]): string {
  const texts = lines.map((line) => {
    const names = [line.entryHash, line.userId, line.payoutAddress].map((text) => JSON.stringify(text));
    const [hash, user, address] = names;
    const amounts = `"PaymentAmount":${line.paymentAmount},"TotalOwed":${line.totalOwed},"TotalPaid":${line.totalPaid}`;
    return `{"EntryHash":${hash},"UserID":${user},"PayoutAddress":${address},${amounts}}`;
  });
  return `[${texts.join(",")}]`;
}

export interface PlanPayoutOptions {
  readonly lines: readonly PayoutLine[];
  /** Key pair of the pool's Fs address, which pays. */
  readonly signer: KeyPair;
  /** Unix time. The same lines, key and salt give the same entries, so a plan can be made again. */
  readonly saltSeconds: number;
}

/** Signs the entries that pay the lines, in their order. Throws CodedError `payout-invalid` before anything is sent. */
export function planPayout({ lines, signer, saltSeconds }: PlanPayoutOptions): PayoutPlan {
  if (lines.length === 0) throw invalid("expected at least one payment, got none: nothing is owed");
  const paid = lines.find((line) => line.entryHash !== "");
  if (paid)
    throw invalid(
      `${paid.userId} was paid by ${paid.entryHash} already: this is a receipt, not a payout file`,
    );
  const payments = lines.map((line) => ({ address: line.payoutAddress, amount: line.paymentAmount }));
  const entries = splitPegPayments(faAddressOf(signer), payments, saltSeconds).map((batch) => {
    const entry = signPegBatch(signer, batch, saltSeconds);
    const raw = encodeEntry(entry);
    return { entry, entryHash: entryHash(raw), credits: entryCost(raw.length), count: batch.length };
  });
  const hashes = entries.flatMap((one) => Array.from({ length: one.count }, () => one.entryHash));
  const receipt = lines.map((line, i) => ({ ...line, entryHash: hashes[i] ?? "" }));
  return { entries: entries.map(({ count: _, ...entry }) => entry), receipt };
}
