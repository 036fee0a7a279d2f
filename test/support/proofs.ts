/** Blocks with workers, their proof files, and forgeries of them. */

import { createHash } from "node:crypto";
import type { WorkLeaf } from "../../shared/accounting/merkle.ts";
import { type KeyPair, keyPairFromSeed } from "../../shared/factom/ed25519.ts";
import type { WorkTree } from "../../shared/proofs/merkle-proof.ts";
import type { ProofFile } from "../../shared/proofs/proof-file.ts";
import { formatProof } from "../../shared/proofs/proof-format.ts";
import { signReceipt } from "../../shared/proofs/receipt.ts";

export const POOL_KEYS: KeyPair = keyPairFromSeed(new Uint8Array(32).fill(7));
export const OTHER_KEYS: KeyPair = keyPairFromSeed(new Uint8Array(32).fill(8));

/** Whole numbers from 0 to below `below`, the same for the same seed. */
export type Dice = (below: number) => number;

export function diceOf(seed: string): Dice {
  let roll = 0;
  return (below) =>
    createHash("sha256").update(`${seed} ${roll++}`).digest().readUIntBE(0, 6) % Math.max(1, below);
}

/** `count` workers of about a quarter as many users, in the tree's order. */
export function blockOf(count: number, dice: Dice): WorkLeaf[] {
  const leaves = Array.from({ length: count }, (_, i) => {
    const shares = BigInt(1 + dice(1000));
    const user = `user${String(Math.floor(i / 4)).padStart(5, "0")}`;
    return { user, worker: `rig${i % 4}`, shares, work: shares * 65_536n + BigInt(dice(9)) };
  });
  return leaves;
}

/** The file that the pool gives out for one worker, or for all of a user; each user was booked what its work makes. */
export function fileOf(tree: WorkTree, user: string, worker?: string): ProofFile {
  const proof = tree.prove(user, worker);
  if (proof === undefined) throw new Error(`no ${user}/${worker ?? "*"} in the tree`);
  const paid = 9_500_000_000n;
  const userWork = tree.leaves.filter((leaf) => leaf.user === user).reduce((sum, { work }) => sum + work, 0n);
  const amount = (paid * userWork) / tree.sums.work;
  const { height, root } = tree;
  const receipts = proof.workers.map((leaf) =>
    signReceipt({ pool: "Prosper", height, root, ...leaf, amount }, POOL_KEYS),
  );
  const books = {
    reward: "10000000000",
    carriedIn: "0",
    fee: "500000000",
    paid: paid.toString(),
    carried: "0",
  };
  return formatProof(proof, { pool: "Prosper", root, ...tree.sums, books }, receipts);
}
