/**
 * `prosper payout pay`: signs and sends a payout file of `db payout` in one go, and writes the receipt for
 * `db record`. It never sends one of the file's payments twice. This is the reference's payout command, made
 * from prepare, sign, send and confirm (payout/).
 */

import * as v from "valibot";
import { type BatchLine, linesDigest, SEND_WITHIN_SECONDS } from "../../../shared/accounting/payout-batch.ts";
import { isPayoutOf } from "../../../shared/accounting/payout-signature.ts";
import { toHex } from "../../../shared/bytes.ts";
import {
  findByDigest,
  isOnRecord,
  readEntries,
  readLines,
  renewSalt,
} from "../../../shared/db/payout-batches.ts";
import type { Db } from "../../../shared/db/port.ts";
import { CodedError } from "../../../shared/errors.ts";
import { encodeAddress, requireAddress } from "../../../shared/factom/address.ts";
import { type KeyPair, keyPairFromSeed } from "../../../shared/factom/ed25519.ts";
import { encodeEntry } from "../../../shared/factom/entry.ts";
import { faAddressOf } from "../../../shared/factom/fat2.ts";
import {
  formatPayoutLines,
  type PayoutLine,
  parsePayoutLines,
  planPayout,
} from "../../../shared/factom/payout.ts";
import type { Pegnetd } from "../../../shared/factom/pegnetd.ts";
import { sha256Hex } from "../../../shared/sha256.ts";
import { readTextFile, writeFileDurably } from "../../durable-file.ts";
import { toBatchLine } from "./lines.ts";
import { readListSignature } from "./list-signature.ts";
import { type Memory, readMemory, remember, writeMemory } from "./memory.ts";
import { trustedPoolKey } from "./pool-key.ts";
import { confirmByPerson, type ReviewModules } from "./review.ts";
import { type ChainModules, checkCredits, intendAndSend, sendEntries } from "./send.ts";

export interface PayOptions {
  /** Written by `db payout`. */
  readonly payFile: string;
  /** Must not exist yet. */
  readonly receiptFile: string;
  /** The pool's Fs key: its address pays the PEG. */
  readonly sourceSecret: string;
  /** An Es key: its address pays the entry credits. */
  readonly creditSecret: string;
  /** Where given, the FA and EC addresses that the keys must belong to. */
  readonly source?: string;
  readonly credit?: string;
  /** Where this machine keeps its memory. */
  readonly folder: string;
  /** The list was written or changed by hand. */
  readonly byHand?: boolean | undefined;
  /** How many must have agreed to it. */
  readonly approvalsNeeded?: number | undefined;
  /** The pool's public key, where it is given now; asked for without a database only. */
  readonly poolKey?: string | undefined;
  /** The keys of a pool on this machine. */
  readonly own?: KeyPair | undefined;
}

export interface PayModules extends ChainModules, ReviewModules {
  /**
   * Keeps on record what is about to be sent, so that no other file pays it again. Without it (a machine that
   * does not reach the database), the record is a file beside the payout file, as in the reference.
   */
  readonly db?: Db | undefined;
  readonly pegnetd?: Pegnetd;
  /** See SendModules; without a database there is nothing to compare with. */
  readonly compare: (source: string) => Promise<void>;
}

interface SentEntry {
  readonly entryHash: string;
  readonly txId: string;
}

/**
 * Pays. Throws CodedErrors: `payout-invalid`, `address-invalid`, `receipt-exists`, `payout-key`,
 * `payout-credits`, `payout-funds`, `payout-refused`, `payout-unfinished`, `payout-expired`,
 * `payout-declined`, `unasked`, `payout-memory`, and those of the client. After an error of the
 * client, running it again goes on.
 */
export async function payCommand(options: PayOptions, modules: PayModules): Promise<void> {
  const payText = await readTextFile(options.payFile);
  if (payText === undefined)
    throw new CodedError("payout-invalid", `expected a payout file, got nothing at ${options.payFile}`);
  if ((await readTextFile(options.receiptFile)) !== undefined)
    throw new CodedError(
      "receipt-exists",
      `${options.receiptFile} exists already: the receipt must be a new file (a payout is recorded once, with \`db record\`)`,
    );
  const { db } = modules;
  const { approvalsNeeded = 0 } = options;
  if (db === undefined && approvalsNeeded > 0)
    throw new CodedError(
      "payout-refused",
      "nothing was sent: two people must agree to a payout here (pool.twoadministrators), which only the database tells: run this without --without-database",
    );
  const { receipt, entries } =
    db === undefined
      ? await payByFile(payText, options, modules)
      : await payByRecord(payText, options, { ...modules, db });
  await writeFileDurably(options.receiptFile, receipt);
  modules.print("Payment submitted to the network", { event: "paid", receipt: options.receiptFile });
  for (const entry of entries) {
    modules.print(`EntryHash: ${entry.entryHash}`, { event: "entry", ...sentFacts(entry) });
    if (entry.txId !== "") modules.print(`   Commit: ${entry.txId}`, { event: "commit", txId: entry.txId });
  }
}

