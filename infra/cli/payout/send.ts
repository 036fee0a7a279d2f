/** `prosper payout send`: puts a signed payout on record, then on the chain, each entry once however often it is run or killed. */

import { linesDigest, SEND_WITHIN_SECONDS } from "../../../shared/accounting/payout-batch.ts";
import { fromHex } from "../../../shared/bytes.ts";
import type { Clock } from "../../../shared/clock.ts";
import { counted } from "../../../shared/counted.ts";
import type { Approvals } from "../../../shared/db/payout-approvals.ts";
import {
  findByDigest,
  markRevealed,
  type PayoutBatch,
  type PayoutEntryRow,
  readEntries,
} from "../../../shared/db/payout-batches.ts";
import { type Intent, recordIntent } from "../../../shared/db/payout-intents.ts";
import type { Db } from "../../../shared/db/port.ts";
import { formatPeg } from "../../../shared/decimal.ts";
import { CodedError } from "../../../shared/errors.ts";
import { encodeAddress } from "../../../shared/factom/address.ts";
import type { Factomd } from "../../../shared/factom/client.ts";
import { signEntry } from "../../../shared/factom/commit.ts";
import type { KeyPair } from "../../../shared/factom/ed25519.ts";
import { entryCost, parseEntry, TRANSACTION_CHAIN } from "../../../shared/factom/entry.ts";
import type { Pegnetd } from "../../../shared/factom/pegnetd.ts";
import type { Print } from "../output.ts";
import { readSignedFile } from "./files.ts";
import { replacedText } from "./prepare.ts";

export interface ChainModules {
  readonly factomd: Factomd;
  readonly clock: Clock;
}

export interface SendModules extends ChainModules {
  readonly db: Db;
  /** Where there is one, it is asked whether the source can pay. */
  readonly pegnetd?: Pegnetd;
  /** Rejects where the chain has payments by this address that the books do not know (`requireNothingUnbooked`). */
  readonly compare: (source: string) => Promise<void>;
  readonly print: Print;
}

/**
 * Throws CodedErrors `payout-invalid`, `payout-refused`, `payout-credits`, `payout-funds`, `payout-expired`, what `compare` does, and those of
 * the clients.
 */
export async function sendCommand(
  options: {
    readonly file: string;
    readonly payer: KeyPair;
    readonly byHand?: boolean;
    readonly approvalsNeeded?: number;
  },
  modules: SendModules,
): Promise<void> {
  const { id, lines, saltSeconds, source, entries } = await readSignedFile(options.file);
  const { byHand = false, approvalsNeeded } = options;
  const intent = { digest: linesDigest(lines), lines, saltSeconds, source, entries, byHand, approvalsNeeded };
  const batch = await intendAndSend(intent, options.payer, modules);
  modules.print(
    `Payout ${id}: everything is sent, in ${counted(entries.length, "entry", "entries")}. Book it after the next block: prosper payout confirm ${batch.id}`,
    { event: "sent", id: batch.id, entries: entries.map(({ entryHash }) => entryHash) },
  );
}

/** What a person is asked before the money leaves. Throws CodedError `payout-invalid`. */
export async function sendQuestion(file: string): Promise<string> {
  const { id, lines, source } = await readSignedFile(file);
  const total = lines.reduce((sum, { amount }) => sum + amount, 0n);
  return `Send payout ${id}, ${formatPeg(total)} PEG from ${source} to ${counted(lines.length, "user")}? It cannot be taken back.`;
}

/** Records what is to be sent, then sends what the chain does not have yet. */
export async function intendAndSend(
  intent: Intent,
  payer: KeyPair,
  modules: SendModules,
): Promise<PayoutBatch> {
  await modules.compare(intent.source);
  const batch = await putOnRecord(intent, payer, modules);
  await resumeSending(batch, payer, modules);
  return batch;
}

/** Goes on with a payout that is on record as sent, from the record alone: what the chain does not have is sent again. */
export async function resumeSending(
  batch: PayoutBatch,
  payer: KeyPair,
  modules: Pick<SendModules, "db" | "factomd" | "clock">,
): Promise<void> {
  const entries = await readEntries(modules.db, batch.id);
  // Also those revealed before: a node may have lost them, and a commit that is not paid has no effect.
  const open = entries.filter(({ state }) => state === "intended" || state === "revealed");
  await sendEntries(open, batch.saltSeconds, payer, {
    ...modules,
    onRevealed: (hash, txId) => markRevealed(modules.db, hash, txId),
  });
}

