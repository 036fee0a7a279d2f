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
  /** Of a commit that pays for a new chain: what only its first entry and its id make. Hex. */
  readonly chain?: ChainCommit;
}

export interface ChainCommit {
  readonly idHash: string;
  readonly weld: string;
}

export type ParsedCommit =
  | { readonly ok: true; readonly commit: Commit }
  | { readonly ok: false; readonly reason: "length" | "version" | "credits" | "signature" };

/** Version, six bytes of milliseconds, entry hash, credits: what is signed. Then public key and signature. */
const COMMIT_SIGNED_BYTES = 40;
/** A new chain's has two hashes more, before the entry's. */
const CHAIN_PART_BYTES = 64;
const KEY_AND_SIGNATURE_BYTES = 32 + 64;
const HASH_BYTES = 32;

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
  return parseMessage(message, 0);
}

/** Reads and verifies the message of a `commit-chain`. Whether it welds an entry to its chain shows `isCommitOf`. */
export function parseChainCommit(message: Uint8Array): ParsedCommit {
  return parseMessage(message, CHAIN_PART_BYTES);
}

function parseMessage(message: Uint8Array, chainBytes: number): ParsedCommit {
  const signedBytes = COMMIT_SIGNED_BYTES + chainBytes;
  if (message.length !== signedBytes + KEY_AND_SIGNATURE_BYTES) return { ok: false, reason: "length" };
  if (message[0] !== 0) return { ok: false, reason: "version" };
  const signed = message.subarray(0, signedBytes);
  const credits = signed[signedBytes - 1] ?? 0;
  // An entry has at most 10 KiB, and a new chain ten credits more.
  if (credits < 1 || credits > 20) return { ok: false, reason: "credits" };
  const publicKey = message.subarray(signedBytes, signedBytes + 32);
  if (!verifySignature(publicKey, signed, message.subarray(signedBytes + 32)))
    return { ok: false, reason: "signature" };
  const hashAt = (at: number): string => toHex(signed.subarray(at, at + HASH_BYTES));
  return {
    ok: true,
    commit: {
      timestampMs: Number.parseInt(toHex(signed.subarray(1, 7)), 16),
      entryHash: hashAt(7 + chainBytes),
      ...{ credits, publicKey, txId: sha256Hex(signed) },
      ...(chainBytes > 0 && { chain: { idHash: hashAt(7), weld: hashAt(7 + HASH_BYTES) } }),
    },
  };
}

/** Whether this is the commit of the first entry of that chain. */
export function isCommitOf(chain: ChainCommit, chainId: string, hash: string): boolean {
  return chain.idHash + chain.weld === toHex(chainPart(chainId, hash));
}

/** The hash of the chain id, and Factom's weld: a hash of entry and chain id, so that nobody else can take the chain. */
function chainPart(chainId: string, hash: string): Uint8Array {
  const id = fromHex(chainId);
  return concat(sha256d(id), sha256d(concat(fromHex(hash), id)));
}

const sha256d = (bytes: Uint8Array): Uint8Array => sha256(sha256(bytes));
