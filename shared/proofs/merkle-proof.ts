/**
 * Inclusion proofs of the Merkle-sum tree (docs/proofs.md): leaves that stand side by side, and the nodes beside the way to the top,
 * left to right. Only the height, the number of leaves and the place of the first one decide the shape: no field says "left" or "right".
 */

import {
  EMPTY_NODE,
  GROUP_LEAVES,
  isBefore,
  type LeafGroup,
  largestPowerOfTwoBelow,
  leafNode,
  leavesIn,
  parentNode,
  requireOrder,
  rootOf,
  type SumNode,
  type WorkLeaf,
} from "../accounting/merkle.ts";

export interface WorkProof {
  readonly height: number;
  /** In the whole tree. */
  readonly leaves: number;
  /** Place of the first of `workers` in the tree, from 0. */
  readonly first: number;
  /** In the tree's order, at least one. */
  readonly workers: readonly WorkLeaf[];
  /** The largest subtrees without any of `workers`, left to right. */
  readonly path: readonly SumNode[];
}

interface Branch {
  readonly node: SumNode;
  /** How many leaves are below. */
  readonly size: number;
  readonly halves: readonly [Branch, Branch] | undefined;
}

/** Where the leaves that are at hand stand in a tree of which the groups' nodes are known. */
interface Within {
  readonly groups: readonly LeafGroup[];
  /** The group that the first of the leaves begins. */
  readonly from: number;
}

/** A tree, to make proofs of it. */
export class WorkTree {
  readonly height: number;
  /** At hand, side by side: all of the tree, or those of some groups. */
  readonly leaves: readonly WorkLeaf[];
  readonly root: string;
  /** Of the whole block. */
  readonly sums: { readonly shares: bigint; readonly work: bigint };
  /** Leaves in the tree. */
  readonly #count: number;
  /** Place of the first of `leaves`. */
  readonly #first: number;
  readonly #top: Branch | undefined;

