/** The two messages that put an entry on Factom: a signed commit that pays for it, then the reveal, its raw bytes. */

import { concat, fromHex, toHex, u64ToBytes } from "../bytes.ts";
import { sha256, sha256Hex } from "../sha256.ts";
import { type KeyPair, verifySignature } from "./ed25519.ts";
import { type Entry, encodeEntry, entryCost, entryHash } from "./entry.ts";

/** What goes to `commit-entry` and `reveal-entry`, and the names it will be known by. */
export interface SignedEntry {
  /** Hex. */
  readonly entryHash: string;
  /** sha256 of the signed part of the commit, hex. */
  readonly txId: string;
  readonly commit: Uint8Array;
  readonly reveal: Uint8Array;
}

export interface Commit {
  readonly timestampMs: number;
  /** Hex. */
  readonly entryHash: string;
  readonly credits: number;
  /** Payload of the EC address that pays. */
  readonly publicKey: Uint8Array;
  readonly txId: string;
}

export type ParsedCommit =
  | { readonly ok: true; readonly commit: Commit }
  | { readonly ok: false; readonly reason: "length" | "version" | "credits" | "signature" };

/** Version, six bytes of milliseconds, entry hash, credits: what is signed. Then public key and signature. */
const COMMIT_SIGNED_BYTES = 40;
const COMMIT_BYTES = COMMIT_SIGNED_BYTES + 32 + 64;

export interface SignEntryOptions {
  readonly entry: Entry;
  /** Key pair of the Es address that pays. */
  readonly payer: KeyPair;
  /** Wall time of the commit. A second commit of the same entry needs another one. */
  readonly timestampMs: number;
  /** True makes the `commit-chain` form for a chain's first entry. */
  readonly newChain?: boolean;
}

/** Builds commit and reveal. Throws CodedError `entry-too-large` for more than 10 KiB. */
export function signEntry(options: SignEntryOptions): SignedEntry {
  const reveal = encodeEntry(options.entry);
  const hash = entryHash(reveal);
  const chain = options.newChain ? chainPart(options.entry.chainId, hash) : new Uint8Array();
  const signed = concat(
    Uint8Array.of(0),
    u64ToBytes(BigInt(options.timestampMs)).subarray(2),
    chain,
    fromHex(hash),
    Uint8Array.of(entryCost(reveal.length, options.newChain)),
  );
  const commit = concat(signed, options.payer.publicKey, options.payer.sign(signed));
  return { entryHash: hash, txId: sha256Hex(signed), commit, reveal };
}

/** Reads and verifies the message of a `commit-entry`. */
export function parseCommit(message: Uint8Array): ParsedCommit {
  if (message.length !== COMMIT_BYTES) return { ok: false, reason: "length" };
  if (message[0] !== 0) return { ok: false, reason: "version" };
  const signed = message.subarray(0, COMMIT_SIGNED_BYTES);
  const credits = signed[39] ?? 0;
  // An entry has at most 10 KiB, and a new chain ten credits more.
  if (credits < 1 || credits > 20) return { ok: false, reason: "credits" };
  const publicKey = message.subarray(COMMIT_SIGNED_BYTES, COMMIT_SIGNED_BYTES + 32);
  if (!verifySignature(publicKey, signed, message.subarray(COMMIT_SIGNED_BYTES + 32)))
    return { ok: false, reason: "signature" };
  const timestampMs = Number.parseInt(toHex(signed.subarray(1, 7)), 16);
  const entry = toHex(signed.subarray(7, 39));
  return {
    ok: true,
    commit: { timestampMs, entryHash: entry, credits, publicKey, txId: sha256Hex(signed) },
  };
}

/** The hash of the chain id, and Factom's weld: a hash of entry and chain id, so that nobody else can take the chain. */
function chainPart(chainId: string, hash: string): Uint8Array {
  const id = fromHex(chainId);
  return concat(sha256d(id), sha256d(concat(fromHex(hash), id)));
}

const sha256d = (bytes: Uint8Array): Uint8Array => sha256(sha256(bytes));
