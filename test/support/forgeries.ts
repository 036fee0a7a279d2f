/** Every way to lie in a proof file that a pool, or a miner, might try: each gives a changed copy, or undefined where it has no hold. */

import * as v from "valibot";
import type { WorkTree } from "../../shared/proofs/merkle-proof.ts";
import { type ProofFile, provingFile } from "../../shared/proofs/proof-file.ts";
import { formatReceipt, receiptOf } from "../../shared/proofs/proof-format.ts";
import { type SignedReceipt, signReceipt } from "../../shared/proofs/receipt.ts";
import { type Published, verifyProof } from "../../shared/proofs/verify.ts";
import { type Dice, diceOf, fileOf, OTHER_KEYS } from "./proofs.ts";

export type Forgery = (file: ProofFile, dice: Dice) => ProofFile | undefined;

type Sums = { shares: string; work: string };
const more = (value: string, by: bigint): string => (BigInt(value) + by).toString();

function changed(file: ProofFile, change: (copy: ProofFile) => void): ProofFile {
  const copy = structuredClone(file);
  change(copy);
  return copy;
}

function pick<T>(items: readonly T[], dice: Dice): T | undefined {
  return items[dice(items.length)];
}

/** Also the receipts say so, as signed by somebody else. */
function resign(copy: ProofFile): void {
  copy.receipts = copy.receipts.map((old, i) => {
    const leaf = copy.workers[i] ?? old;
    const receipt: SignedReceipt = {
      ...receiptOf(old),
      user: leaf.user,
      worker: leaf.worker,
      shares: BigInt(leaf.shares),
      work: BigInt(leaf.work),
    };
    return formatReceipt(signReceipt(receipt, OTHER_KEYS));
  });
}

const onLeaf =
  (change: (leaf: { user: string; worker: string } & Sums, dice: Dice) => void): Forgery =>
  (file, dice) =>
    changed(file, (copy) => {
      const leaf = pick(copy.workers, dice);
      if (leaf !== undefined) change(leaf, dice);
      if (dice(2) === 0) copy.receipts = [];
    });

const onNode =
  (change: (node: { hash: string } & Sums, dice: Dice) => void): Forgery =>
  (file, dice) =>
    file.path.length === 0
      ? undefined
      : changed(file, (copy) => {
          const node = pick(copy.path, dice);
          if (node !== undefined) change(node, dice);
          if (dice(2) === 0) copy.receipts = [];
        });

function flipHex(hex: string, dice: Dice): string {
  const at = dice(hex.length);
  const digit = (Number.parseInt(hex[at] ?? "0", 16) ^ (1 + dice(15))).toString(16);
  return hex.slice(0, at) + digit + hex.slice(at + 1);
}

/** A part of the sums goes from one to the other: the totals stay. */
function move(from: Sums, to: Sums, dice: Dice): void {
  const field = dice(2) === 0 ? "shares" : "work";
  const part = BigInt(1 + dice(5));
  from[field] = more(from[field], -part);
  to[field] = more(to[field], part);
}

