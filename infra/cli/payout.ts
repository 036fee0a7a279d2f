/** `prosper payout pay`: sends a payout file as PEG transactions, never one of them twice, and writes the receipt. */

import { createHash } from "node:crypto";
import * as v from "valibot";
import { fromHex, toHex } from "../../shared/bytes.ts";
import type { Clock } from "../../shared/clock.ts";
import { CodedError } from "../../shared/errors.ts";
import { encodeAddress, requireAddress } from "../../shared/factom/address.ts";
import type { Factomd } from "../../shared/factom/client.ts";
import { signEntry } from "../../shared/factom/commit.ts";
import { type KeyPair, keyPairFromSeed } from "../../shared/factom/ed25519.ts";
import { encodeEntry, entryCost, parseEntry } from "../../shared/factom/entry.ts";
import { faAddressOf } from "../../shared/factom/fat2.ts";
import { formatPayoutLines, parsePayoutLines, planPayout } from "../../shared/factom/payout.ts";
import { readTextFile, writeFileDurably } from "../durable-file.ts";

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
}

export interface PayModules {
  readonly factomd: Factomd;
  readonly clock: Clock;
  /** A line for the operator. */
  readonly print: (line: string) => void;
}

/** What this program means to send, on disk before the first byte leaves, so that a rerun goes on instead of paying again. */
const INTENT = v.object({
  payFileSha256: v.string(),
  saltSeconds: v.number(),
  receipt: v.string(),
  entries: v.array(v.object({ entryHash: v.string(), raw: v.string(), sent: v.boolean(), txId: v.string() })),
});
type Intent = v.InferOutput<typeof INTENT>;

/** pegnetd takes an entry up to 12 hours from its salt; the last one must still get into a block. */
const SALT_SECONDS = 11 * 60 * 60;

/**
 * Pays. Throws CodedErrors: `payout-invalid`, `address-invalid`, `receipt-exists`, `payout-key`, `payout-credits`,
 * `payout-unfinished`, `payout-expired`, and those of the client; after the last kind a rerun resumes.
 */
export async function payCommand(options: PayOptions, modules: PayModules): Promise<void> {
  const intentFile = `${options.payFile}.sending.json`;
  const payText = await readTextFile(options.payFile);
  if (payText === undefined)
    throw new CodedError("payout-invalid", `expected a payout file, got nothing at ${options.payFile}`);
  const payFileSha256 = createHash("sha256").update(payText).digest("hex");
  const begun = await readIntent(intentFile);
  const isSame = begun?.payFileSha256 === payFileSha256;
  const isSent = begun?.entries.every((entry) => entry.sent) === true;
  if ((await readTextFile(options.receiptFile)) !== undefined)
    throw new CodedError(
      "receipt-exists",
      `${options.receiptFile} exists already: the receipt must be a new file (a payout is recorded once, with \`db record\`)`,
    );
  if (begun && !isSame && !isSent)
    throw new CodedError(
      "payout-unfinished",
      `an earlier payout of ${options.payFile} is not finished and the file has changed since: restore it, run this again, then pay the new one (state in ${intentFile})`,
    );
  const keys = readKeys(options);
  const intent = begun && isSame ? begun : plan(payText, payFileSha256, keys.signer, modules.clock);
  if (begun && isSame)
    modules.print(
      isSent
        ? "This file was sent before; writing its receipt again"
        : "Going on with the payout begun before",
    );
  await checkCredits(intent, keys.payer, modules);
  await writeFileDurably(intentFile, JSON.stringify(intent));
  await sendAll(intent, intentFile, keys.payer, modules);
  await writeFileDurably(options.receiptFile, intent.receipt);
  modules.print("Payment submitted to the network");
  for (const entry of intent.entries) {
    modules.print(`EntryHash: ${entry.entryHash}`);
    if (entry.txId !== "") modules.print(`   Commit: ${entry.txId}`);
  }
}

async function readIntent(file: string): Promise<Intent | undefined> {
  const text = await readTextFile(file);
  return text === undefined ? undefined : v.parse(INTENT, JSON.parse(text));
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

function plan(payText: string, payFileSha256: string, signer: KeyPair, clock: Clock): Intent {
  const saltSeconds = Math.floor(clock.wallMs() / 1000);
  const planned = planPayout({ lines: parsePayoutLines(payText), signer, saltSeconds });
  const entries = planned.entries.map(({ entry, entryHash }) => ({
    entryHash,
    raw: toHex(encodeEntry(entry)),
    sent: false,
    txId: "",
  }));
  return { payFileSha256, saltSeconds, receipt: formatPayoutLines(planned.receipt), entries };
}

/** factomd takes unpaid commits without a word and drops them, so the balance is looked at first. */
async function checkCredits(intent: Intent, payer: KeyPair, modules: PayModules): Promise<void> {
  const unsent = intent.entries.filter((entry) => !entry.sent);
  const needed = unsent.reduce((sum, entry) => sum + entryCost(entry.raw.length / 2), 0);
  const address = encodeAddress("EC", payer.publicKey);
  const balance = needed === 0 ? 0 : await modules.factomd.entryCreditBalance(address);
  if (balance < needed)
    throw new CodedError(
      "payout-credits",
      `expected ${needed} entry credits on ${address}, got ${balance}: buy some`,
    );
}

/** Sends what is not on the chain yet, and notes each step on disk. */
async function sendAll(
  intent: Intent,
  intentFile: string,
  payer: KeyPair,
  modules: PayModules,
): Promise<void> {
  for (const entry of intent.entries) {
    if (entry.sent) continue;
    if (!(await isKnown(entry.entryHash, modules.factomd))) {
      checkSalt(intent, intentFile, modules.clock);
      entry.txId = await send(entry.raw, payer, modules);
    }
    entry.sent = true;
    await writeFileDurably(intentFile, JSON.stringify(intent));
  }
}

async function isKnown(entryHash: string, factomd: Factomd): Promise<boolean> {
  return (await factomd.entry(entryHash)) !== undefined;
}

function checkSalt(intent: Intent, intentFile: string, clock: Clock): void {
  const age = clock.wallMs() / 1000 - intent.saltSeconds;
  if (age > SALT_SECONDS)
    throw new CodedError(
      "payout-expired",
      `this payout was signed ${Math.round(age / 3600)} hours ago and its entries are not on the chain: 12 hours after signing they can no longer be executed; when 13 hours have passed, remove ${intentFile} and run this again`,
    );
}

/** Commits anew (an old commit may have lapsed; a live one answers "repeated") and reveals. The entry stays the same. */
async function send(rawHex: string, payer: KeyPair, modules: PayModules): Promise<string> {
  const raw = fromHex(rawHex);
  const parsed = parseEntry(raw);
  if (!parsed.ok)
    throw new CodedError("payout-invalid", "the state file is damaged: its entry does not parse");
  const signed = signEntry({ entry: parsed.entry, payer, timestampMs: modules.clock.wallMs() });
  await modules.factomd.commitEntry(signed.commit);
  await modules.factomd.revealEntry(signed.reveal);
  return signed.txId;
}