  /** `leaves` in byte order of (user, worker), with `within` those of whole groups; RangeError where they are not, or repeat. */
  constructor(height: number, leaves: readonly WorkLeaf[], within?: Within) {
    requireOrder(leaves);
    this.height = height;
    this.leaves = leaves;
    this.#first = (within?.from ?? 0) * GROUP_LEAVES;
    this.#count = within === undefined ? leaves.length : leavesIn(within.groups);
    this.#top = this.#count === 0 ? undefined : this.#grow(within?.groups ?? [], 0, this.#count);
    const top = this.#top?.node ?? EMPTY_NODE;
    this.sums = { shares: top.shares, work: top.work };
    this.root = rootOf(height, this.#count, top);
  }

  /** The proof of one worker, or of all workers of a user; undefined where none such is at hand. */
  prove(user: string, worker?: string): WorkProof | undefined {
    const isMeant = (leaf: WorkLeaf): boolean =>
      leaf.user === user && (worker === undefined || leaf.worker === worker);
    const first = this.leaves.findIndex(isMeant);
    if (first < 0) return undefined;
    let end = first + 1;
    for (let leaf = this.leaves[end]; leaf !== undefined && isMeant(leaf); leaf = this.leaves[end]) end++;
    return this.proveRange(this.#first + first, this.#first + end);
  }

  /** The proof of the leaves from the place `first` to before `end`; both are places of the tree, and what is between is at hand. */
  proveRange(first: number, end: number): WorkProof {
    const path: SumNode[] = [];
    if (this.#top !== undefined) collect(this.#top, 0, { first, end }, path);
    const workers = this.leaves.slice(first - this.#first, end - this.#first);
    return { height: this.height, leaves: this.#count, first, workers, path };
  }

  #grow(groups: readonly LeafGroup[], from: number, size: number): Branch {
    const at = from - this.#first;
    const known = size <= GROUP_LEAVES && (at < 0 || at >= this.leaves.length);
    const group = known ? groups[from / GROUP_LEAVES] : undefined;
    if (group !== undefined) return { node: group.node, size, halves: undefined };
    if (size === 1) return { node: leafNode(this.#leafAt(at)), size, halves: undefined };
    const middle = largestPowerOfTwoBelow(size);
    const left = this.#grow(groups, from, middle);
    const right = this.#grow(groups, from + middle, size - middle);
    return { node: parentNode(left.node, right.node), size, halves: [left, right] };
  }

  #leafAt(at: number): WorkLeaf {
    const leaf = this.leaves[at];
    if (leaf === undefined)
      throw new RangeError(`leaves: expected those of whole groups, got ${this.leaves.length}`);
    return leaf;
  }
}

interface Range {
  readonly first: number;
  readonly end: number;
}

function isOutside(from: number, size: number, range: Range): boolean {
  return from + size <= range.first || from >= range.end;
}

function collect(branch: Branch, from: number, range: Range, path: SumNode[]): void {
  if (isOutside(from, branch.size, range)) {
    path.push(branch.node);
    return;
  }
  if (branch.halves === undefined) return;
  const [left, right] = branch.halves;
  collect(left, from, range, path);
  collect(right, from + left.size, range, path);
}

/** What a proof proves: the root that its leaves lead to, and the sums of the whole block that this root commits to. */
export type ProofVerdict =
  | { readonly ok: true; readonly root: string; readonly shares: bigint; readonly work: bigint }
  | { readonly ok: false; readonly why: string };

const MAX_LEAVES = 0xffff_ffff;
const MAX_HEIGHT = 0x7fff_ffff;

/**
 * Follows a proof to its root. Only a caller who has the block's published root knows whether that is the right one. Never throws on
 * a proof whose hashes have 32 bytes.
 */
export function followProof(proof: WorkProof): ProofVerdict {
  const { height, leaves, first, workers } = proof;
  // A height beyond four bytes would be cut to another height, which would then have the same root.
  if (!Number.isSafeInteger(height) || height < 0 || height > MAX_HEIGHT)
    return { ok: false, why: `height: expected 0 to ${MAX_HEIGHT}, got ${height}` };
  const end = first + workers.length;
  const isPlace = Number.isSafeInteger(first) && first >= 0 && workers.length > 0;
  if (!isPlace || !Number.isSafeInteger(leaves) || leaves > MAX_LEAVES || end > leaves)
    return { ok: false, why: `places ${first} to ${end - 1} are not in a tree of ${leaves} leaves` };
  const unsorted = workers.findIndex((leaf, i) => {
    const before = workers[i - 1];
    return before !== undefined && !isBefore(before, leaf);
  });
  if (unsorted >= 0) return { ok: false, why: `worker ${unsorted} stands in the wrong order, or twice` };
  try {
    const walk = { proof, range: { first, end }, used: 0 };
    const top = fold(walk, 0, leaves);
    if (top === undefined) return { ok: false, why: "the path is too short" };
    if (walk.used !== proof.path.length) return { ok: false, why: "the path is too long" };
    const root = rootOf(height, leaves, top);
    return { ok: true, root, shares: top.shares, work: top.work };
  } catch (thrown) {
    if (thrown instanceof RangeError) return { ok: false, why: thrown.message };
    throw thrown;
  }
}

interface Walk {
  readonly proof: WorkProof;
  readonly range: Range;
  used: number;
}

/** Undefined where the path ends early. */
function fold(walk: Walk, from: number, size: number): SumNode | undefined {
  if (isOutside(from, size, walk.range)) return walk.proof.path[walk.used++];
  if (size === 1) {
    const leaf = walk.proof.workers[from - walk.range.first];
    return leaf === undefined ? undefined : leafNode(leaf);
  }
  const middle = largestPowerOfTwoBelow(size);
  const left = fold(walk, from, middle);
  const right = left === undefined ? undefined : fold(walk, from + middle, size - middle);
  return left === undefined || right === undefined ? undefined : parentNode(left, right);
}
