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

import { MAX_U64 } from "../bytes.ts";
import { sha256, sha256Hex } from "../sha256.ts";

/** What one worker did in a job, late work that was booked into it included. */
export interface WorkLeaf {
  readonly user: string;
  readonly worker: string;
  readonly shares: bigint;
  readonly work: bigint;
}

/** Who a leaf is of. The order of leaves is that of their keys. */
export type LeafKey = Pick<WorkLeaf, "user" | "worker">;

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
  return rootOfGroups(height, groupLeaves(leaves));
}

/** In a group, but for the last one of a tree, which has what is left. A power of two: only then is a group's node one of the tree's. */
export const GROUP_LEAVES = 256;

/** Leaves side by side, from a multiple of GROUP_LEAVES on. Who has the nodes of all groups needs the leaves of a proof's own groups only. */
export interface LeafGroup {
  /** Of its last leaf. */
  readonly last: LeafKey;
  readonly leaves: number;
  readonly node: SumNode;
}

/** The groups of a tree, in order; RangeError as of `merkleSumRoot`. */
export function groupLeaves(leaves: readonly WorkLeaf[]): LeafGroup[] {
  requireOrder(leaves);
  const groups: LeafGroup[] = [];
  for (let from = 0; from < leaves.length; from += GROUP_LEAVES) {
    const group = leaves.slice(from, from + GROUP_LEAVES);
    const last = group.at(-1);
    if (last !== undefined) groups.push({ last, leaves: group.length, node: subtree(group.map(leafNode)) });
  }
  return groups;
}

/** The tree over groups is the tree over leaves: where the leaves are divided is as many times GROUP_LEAVES as groups stand before. */
export function rootOfGroups(height: number, groups: readonly LeafGroup[]): string {
  const top = groups.length === 0 ? EMPTY_NODE : subtree(groups.map(({ node }) => node));
  return rootOf(height, leavesIn(groups), top);
}

export function leavesIn(groups: readonly LeafGroup[]): number {
  return groups.reduce((sum, { leaves }) => sum + leaves, 0);
}

/** The root of a tree of `count` leaves, from its top node. */
export function rootOf(height: number, count: number, top: SumNode): string {
  const root = scratch(1 + 4 + 4 + NODE_BYTES);
  root.bytes[0] = 2;
  root.view.setUint32(1, height);
  root.view.setUint32(5, count);
  writeNode(root, 9, top);
  return sha256Hex(root.bytes);
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
export function isBefore(a: LeafKey, b: LeafKey): boolean {
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

/** What is hashed is written here, leaf after leaf: a tree of 10,000 workers has 20,000 of them. */
const LEAF = scratch(3 + 2 * MAX_NAME_BYTES + NODE_BYTES - HASH_BYTES);
const PARENT = scratch(1 + 2 * NODE_BYTES);
PARENT.bytes[0] = 1;

interface Scratch {
  readonly bytes: Uint8Array;
  readonly view: DataView;
}

function scratch(length: number): Scratch {
  const bytes = new Uint8Array(length);
  return { bytes, view: new DataView(bytes.buffer) };
}

/** RangeError where a name is longer than 255 bytes or a sum does not fit. */
export function leafNode(leaf: WorkLeaf): SumNode {
  const workerAt = writeName(1, leaf.user);
  const sumsAt = writeName(workerAt, leaf.worker);
  writeSums(LEAF.view, sumsAt, leaf);
  const hash = sha256(LEAF.bytes.subarray(0, sumsAt + NODE_BYTES - HASH_BYTES));
  return { hash, shares: leaf.shares, work: leaf.work };
}

/** The node above two; RangeError where one of their sums is negative or does not fit. */
export function parentNode(left: SumNode, right: SumNode): SumNode {
  writeNode(PARENT, 1, left);
  writeNode(PARENT, 1 + NODE_BYTES, right);
  return { hash: sha256(PARENT.bytes), shares: left.shares + right.shares, work: left.work + right.work };
}

function writeNode({ bytes, view }: Scratch, at: number, node: SumNode): void {
  bytes.set(node.hash, at);
  writeSums(view, at + HASH_BYTES, node);
}

/** Every sum of the tree is written here, so the bounds are checked here: no sum can wrap around. */
function writeSums(view: DataView, at: number, { shares, work }: { shares: bigint; work: bigint }): void {
  if (shares < 0n || shares > MAX_U64)
    throw new RangeError(`shares: expected 0 to below 2^64, got ${shares}`);
  if (work < 0n || work >> 256n !== 0n) throw new RangeError(`work: expected 0 to below 2^256, got ${work}`);
  view.setBigUint64(at, shares);
  const workAt = at + SHARES_BYTES;
  // Nearly every work fits into the last word; shifting it four times takes longer than the hash.
  for (let word = 0; word < 3; word++)
    view.setBigUint64(workAt + 8 * word, work <= MAX_U64 ? 0n : (work >> BigInt(64 * (3 - word))) & MAX_U64);
  view.setBigUint64(workAt + 24, work <= MAX_U64 ? work : work & MAX_U64);
}

const encoder = new TextEncoder();

/** With its length before it; the place behind it. */
function writeName(at: number, name: string): number {
  const { read, written } = encoder.encodeInto(name, LEAF.bytes.subarray(at + 1, at + 1 + MAX_NAME_BYTES));
  if (read < name.length)
    throw new RangeError(
      `leaf name: expected ${MAX_NAME_BYTES} bytes at most, got ${encoder.encode(name).length}`,
    );
  LEAF.bytes[at] = written;
  return at + 1 + written;
}
