/** The checks of `prosper verify` on a proof or receipt, one line each. Pure, so that anybody can run them anywhere. */

import { RATE_ONE } from "../accounting/fee.ts";
import { followProof } from "./merkle-proof.ts";
import type { ProofFile, ReceiptFile } from "./proof-file.ts";
import { proofOf, receiptOf } from "./proof-format.ts";
import { isSigned } from "./receipt.ts";

/** What the verifier knows from another place than the file: the published root, and the pool's receipt keys of now and before. */
export interface Published {
  readonly root?: string;
  /** Empty: not known. */
  readonly keys?: readonly string[];
}

export interface Check {
  readonly ok: boolean;
  readonly text: string;
}

const good = (text: string): Check => ({ ok: true, text });
const bad = (text: string): Check => ({ ok: false, text });
const judge = (ok: boolean, whenGood: string, whenBad: string): Check => (ok ? good(whenGood) : bad(whenBad));

/** Everything that can be checked; the file is good where every check is. */
export function verifyProof(file: ProofFile, published: Published = {}): Check[] {
  const { height, root, workers } = file;
  const proof = proofOf(file);
  const verdict = followProof(proof);
  if (!verdict.ok) return [bad(`the proof does not hold: ${verdict.why}`)];
  const expected = published.root ?? root;
  const whose = published.root === undefined ? "the file's own root" : "the published root";
  const checks = [
    judge(
      verdict.root === expected,
      `${workers.length === 1 ? "this worker is" : `these ${workers.length} workers are`} in block ${height} under ${whose} ${expected}`,
      `these shares and work do not lead to ${whose}: they make ${verdict.root}, expected ${expected}`,
    ),
    judge(
      root === expected,
      `the file names that root`,
      `the file names another root than the published one: ${root}`,
    ),
    judge(
      verdict.shares === BigInt(file.shares) && verdict.work === BigInt(file.work),
      `the sums add up to the whole block's ${file.shares} shares and ${file.work} work`,
      `the file says ${file.shares} shares and ${file.work} work in the block, its tree ${verdict.shares} and ${verdict.work}`,
    ),
    booksCheck(file),
  ];
  const users = provenUsers(file);
  return [...checks, ...file.receipts.flatMap((receipt) => receiptChecks(receipt, file, users, published))];
}

type Leaf = ProofFile["workers"][number];
/** What a file proves of a user. */
interface ProvenUser {
  readonly leaves: Map<string, Leaf>;
  work: bigint;
}

/** Once for all receipts: a farm's file has thousands of both. */
function provenUsers({ workers }: ProofFile): Map<string, ProvenUser> {
  const users = new Map<string, ProvenUser>();
  for (const leaf of workers) {
    const user = users.get(leaf.user) ?? { leaves: new Map<string, Leaf>(), work: 0n };
    user.leaves.set(leaf.worker, leaf);
    user.work += BigInt(leaf.work);
    users.set(leaf.user, user);
  }
  return users;
}

function booksCheck({ books }: ProofFile): Check {
  const { reward, carriedIn, fee, paid, carried } = books;
  const out = BigInt(fee) + BigInt(paid) + BigInt(carried);
  return judge(
    out === BigInt(reward) + BigInt(carriedIn),
    "the block's books are balanced: fee + paid + carried = reward + carried in",
    `the block's books are not balanced: fee ${fee} + paid ${paid} + carried ${carried} is not reward ${reward} + carried in ${carriedIn}`,
  );
}

function receiptChecks(
  receipt: ReceiptFile,
  file: ProofFile,
  users: ReadonlyMap<string, ProvenUser>,
  published: Published,
): Check[] {
  const name = nameOf(receipt);
  const user = users.get(receipt.user);
  const leaf = user?.leaves.get(receipt.worker);
  if (user === undefined || leaf === undefined)
    return [bad(`${name}: there is a receipt, but no proof of it`)];
  const isSame =
    receipt.pool === file.pool &&
    receipt.height === file.height &&
    receipt.root === file.root &&
    receipt.shares === leaf.shares &&
    receipt.work === leaf.work;
  return [
    ...verifyReceipt(receipt, published),
    judge(
      isSame,
      `${name}: the receipt says what the proof says`,
      `${name}: the receipt says something else than the proof`,
    ),
    amountCheck(receipt, file, user.work),
  ];
}

/** A receipt by itself. */
export function verifyReceipt(receipt: ReceiptFile, published: Published = {}): Check[] {
  const name = nameOf(receipt);
  const { key, root } = receipt;
  const checks = [
    judge(
      isSigned(receiptOf(receipt)),
      `${name}: the receipt is signed by key ${key}`,
      `${name}: the signature is not that of key ${key}`,
    ),
  ];
  const { keys = [] } = published;
  if (keys.length > 0)
    checks.push(
      judge(
        keys.includes(key),
        `${name}: that is the pool's key`,
        `${name}: the pool's key is ${keys.join(" or ")}, not ${key}`,
      ),
    );
  if (published.root !== undefined && root !== published.root)
    checks.push(bad(`${name}: the receipt is about root ${root}, not the published one`));
  return checks;
}

/**
 * The amount is for all workers of the user, so it must be at least the part for this user's proven work. The reference's split cuts each
 * part to 8 decimals, and carries the rest.
 */
function amountCheck(receipt: ReceiptFile, file: ProofFile, proven: bigint): Check {
  const { books } = file;
  const shared = BigInt(books.paid) + BigInt(books.carried);
  const total = BigInt(file.work);
  const part = total === 0n ? 0n : (shared * proven) / total;
  const slack = BigInt(books.carried) === 0n ? 0n : shared / RATE_ONE + 2n;
  const amount = BigInt(receipt.amount);
  return judge(
    amount >= part - slack && amount <= shared,
    `${nameOf(receipt)}: the user was booked ${receipt.amount}, and this work makes ${part} of the block's ${shared} (1e-8 PEG)`,
    `${nameOf(receipt)}: the user was booked ${receipt.amount}, but this work makes ${part} of the block's ${shared} (1e-8 PEG)`,
  );
}

function nameOf({ user, worker }: { user: string; worker: string }): string {
  return worker === "" ? user : `${user}/${worker}`;
}
