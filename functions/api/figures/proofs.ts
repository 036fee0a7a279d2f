/** Proof files for miners, made when they are asked for: a sealed block never changes, so its proofs and receipts never do (docs/proofs.md). */

import { isBefore, type LeafGroup, leavesIn } from "../../../shared/accounting/merkle.ts";
import type { Clock } from "../../../shared/clock.ts";
import { readGroups } from "../../../shared/db/leaf-groups.ts";
import type { Db } from "../../../shared/db/port.ts";
import { sealedBooksOf } from "../../../shared/db/proofs.ts";
import { readLeaves } from "../../../shared/db/seals.ts";
import { WORKER_LIMITS } from "../../../shared/db/workers.ts";
import { CodedError } from "../../../shared/errors.ts";
import { WorkTree } from "../../../shared/proofs/merkle-proof.ts";
import type { ProofFile } from "../../../shared/proofs/proof-file.ts";
import { formatProof } from "../../../shared/proofs/proof-format.ts";
import { signReceipt } from "../../../shared/proofs/receipt.ts";
import { cachedBy } from "../http/cache.ts";
import type { ReceiptKeySource } from "./receipt-keys.ts";

/** Whole trees kept for other workers who ask about the same block. A tree of 10,000 workers takes some MB. */
const KEPT_TREES = 4;
const KEEP_TREE_MS = 60_000;
/** Of one answer. Each is signed, which takes some 40 µs: a farm's come in parts. */
export const RECEIPTS = 250;
/** In one proof. The number of workers that the books have room for (WORKER_LIMITS), and the rest row; only blocks from before that limit have more. */
export const MOST_WORKERS = WORKER_LIMITS.inJob + 1;

export interface ProofOf {
  /** Without it: all the user's workers. */
  readonly worker?: string | undefined;
  /** How many receipts came before; then the proof is of the workers that the next ones are of. */
  readonly receipts?: number | undefined;
}

export type ProofOutcome =
  /** `next`: how many receipts there are with this answer's; null where these are all. */
  | { readonly kind: "proof"; readonly file: ProofFile; readonly next: number | null }
  /** The block is not sealed, or there is none. */
  | { readonly kind: "not-sealed" }
  | { readonly kind: "no-work" }
  | { readonly kind: "too-many"; readonly workers: number };

export interface Proofs {
  /** With all workers that are asked for, and the receipts of the first; without receipts where the pool has no key. Throws CodedError `root-mismatch`: the stored work is not what was sealed. */
  prove(height: number, user: string, of?: ProofOf): Promise<ProofOutcome>;
}

export function createProofs(
  options: { poolName: string },
  modules: { db: Db; clock: Clock; receiptKeys?: ReceiptKeySource },
): Proofs {
  const { db, clock } = modules;
  const treeOf = cachedBy(
    clock,
    KEEP_TREE_MS,
    KEPT_TREES,
    inTurn((height: string) => loadTree(db, Number(height))),
  );
  return {
    async prove(height, user, { worker, receipts: from = 0 } = {}) {
      const books = await sealedBooksOf(db, height, user);
      if (books === undefined) return { kind: "not-sealed" };
      const part = await loadGroups(db, height, { user, worker });
      const tree = part?.root === books.root ? part : await treeOf(String(height));
      if (tree.root !== books.root)
        throw new CodedError(
          "root-mismatch",
          `block ${height}: the stored work makes root ${tree.root}, sealed was ${books.root}: run prosper audit --replay`,
        );
      const whole = tree.prove(user, worker);
      const count = whole?.workers.length ?? 0;
      if (whole === undefined || from >= count) return { kind: "no-work" };
      if (count > MOST_WORKERS) return { kind: "too-many", workers: count };
      const end = Math.min(count, from + RECEIPTS);
      const proof = from === 0 ? whole : tree.proveRange(whole.first + from, whole.first + end);
      const { root, amount, ...money } = books;
      const { poolName: pool } = options;
      const keys = (await modules.receiptKeys?.())?.signing;
      const stated = { pool, height, root, amount: amount ?? 0n };
      const signed = whole.workers.slice(from, end);
      const receipts =
        keys === undefined ? [] : signed.map((leaf) => signReceipt({ ...stated, ...leaf }, keys));
      return {
        kind: "proof",
        file: formatProof(proof, { pool, root, ...tree.sums, books: money }, receipts),
        next: keys === undefined || end === count ? null : end,
      };
    },
  };
}

/** The tree with the leaves of those groups that a user's workers, or one of them, may be in; undefined where no groups are kept, or do not fit the leaves. */
async function loadGroups(
  db: Db,
  height: number,
  { user, worker }: { readonly user: string; readonly worker: string | undefined },
): Promise<WorkTree | undefined> {
  const groups = await readGroups(db, height);
  const from = groups.findIndex(({ last }) => !isBefore(last, { user, worker: worker ?? "" }));
  if (from < 0) return undefined;
  // The last one is that which another's leaf ends.
  const goesOn = ({ last }: LeafGroup): boolean => worker === undefined && last.user === user;
  const end = groups.findIndex((group, at) => at >= from && !goesOn(group));
  const own = groups.slice(from, end < 0 ? undefined : end + 1);
  const most = leavesIn(own);
  const leaves = await readLeaves(db, height, { after: groups[from - 1]?.last, most });
  return leaves.length === most ? new WorkTree(height, leaves, { groups, from }) : undefined;
}

async function loadTree(db: Db, height: number): Promise<WorkTree> {
  return new WorkTree(height, await readLeaves(db, height));
}

/** One call at a time: a tree takes some tens of milliseconds of hashing. Many at once would make miners wait. */
function inTurn<T>(load: (key: string) => Promise<T>): (key: string) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (key) => {
    const mine = last.then(() => load(key));
    last = mine.catch(() => undefined);
    return mine;
  };
}
