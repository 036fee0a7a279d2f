/**
 * The roots of sealed blocks as entries of a Factom chain (docs/proofs.md, "Roots on the chain"). Anybody can write to a chain: only what the
 * receipt key has signed for this very chain counts. The same blocks and key always make the same bytes.
 */

import { equalBytes } from "../bytes.ts";
import { type KeyPair, verifySignature } from "../factom/ed25519.ts";
import { chainIdOf, ENTRY_DATA_BYTES_MAX, type Entry } from "../factom/entry.ts";

/** What the chain says of one sealed block. Money in 1e-8 PEG. */
export interface ChainRoot {
  readonly height: number;
  /** Of the block's Merkle-sum tree, 64 hex digits. */
  readonly root: string;
  readonly reward: bigint;
  readonly carriedIn: bigint;
  readonly fee: bigint;
  readonly paid: bigint;
  readonly carried: bigint;
  /** Hash over the block's line and its payouts' (docs/proofs.md), 64 hex digits. */
  readonly books: string;
}

export interface RootChain {
  readonly chainId: string;
  /** The receipt key, 32 bytes. */
  readonly key: Uint8Array;
  /** The entry that makes the chain. It says what the chain is for, and proves nothing. */
  readonly first: Entry;
}

const TAG = "prosper-roots 1";
const LINE =
  /^(\d{1,10}) ([0-9a-f]{64}) (\d{1,19}) (\d{1,19}) (\d{1,19}) (\d{1,19}) (\d{1,19}) ([0-9a-f]{64})$/;
const MAX_HEIGHT = 0x7fff_ffff;
const KEY_BYTES = 32;
const SIGNATURE_BYTES = 64;
/** Tag, key and signature, with their lengths. */
const EXT_ID_BYTES = 2 + TAG.length + 2 + KEY_BYTES + 2 + SIGNATURE_BYTES;

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

/** The chain of a receipt key (32 bytes): with another key a pool writes another chain. */
export function rootChainOf(key: Uint8Array): RootChain {
  const extIds = [bytesOf(TAG), key];
  const chainId = chainIdOf(extIds);
  const content = bytesOf(
    "Roots of the blocks that a Prosper pool has sealed, signed by its receipt key. Entries without its signature do not count.\n",
  );
  return { chainId, key, first: { chainId, extIds, content } };
}

/** As many of the blocks, from the first on, as one entry holds: some forty. */
export function fittingRoots(blocks: readonly ChainRoot[]): readonly ChainRoot[] {
  let bytes = EXT_ID_BYTES;
  const end = blocks.findIndex((block) => {
    bytes += lineOf(block).length;
    return bytes > ENTRY_DATA_BYTES_MAX;
  });
  return end < 0 ? blocks : blocks.slice(0, end);
}

/** `blocks` in ascending order, each height once. */
export function signRootEntry(blocks: readonly ChainRoot[], keys: KeyPair): Entry {
  const { chainId } = rootChainOf(keys.publicKey);
  const content = blocks.map(lineOf).join("");
  const extIds = [bytesOf(TAG), keys.publicKey, keys.sign(signedText(chainId, content))];
  return { chainId, extIds, content: bytesOf(content) };
}

/** What an entry of the chain says under `key`; undefined: it is foreign, unsigned, or not of this form, and does not count. */
export function readRootEntry(entry: Entry, key: Uint8Array): readonly ChainRoot[] | undefined {
  const [tag, signer, signature, ...more] = entry.extIds;
  if (tag === undefined || signer === undefined || signature === undefined || more.length > 0)
    return undefined;
  if (!equalBytes(tag, bytesOf(TAG)) || !equalBytes(signer, key)) return undefined;
  const content = asciiOf(entry.content);
  if (content === undefined || !verifySignature(key, signedText(entry.chainId, content), signature))
    return undefined;
  const lines = content.split("\n");
  if (lines.pop() !== "" || lines.length === 0) return undefined;
  const blocks = lines.map(parseLine);
  const isWhole = blocks.every((block, i) => block && block.height > (blocks[i - 1]?.height ?? -1));
  return isWhole ? blocks.filter((block) => block !== undefined) : undefined;
}

/** Whether both say the same of the block. */
export function isSameRoot(a: ChainRoot, b: ChainRoot): boolean {
  return lineOf(a) === lineOf(b);
}

function lineOf({ height, root, reward, carriedIn, fee, paid, carried, books }: ChainRoot): string {
  return `${height} ${root} ${reward} ${carriedIn} ${fee} ${paid} ${carried} ${books}\n`;
}

function parseLine(line: string): ChainRoot | undefined {
  const match = LINE.exec(line);
  if (match === null) return undefined;
  const [
    ,
    height = "",
    root = "",
    reward = "",
    carriedIn = "",
    fee = "",
    paid = "",
    carried = "",
    books = "",
  ] = match;
  const block = {
    height: Number(height),
    ...{ root, books },
    ...{ reward: BigInt(reward), carriedIn: BigInt(carriedIn), fee: BigInt(fee) },
    ...{ paid: BigInt(paid), carried: BigInt(carried) },
  };
  // One spelling of each number, or two entries with the same meaning would differ.
  return block.height <= MAX_HEIGHT && lineOf(block) === `${line}\n` ? block : undefined;
}

function signedText(chainId: string, content: string): Uint8Array {
  return bytesOf(`${TAG}\nchain=${chainId}\n${content}`);
}

function asciiOf(bytes: Uint8Array): string | undefined {
  return bytes.every((byte) => byte < 0x80) ? new TextDecoder().decode(bytes) : undefined;
}
