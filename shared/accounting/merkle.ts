/**
 * The Merkle-sum tree over a sealed job's (user, worker) sums: its root commits to every leaf and, at every node, to the
 * shares and work below it, so that no worker's part can be left out, made smaller or counted twice unseen (DESIGN.md, Guarantees 7).
 *
 * Leaf = sha256(0x00, len user (1), user, len worker (1), worker, shares (8), work (32)).
 * Node = sha256(0x01, left hash, left shares (8), left work (32), right hash, right shares, right work); its sums are those of both.
 * n > 1 leaves are divided before the largest power of two below n. Root = sha256(0x02, height (4), leaves (4), top hash, shares
 * (8), work (32)); with no leaf the top hash is 32 zero bytes. Integers are big endian, names printable ASCII, leaves in byte order
 * of (user, worker).
 */

import { sha256 } from "@noble/hashes/sha2.js";
import { concat, toHex, u32ToBytes, u64ToBytes } from "../bytes.ts";

/** What one worker did in a job, late work that was booked into it included. */
export interface WorkLeaf {
  readonly user: string;
  readonly worker: string;
  readonly shares: bigint;
  readonly work: bigint;
}

interface Node {
  readonly hash: Uint8Array;
  readonly shares: bigint;
  readonly work: bigint;
}

const WORK_BYTES = 32;
const EMPTY: Node = { hash: new Uint8Array(32), shares: 0n, work: 0n };

/** The root as 64 hex digits. `leaves` in byte order of (user, worker); RangeError where they are not, or repeat. */
export function merkleSumRoot(height: number, leaves: readonly WorkLeaf[]): string {
  leaves.forEach((leaf, index) => {
    const before = leaves[index - 1];
    if (before !== undefined && !isBefore(before, leaf))
      throw new RangeError(
        `leaves: expected byte order, got ${leaf.user}/${leaf.worker} after ${before.user}/${before.worker}`,
      );
  });
  const top = leaves.length === 0 ? EMPTY : subtree(leaves.map(leafNode));
  return toHex(sha256(concat(Uint8Array.of(2), u32ToBytes(height), u32ToBytes(leaves.length), encode(top))));
}

/** Names are ASCII, where the order of UTF-16 code units is that of bytes. */
function isBefore(a: WorkLeaf, b: WorkLeaf): boolean {
  return a.user < b.user || (a.user === b.user && a.worker < b.worker);
}

function subtree(nodes: readonly Node[]): Node {
  const [only] = nodes;
  if (only !== undefined && nodes.length === 1) return only;
  const middle = largestPowerOfTwoBelow(nodes.length);
  const left = subtree(nodes.slice(0, middle));
  const right = subtree(nodes.slice(middle));
  return {
    hash: sha256(concat(Uint8Array.of(1), encode(left), encode(right))),
    shares: left.shares + right.shares,
    work: left.work + right.work,
  };
}

function largestPowerOfTwoBelow(count: number): number {
  return 2 ** Math.floor(Math.log2(count - 1));
}

function leafNode(leaf: WorkLeaf): Node {
  const sums = concat(u64ToBytes(leaf.shares), workBytes(leaf.work));
  const hash = sha256(concat(Uint8Array.of(0), named(leaf.user), named(leaf.worker), sums));
  return { hash, shares: leaf.shares, work: leaf.work };
}

function encode(node: Node): Uint8Array {
  return concat(node.hash, u64ToBytes(node.shares), workBytes(node.work));
}

function named(name: string): Uint8Array {
  const bytes = new TextEncoder().encode(name);
  if (bytes.length > 255) throw new RangeError(`leaf name: expected 255 bytes at most, got ${bytes.length}`);
  return concat(Uint8Array.of(bytes.length), bytes);
}

function workBytes(work: bigint): Uint8Array {
  if (work < 0n || work >> 256n !== 0n) throw new RangeError(`work: expected 0 to below 2^256, got ${work}`);
  return new Uint8Array(Buffer.from(work.toString(16).padStart(WORK_BYTES * 2, "0"), "hex"));
}