async function putOnRecord(intent: Intent, payer: KeyPair, modules: SendModules): Promise<PayoutBatch> {
  const known = await findByDigest(modules.db, intent.digest);
  if (known === undefined || known.state === "prepared" || known.state === "replaced") {
    const total = intent.lines.reduce((sum, { amount }) => sum + amount, 0n);
    await checkCredits(intent.entries, payer, modules);
    await checkFunds(intent.source, total, modules);
  }
  const outcome = await recordIntent(modules.db, intent);
  const refused = (why: string): CodedError => new CodedError("payout-refused", `nothing was sent: ${why}`);
  switch (outcome.kind) {
    case "intended":
      if (outcome.replaced !== undefined)
        modules.print(replacedText(outcome.replaced), { event: "replaced", ...outcome.replaced });
      return outcome.batch;
    case "not-prepared":
      throw refused(
        "the pool has prepared no list of just these users, addresses and amounts: prepare a new one and leave it as it is. If you never touched it, somebody else did. A list written by hand needs --by-hand",
      );
    case "other-address":
      throw refused(
        `${outcome.user} is to be paid at ${outcome.address}, but the account's address is ${outcome.own || "not set"}: a list by hand pays each user's own`,
      );
    case "other-salt":
      throw refused("the payout was prepared again since this was signed: sign the new file");
    case "too-old":
      throw refused("another list has taken the place of this one long ago: prepare again");
    case "other-entries":
      throw refused(
        "this payout is on its way by other entries (another key?): send the file that was signed first",
      );
    case "unapproved":
      throw refused(unapprovedText(outcome));
    case "unpayable":
      throw refused(
        `${outcome.user} is to get ${formatPeg(outcome.amount)} PEG, but ${formatPeg(outcome.payable)} is owed and not on its way: prepare again`,
      );
  }
}

/** What is missing, and where it is given. */
export function unapprovedText({ needed, by }: Approvals): string {
  const so = by.length === 0 ? "nobody has so far" : `so far ${by.join(", ")}`;
  return `${needed} people must agree to a payout here (pool.twoadministrators), ${so}: an administrator who has not agreed yet does it on the page /admin/payday. A list by hand cannot be agreed to`;
}

type ToSend = Pick<PayoutEntryRow, "entryHash" | "raw">;

/**
 * Sends each entry unless the chain has it. Calls `onRevealed` for each entry that the chain has now ("" for
 * a commit of an earlier run).
 */
export async function sendEntries(
  entries: readonly ToSend[],
  saltSeconds: number,
  payer: KeyPair,
  modules: ChainModules & { readonly onRevealed: (entryHash: string, txId: string) => Promise<void> },
): Promise<void> {
  for (const { entryHash, raw } of entries) {
    const isThere = await isOnChain(entryHash, modules.factomd);
    if (!isThere) checkSalt(saltSeconds, modules.clock);
    await modules.onRevealed(entryHash, isThere ? "" : await send(raw, payer, modules));
  }
}

/** In a block, or on its way into one. */
export async function isOnChain(entryHash: string, factomd: Factomd): Promise<boolean> {
  const { entry } = await factomd.ack(entryHash, TRANSACTION_CHAIN);
  if (entry === "DBlockConfirmed" || entry === "TransactionACK") return true;
  // A node that was restarted may have lost the acknowledgement of an entry that it has.
  return (await factomd.entry(entryHash)) !== undefined;
}

function checkSalt(saltSeconds: number, clock: Clock): void {
  const age = clock.wallMs() / 1000 - saltSeconds;
  if (age <= SEND_WITHIN_SECONDS) return;
  throw new CodedError(
    "payout-expired",
    `this payout was made ${Math.round(age / 3600)} hours ago and its entries are not all on the chain: 12 hours after that they can no longer be executed; when 13 hours have passed, \`prosper payout confirm\` gives it up, and what is left is owed again`,
  );
}

/**
 * Commits again, then reveals. An old commit may have lapsed; for one still held the answer is "repeated".
 * The entry stays the same.
 */
async function send(rawHex: string, payer: KeyPair, modules: ChainModules): Promise<string> {
  const parsed = parseEntry(fromHex(rawHex));
  if (!parsed.ok)
    throw new CodedError("payout-invalid", "the record of this payout is damaged: its entry does not parse");
  const signed = signEntry({ entry: parsed.entry, payer, timestampMs: modules.clock.wallMs() });
  await modules.factomd.commitEntry(signed.commit);
  await modules.factomd.revealEntry(signed.reveal);
  return signed.txId;
}

/** factomd takes unpaid commits without a word and drops them, so the balance is looked at first. */
export async function checkCredits(
  entries: readonly { readonly raw: string }[],
  payer: KeyPair,
  modules: Pick<ChainModules, "factomd">,
): Promise<void> {
  const needed = entries.reduce((sum, entry) => sum + entryCost(entry.raw.length / 2), 0);
  const address = encodeAddress("EC", payer.publicKey);
  const balance = needed === 0 ? 0 : await modules.factomd.entryCreditBalance(address);
  if (balance < needed)
    throw new CodedError(
      "payout-credits",
      `expected ${needed} entry credits on ${address}, got ${balance}: buy some`,
    );
}

/** pegnetd refuses an entry that is not covered, but its entry credits are spent. */
async function checkFunds(source: string, total: bigint, { pegnetd }: SendModules): Promise<void> {
  const balance = await pegnetd?.roughPegBalance(source);
  // Within the precision of doubles: a balance below this is certainly too small.
  if (balance === undefined || balance >= Number(total) * (1 - 1e-9)) return;
  throw new CodedError(
    "payout-funds",
    `expected ${formatPeg(total)} PEG on ${source}, got about ${formatPeg(BigInt(Math.floor(balance)))}: nothing was sent`,
  );
}