function sentFacts({ entryHash, txId }: SentEntry): Readonly<Record<string, unknown>> {
  return txId === "" ? { entryHash } : { entryHash, txId };
}

interface Sent {
  readonly receipt: string;
  readonly entries: readonly SentEntry[];
}

async function payByRecord(
  payText: string,
  options: PayOptions,
  modules: PayModules & { readonly db: Db },
): Promise<Sent> {
  const { db } = modules;
  const lines = parsePayoutLines(payText);
  const keys = readKeys(options);
  const batchLines = lines.filter((line) => line.paymentAmount !== 0n).map(toBatchLine);
  const digest = linesDigest(batchLines);
  const saltSeconds = await saltOf(digest, modules);
  const planned = plan(
    lines.filter((line) => line.paymentAmount !== 0n),
    saltSeconds,
    keys.signer,
  );
  checkUsers(lines);
  const source = faAddressOf(keys.signer);
  const { byHand = false } = options;
  // Checked before anybody is asked: a person must be shown what the pool prepared.
  if (!byHand && !(await isOnRecord(db, digest))) throw notPrepared(options.payFile);
  await askOnce(digest, batchLines, source, options, modules);
  const { approvalsNeeded } = options;
  const intent = {
    ...{ digest, saltSeconds, source, byHand, approvalsNeeded },
    ...{ lines: batchLines, entries: planned.entries },
  };
  const batch = await intendAndSend(intent, keys.payer, modules);
  const entries = await readEntries(db, batch.id);
  const hashOf = new Map(
    (await readLines(db, batch.id)).map((line) => [line.user, entries[line.entry ?? 0]?.entryHash ?? ""]),
  );
  const receipt = lines.map((line) => ({
    ...line,
    entryHash: hashOf.get(line.userId) ?? entries[0]?.entryHash ?? "",
  }));
  return { receipt: formatPayoutLines(receipt), entries };
}

/** Not again for a payout that goes on: a person has said yes to it. */
async function askOnce(
  digest: string,
  lines: readonly BatchLine[],
  source: string,
  { folder }: PayOptions,
  modules: PayModules & { readonly db: Db },
): Promise<void> {
  const known = await findByDigest(modules.db, digest);
  if (known?.state === "sending" || known?.state === "done") return;
  const memory = await readMemory(folder);
  modules.print(`Paid from ${source}:`);
  await confirmByPerson("Pay this?", lines, memory.paidAt, modules);
  await writeMemory(folder, remember(memory, lines));
}

function notPrepared(payFile: string): CodedError {
  return new CodedError(
    "payout-refused",
    `nothing was sent: ${payFile} is not a list that the pool has prepared: take what \`prosper db payout\` writes and leave it as it is. If you never touched it, somebody else did. A list written by hand needs --by-hand`,
  );
}

/**
 * The salt on record, so that the same entries are made again. Where nothing was sent and that salt is too
 * old for sending, a new one.
 */
async function saltOf(
  digest: string,
  { db, clock, print }: Pick<PayModules, "clock" | "print"> & { readonly db: Db },
): Promise<number> {
  const nowSeconds = Math.floor(clock.wallMs() / 1000);
  const known = await findByDigest(db, digest);
  if (known === undefined) return nowSeconds;
  if (known.state !== "prepared" && known.state !== "replaced") {
    print("Going on with the payout begun before: nothing is paid twice");
    return known.saltSeconds;
  }
  if (nowSeconds - known.saltSeconds < SEND_WITHIN_SECONDS) return known.saltSeconds;
  return (await renewSalt(db, known, nowSeconds)) ? nowSeconds : saltOf(digest, { db, clock, print });
}

/** Checks that each user is named once, as in what is on record. */
function checkUsers(lines: readonly PayoutLine[]): void {
  const seen = new Set<string>();
  for (const { userId } of lines) {
    if (seen.has(userId))
      throw new CodedError("payout-invalid", `expected each user once, got ${userId} twice`);
    seen.add(userId);
  }
}

interface Planned {
  readonly receipt: readonly PayoutLine[];
  readonly entries: readonly { readonly entryHash: string; readonly raw: string; readonly count: number }[];
}

function plan(lines: readonly PayoutLine[], saltSeconds: number, signer: KeyPair): Planned {
  const { entries, receipt } = planPayout({ lines, signer, saltSeconds });
  return {
    receipt,
    entries: entries.map(({ entry, entryHash }) => ({
      entryHash,
      raw: toHex(encodeEntry(entry)),
      count: receipt.filter((line) => line.entryHash === entryHash).length,
    })),
  };
}

