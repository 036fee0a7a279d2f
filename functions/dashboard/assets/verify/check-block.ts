/** All that can be checked of one of my blocks in the browser: its proof, what the pool publishes, what it published before, what the chain says. */

import * as v from "valibot";
import { type ProofFile, proofFile } from "../../../../shared/proofs/proof-file.ts";
import { type Check, verifyProof } from "../../../../shared/proofs/verify.ts";
import { checkPublished } from "../../../../shared/proofs/verify-published.ts";
import type { BlockDetailView, MyBlocksView } from "../../../api/views/views.ts";
import type { Remembered } from "./remembered.ts";

export interface AskedBlock {
  /** As the list of my blocks has it. */
  readonly mine: MyBlocksView["blocks"][number];
  readonly user: string;
  /** The proof as it came. */
  readonly proof: unknown;
  readonly detail: BlockDetailView;
}

const judge = (ok: boolean, good: string, bad: string): Check => ({ ok, text: ok ? good : bad });

export interface JudgedBlock {
  readonly checks: readonly Check[];
  /** Undefined where the pool's answer is none. */
  readonly file?: ProofFile;
}

/** Adds what it was shown to `remembered`. */
export function checkBlock({ mine, user, proof, detail }: AskedBlock, remembered: Remembered): JudgedBlock {
  const { block, receiptKey, formerReceiptKeys, chain } = detail;
  const parsed = v.safeParse(proofFile, proof);
  if (!parsed.success) {
    const [issue] = parsed.issues;
    const text = `the pool's answer is no proof: ${v.getDotPath(issue)}: ${issue.message}`;
    return { checks: [{ ok: false, text }] };
  }
  const file = parsed.output;
  const { root } = block;
  if (root === null) {
    const text = "the pool publishes no root of a block that it has sealed";
    return { checks: [{ ok: false, text }], file };
  }
  const keys = receiptKey === null ? [] : [receiptKey, ...formerReceiptKeys];
  const shares = file.workers.reduce((sum, leaf) => sum + BigInt(leaf.shares), 0n).toString();
  const earlier = remembered.rootOf(mine.height);
  const lostKeys = remembered.keys.filter((key) => !keys.includes(key));
  remembered.see(mine.height, root, keys);
  const checks = [
    judge(
      file.height === mine.height && file.workers.every((leaf) => leaf.user === user),
      "the proof is of this block, and of your workers alone",
      "the proof is of another block, or not of your workers",
    ),
    judge(
      shares === mine.shares,
      "it has all your shares",
      `it has ${shares} of your shares, your list ${mine.shares}`,
    ),
    ...verifyProof(file, { root, keys }),
    ...checkPublished(file, block),
    ...amountChecks(file.receipts, mine),
    ...(receiptKey === null ? [] : [receiptsCheck(file.receipts.length, file.workers.length)]),
    ...(earlier === undefined
      ? []
      : [
          judge(
            earlier === root,
            "the root is that of your earlier visits",
            `at an earlier visit the root was ${earlier}`,
          ),
        ]),
    ...lostKeys.map(
      (key): Check => ({
        ok: false,
        text: `at an earlier visit the pool signed by key ${key}, and names it no more`,
      }),
    ),
    ...chainChecks(chain, root),
  ];
  return { checks, file };
}

function receiptsCheck(receipts: number, workers: number): Check {
  return judge(
    receipts === workers,
    "each worker has its receipt",
    `${workers} workers have ${receipts} receipts`,
  );
}

function amountChecks(receipts: readonly { amount: string }[], { amount }: AskedBlock["mine"]): Check[] {
  const [receipt] = receipts;
  if (receipt === undefined) return [];
  const listed = amount ?? "0";
  return [
    judge(
      receipt.amount === listed,
      "your reward is what the receipt says",
      `your reward is ${listed} in your list, ${receipt.amount} on the receipt (1e-8 PEG)`,
    ),
  ];
}

function chainChecks(chain: BlockDetailView["chain"], root: string): Check[] {
  return chain.map(({ entryHash, directoryBlock, root: said, isRepeated }) => {
    const where = `entry ${entryHash} in directory block ${directoryBlock}`;
    if (!isRepeated)
      return {
        ok: false,
        text: `the pool has contradicted itself on the Factom chain: ${where} says ${said}`,
      };
    return judge(
      said === root,
      `the Factom chain has the same root: ${where}`,
      `the Factom chain has another root, ${said}: ${where}`,
    );
  });
}