export const FORGERIES: Readonly<Record<string, Forgery>> = {
  "more shares": onLeaf((leaf, dice) => {
    leaf.shares = more(leaf.shares, BigInt(1 + dice(1000)));
  }),
  "more work": onLeaf((leaf, dice) => {
    leaf.work = more(leaf.work, 1n + BigInt(dice(2 ** 40)));
  }),
  "less work": onLeaf((leaf) => {
    leaf.work = more(leaf.work, -1n);
  }),
  "more work, and totals to match": (file, dice) =>
    changed(file, (copy) => {
      const by = BigInt(1 + dice(1000));
      const leaf = pick(copy.workers, dice);
      if (leaf !== undefined) leaf.work = more(leaf.work, by);
      copy.work = more(copy.work, by);
    }),
  "a receipt signed anew over more work": (file) =>
    changed(file, (copy) => {
      for (const leaf of copy.workers) leaf.work = more(leaf.work, 1n);
      resign(copy);
    }),
  "a receipt signed by another key": (file) => changed(file, resign),
  "shares that wrap around": onLeaf((leaf) => {
    leaf.shares = more(leaf.shares, 1n << 64n);
  }),
  "work that wraps around": onLeaf((leaf) => {
    leaf.work = more(leaf.work, 1n << 256n);
  }),
  "another user": onLeaf((leaf) => {
    leaf.user = `${leaf.user}x`;
  }),
  "another worker": onLeaf((leaf) => {
    leaf.worker = `${leaf.worker}x`;
  }),
  "a letter moved from worker to user": onLeaf((leaf) => {
    leaf.user += leaf.worker.slice(0, 1);
    leaf.worker = leaf.worker.slice(1);
  }),
  "a worker left out": (file) => changed(file, (copy) => copy.workers.pop()),
  "a worker twice": (file, dice) =>
    changed(file, (copy) => {
      const again = pick(copy.workers, dice);
      if (again !== undefined) copy.workers.push({ ...again });
    }),
  "a worker that never was": (file) =>
    changed(file, (copy) => copy.workers.push({ user: "zoe", worker: "x", shares: "1", work: "65536" })),
  "workers in another order": (file) =>
    file.workers.length < 2 ? undefined : changed(file, (copy) => copy.workers.reverse()),
  "work moved between a worker and the rest": (file, dice) =>
    file.path.length === 0
      ? undefined
      : changed(file, (copy) => {
          const node = pick(copy.path, dice);
          const leaf = pick(copy.workers, dice);
          if (node !== undefined && leaf !== undefined) move(node, leaf, dice);
        }),
  "work moved between two others": (file, dice) =>
    file.path.length < 2
      ? undefined
      : changed(file, ({ path }) => {
          const [a, b] = path;
          if (a !== undefined && b !== undefined) move(a, b, dice);
        }),
  "an inflated rest": onNode((node, dice) => {
    node.work = more(node.work, BigInt(1 + dice(1000)));
  }),
  "a rest that wraps around": onNode((node, dice) => {
    if (dice(2) === 0) node.shares = more(node.shares, 1n << 64n);
    else node.work = more(node.work, 1n << 256n);
  }),
  "a negative rest": onNode((node, dice) => {
    if (dice(2) === 0) node.shares = `-${node.shares}`;
    else node.work = `-${node.work}`;
  }),
  "another hash": onNode((node, dice) => {
    node.hash = flipHex(node.hash, dice);
  }),
  "a path cut short": (file, dice) =>
    file.path.length === 0 ? undefined : changed(file, (copy) => copy.path.splice(dice(copy.path.length), 1)),
  "a path grown longer": (file, dice) =>
    changed(file, (copy) => {
      const node = pick(copy.path, dice) ?? { hash: "0".repeat(64), shares: "0", work: "0" };
      copy.path.splice(
        dice(copy.path.length + 1),
        0,
        dice(2) === 0 ? node : { ...node, shares: "0", work: "0" },
      );
    }),
  "sides swapped": (file, dice) =>
    file.path.length < 2
      ? undefined
      : changed(file, ({ path }) => {
          const at = dice(path.length - 1);
          const [node] = path.splice(at, 1);
          if (node !== undefined) path.splice(at + 1, 0, node);
        }),
  "another place": (file, dice) =>
    changed(file, (copy) => {
      copy.first = (copy.first + 1 + dice(copy.leaves)) % (copy.leaves + 1);
    }),
  "another number of workers": (file, dice) =>
    changed(file, (copy) => {
      copy.leaves += dice(2) === 0 ? 1 + dice(100) : -1;
    }),
  "another height": (file, dice) =>
    changed(file, (copy) => {
      copy.height += 1 + dice(100);
    }),
  "a height that wraps around": (file) =>
    changed(file, (copy) => {
      copy.height += 2 ** 32;
    }),
  "another root": (file, dice) =>
    changed(file, (copy) => {
      copy.root = flipHex(copy.root, dice);
    }),
  "other totals": (file, dice) =>
    changed(file, (copy) => {
      const field = dice(2) === 0 ? "shares" : "work";
      copy[field] = more(copy[field], BigInt(1 + dice(9)));
    }),
  "books that are not balanced": (file, dice) =>
    changed(file, (copy) => {
      const field = (["reward", "carriedIn", "fee", "paid", "carried"] as const)[dice(5)] ?? "fee";
      copy.books[field] = more(copy.books[field], BigInt(1 + dice(9)));
    }),
  "a receipt over more": (file, dice) =>
    changed(file, (copy) => {
      const field = (["shares", "work", "amount"] as const)[dice(3)] ?? "amount";
      const receipt = pick(copy.receipts, dice);
      if (receipt !== undefined) receipt[field] = more(receipt[field], 1n);
    }),
  "a receipt of another block": (file) =>
    changed(file, (copy) => {
      const [receipt] = copy.receipts;
      if (receipt !== undefined) receipt.height++;
    }),
  "a receipt of another pool": (file) =>
    changed(file, (copy) => {
      const [receipt] = copy.receipts;
      if (receipt !== undefined) receipt.pool += "x";
    }),
  "another signature": (file, dice) =>
    changed(file, (copy) => {
      const receipt = pick(copy.receipts, dice);
      if (receipt !== undefined) receipt.signature = flipHex(receipt.signature, dice);
    }),
};

/** Whether one who knows the published root and key sees that something is wrong. */
export function isCaught(file: ProofFile, published: Published): boolean {
  const parsed = v.safeParse(provingFile, JSON.parse(JSON.stringify(file)));
  if (!parsed.success || parsed.output.format !== "prosper-proof") return true;
  return verifyProof(parsed.output, published).some(({ ok }) => !ok);
}

export interface ForgeryTally {
  readonly made: number;
  /** Kind and seed of those that nobody would see. */
  readonly missed: readonly string[];
  readonly refusedHonest: number;
  /** Kinds tried. */
  readonly kinds: number;
}

/** `count` random forgeries, the kinds in turn, of honest files from the trees that `draw` gives; `key` has signed the honest ones. */
export function tryForgeries(count: number, key: string, draw: (dice: Dice) => WorkTree): ForgeryTally {
  const kinds = Object.entries(FORGERIES);
  const tried = new Set<string>();
  const missed: string[] = [];
  let made = 0;
  let refusedHonest = 0;
  for (let seed = 0; made < count; seed++) {
    const dice = diceOf(`forgery ${seed}`);
    const tree = draw(dice);
    const mine = tree.leaves[dice(tree.leaves.length)];
    const [name, forge] = kinds[seed % kinds.length] ?? [];
    if (mine === undefined || name === undefined) continue;
    const honest = fileOf(tree, mine.user, dice(3) === 0 ? undefined : mine.worker);
    const published = { root: tree.root, keys: [key] };
    if (isCaught(honest, published)) refusedHonest += 1;
    const forged = forge?.(honest, dice);
    // The kind has no hold here, or drew what stood there already.
    if (forged === undefined || JSON.stringify(forged) === JSON.stringify(honest)) continue;
    made += 1;
    tried.add(name);
    if (!isCaught(forged, published)) missed.push(`${name}, seed ${seed}`);
  }
  return { made, missed, refusedHonest, kinds: tried.size };
}