function readKeys(options: PayOptions): { readonly signer: KeyPair; readonly payer: KeyPair } {
  if (options.source !== undefined) requireAddress("FA", options.source);
  const signer = keyPairFromSeed(requireAddress("Fs", options.sourceSecret));
  if (options.credit !== undefined) requireAddress("EC", options.credit);
  const payer = keyPairFromSeed(requireAddress("Es", options.creditSecret));
  const pairs = [
    [options.source, faAddressOf(signer)],
    [options.credit, encodeAddress("EC", payer.publicKey)],
  ];
  for (const [wanted, got] of pairs)
    if (wanted !== undefined && wanted !== got)
      throw new CodedError("payout-key", `expected the secret key of ${wanted}, got that of ${got}`);
  return { signer, payer };
}

/** What this program means to send, on disk before the first byte leaves, so that a rerun goes on instead of paying again. */
const INTENT = v.object({
  payFileSha256: v.string(),
  saltSeconds: v.number(),
  receipt: v.string(),
  entries: v.array(v.object({ entryHash: v.string(), raw: v.string(), sent: v.boolean(), txId: v.string() })),
});
type FileIntent = v.InferOutput<typeof INTENT>;

async function payByFile(payText: string, options: PayOptions, modules: PayModules): Promise<Sent> {
  const intentFile = `${options.payFile}.sending.json`;
  const payFileSha256 = sha256Hex(payText);
  const begun = await readIntent(intentFile);
  const isSame = begun?.payFileSha256 === payFileSha256;
  const isSent = begun?.entries.every((entry) => entry.sent) === true;
  if (begun && !isSame && !isSent)
    throw new CodedError(
      "payout-unfinished",
      `an earlier payout of ${options.payFile} is not finished and the file has changed since: restore it, run this again, then pay the new one (state in ${intentFile})`,
    );
  const keys = readKeys(options);
  const intent =
    begun && isSame ? begun : await newIntent(payText, payFileSha256, keys.signer, options, modules);
  if (begun && isSame)
    modules.print(
      isSent
        ? "This file was sent before; writing its receipt again"
        : "Going on with the payout begun before",
    );
  const unsent = intent.entries.filter((entry) => !entry.sent);
  await checkCredits(unsent, keys.payer, modules);
  await writeFileDurably(intentFile, JSON.stringify(intent));
  await sendEntries(unsent, intent.saltSeconds, keys.payer, {
    ...modules,
    onRevealed: async (hash, txId) => {
      for (const entry of intent.entries)
        if (entry.entryHash === hash) Object.assign(entry, { sent: true, txId });
      await writeFileDurably(intentFile, JSON.stringify(intent));
    },
  });
  return intent;
}

async function readIntent(file: string): Promise<FileIntent | undefined> {
  const text = await readTextFile(file);
  return text === undefined ? undefined : v.parse(INTENT, JSON.parse(text));
}

async function newIntent(
  payText: string,
  payFileSha256: string,
  signer: KeyPair,
  options: PayOptions,
  modules: PayModules,
): Promise<FileIntent> {
  const lines = parsePayoutLines(payText);
  const memory = await readMemory(options.folder);
  const trusted = await trustedSalt(lines, memory, options);
  const saltSeconds = trusted?.saltSeconds ?? Math.floor(modules.clock.wallMs() / 1000);
  const { entries, receipt } = plan(lines, saltSeconds, signer);
  const moved = lines.map(toBatchLine);
  modules.print(`Paid from ${faAddressOf(signer)}:`);
  await confirmByPerson("Pay this?", moved, memory.paidAt, modules);
  await writeMemory(options.folder, remember({ ...memory, ...trusted?.memory }, moved));
  return {
    payFileSha256,
    saltSeconds,
    receipt: formatPayoutLines(receipt),
    entries: entries.map(({ entryHash, raw }) => ({ entryHash, raw, sent: false, txId: "" })),
  };
}

/**
 * The salt that the pool has signed with the list, under which the same list is the same payment whatever its file is called; undefined
 * for a list by hand. Throws CodedErrors `payout-refused`, `payout-invalid`, `payout-key`.
 */
async function trustedSalt(
  lines: readonly PayoutLine[],
  memory: Memory,
  options: PayOptions,
): Promise<{ readonly saltSeconds: number; readonly memory: { readonly poolKey: string } } | undefined> {
  if (options.byHand === true) return undefined;
  const { payFile, folder, own } = options;
  const signed = await readListSignature(payFile);
  if (signed === undefined) throw notPrepared(payFile);
  const poolKey = trustedPoolKey(options.poolKey, { memory, folder, own });
  const { saltSeconds } = signed;
  const list = { saltSeconds, lines: lines.map(toBatchLine) };
  if (!isPayoutOf(poolKey, list, signed.signature)) throw notPrepared(payFile);
  return { saltSeconds, memory: { poolKey } };
}
