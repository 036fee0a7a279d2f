/**
 * The Merkle-sum tree over a sealed job's (user, worker) sums. Its root commits to every leaf and, at every node, to the
 * shares and work below it. Nobody can leave out a worker's part, make it smaller or count it twice without being seen
 * (docs/design.md, "A miner can check its work"; docs/proofs.md describes it for writers of other verifiers).
 *
 * Leaf = sha256(0x00, len user (1), user, len worker (1), worker, shares (8), work (32)).
 * Node = sha256(0x01, left hash, left shares (8), left work (32), right hash, right shares, right work); its sums are those of both.
 * n > 1 leaves are divided before the largest power of two below n. Root = sha256(0x02, height (4), leaves (4), top hash, shares
 * (8), work (32)); with no leaf the top hash is 32 zero bytes. Integers are big endian, names printable ASCII, leaves in byte order
 * of (user, worker).
 */

import { MAX_U64, u32ToBytes } from "../bytes.ts";
import { sha256, sha256Hex } from "../sha256.ts";

/** What one worker did in a job, late work that was booked into it included. */
export interface WorkLeaf {
  readonly user: string;
  readonly worker: string;
  readonly shares: bigint;
  readonly work: bigint;
}

/** A leaf or an inner node: its 32-byte hash, and the sums of all leaves below it. */
export interface SumNode {
  readonly hash: Uint8Array;
  readonly shares: bigint;
  readonly work: bigint;
}

const HASH_BYTES = 32;
const SHARES_BYTES = 8;
const NODE_BYTES = HASH_BYTES + SHARES_BYTES + 32;
const MAX_NAME_BYTES = 255;
export const EMPTY_NODE: SumNode = { hash: new Uint8Array(HASH_BYTES), shares: 0n, work: 0n };

/** The root as 64 hex digits. `leaves` in byte order of (user, worker); RangeError where they are not, or repeat. */
export function merkleSumRoot(height: number, leaves: readonly WorkLeaf[]): string {
  requireOrder(leaves);
  const top = leaves.length === 0 ? EMPTY_NODE : subtree(leaves.map(leafNode));
  return rootOf(height, leaves.length, top);
}

/** The root of a tree of `count` leaves, from its top node. */
export function rootOf(height: number, count: number, top: SumNode): string {
  const bytes = new Uint8Array(1 + 4 + 4 + NODE_BYTES);
  bytes[0] = 2;
  bytes.set(u32ToBytes(height), 1);
  bytes.set(u32ToBytes(count), 5);
  writeNode(bytes, 9, top);
  return sha256Hex(bytes);
}

/** RangeError unless each leaf stands behind the one before it. */
export function requireOrder(leaves: readonly WorkLeaf[]): void {
  leaves.forEach((leaf, index) => {
    const before = leaves[index - 1];
    if (before !== undefined && !isBefore(before, leaf))
      throw new RangeError(
        `leaves: expected byte order, got ${leaf.user}/${leaf.worker} after ${before.user}/${before.worker}`,
      );
  });
}

/** Names are ASCII, where the order of UTF-16 code units is that of bytes. */
export function isBefore(a: WorkLeaf, b: WorkLeaf): boolean {
  return a.user < b.user || (a.user === b.user && a.worker < b.worker);
}

function subtree(nodes: readonly SumNode[]): SumNode {
  const [only] = nodes;
  if (only !== undefined && nodes.length === 1) return only;
  const middle = largestPowerOfTwoBelow(nodes.length);
  return parentNode(subtree(nodes.slice(0, middle)), subtree(nodes.slice(middle)));
}

/** Where `count` > 1 leaves are divided. */
export function largestPowerOfTwoBelow(count: number): number {
  return 2 ** (31 - Math.clz32(count - 1));
}

/** RangeError where a name is longer than 255 bytes or a sum does not fit. */
export function leafNode(leaf: WorkLeaf): SumNode {
  const user = nameBytes(leaf.user);
  const worker = nameBytes(leaf.worker);
  const bytes = new Uint8Array(3 + user.length + worker.length + NODE_BYTES - HASH_BYTES);
  bytes[1] = user.length;
  bytes.set(user, 2);
  bytes[2 + user.length] = worker.length;
  bytes.set(worker, 3 + user.length);
  writeSums(bytes, 3 + user.length + worker.length, leaf);
  return { hash: sha256(bytes), shares: leaf.shares, work: leaf.work };
}

/** The node above two; RangeError where one of their sums is negative or does not fit. */
export function parentNode(left: SumNode, right: SumNode): SumNode {
  const bytes = new Uint8Array(1 + 2 * NODE_BYTES);
  bytes[0] = 1;
  writeNode(bytes, 1, left);
  writeNode(bytes, 1 + NODE_BYTES, right);
  return { hash: sha256(bytes), shares: left.shares + right.shares, work: left.work + right.work };
}

function writeNode(bytes: Uint8Array, at: number, node: SumNode): void {
  bytes.set(node.hash, at);
  writeSums(bytes, at + HASH_BYTES, node);
}

/** Every sum of the tree is written here, so the bounds are checked here: no sum can wrap around. */
function writeSums(bytes: Uint8Array, at: number, sums: { shares: bigint; work: bigint }): void {
  const { shares, work } = sums;
  if (shares < 0n || shares > MAX_U64)
    throw new RangeError(`shares: expected 0 to below 2^64, got ${shares}`);
  if (work < 0n || work >> 256n !== 0n) throw new RangeError(`work: expected 0 to below 2^256, got ${work}`);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(at, shares);
  for (let word = 0; word < 4; word++)
    view.setBigUint64(at + SHARES_BYTES + 8 * word, (work >> BigInt(64 * (3 - word))) & MAX_U64);
}

function nameBytes(name: string): Uint8Array {
  const bytes = new TextEncoder().encode(name);
  if (bytes.length > MAX_NAME_BYTES)
    throw new RangeError(`leaf name: expected ${MAX_NAME_BYTES} bytes at most, got ${bytes.length}`);
  return bytes;
}
