/** Commits and reveals on their way into a block. Like factomd, it takes what is well-formed, and only paid entries get in. */

import { toHex } from "../../shared/bytes.ts";
import { type Commit, isCommitOf } from "../../shared/factom/commit.ts";
import { type Entry, entryCost } from "../../shared/factom/entry.ts";

export interface RevealedEntry {
  readonly hash: string;
  readonly chainId: string;
  readonly raw: Uint8Array;
  /** When it was revealed. */
  readonly height: number;
  /** 1 to 10. */
  readonly minute: number;
}

/** Where the chain stands when a message comes in. */
export interface Moment {
  /** Of the block being made. */
  readonly height: number;
  readonly minute: number;
}

export interface MempoolOptions {
  /** For how many blocks an unrevealed commit, or a reveal without a commit, is kept. */
  readonly keepBlocks: number;
  /** The most commits held, and the most reveals. When full, the oldest goes first. */
  readonly limit: number;
}

export interface MempoolModules {
  /** Takes the credits and tells true, or takes nothing and tells false. */
  readonly pay: (publicKey: string, credits: number) => boolean;
  /** True for a chain that has a first entry. */
  readonly hasChain: (chainId: string) => boolean;
}

interface HeldCommit {
  readonly credits: number;
  readonly chain: Commit["chain"];
  readonly txId: string;
  readonly height: number;
}

export interface Mempool {
  /** False where an equal or better commit of the entry is held. An unpaid commit is taken and forgotten, as factomd does. */
  commit(commit: Commit, at: Moment): boolean;
  reveal(entry: Entry, raw: Uint8Array, hash: string, at: Moment): void;
  /** Revealed entries whose commit pays for them, in the order in which that became true. */
  ready(): readonly RevealedEntry[];
  /** Every held reveal, paid or not. */
  revealed(): readonly RevealedEntry[];
  isPaid(entryHash: string): boolean;
  /** The entry that a commit's transaction id pays for. */
  entryOfTx(txId: string): string | undefined;
  txOfEntry(entryHash: string): string | undefined;
  /** Removes entries that went into a block, and what is too old at `height`. */
  removeIncluded(included: ReadonlySet<string>, height: number): void;
}

export function createMempool(options: MempoolOptions, modules: MempoolModules): Mempool {
  const commits = new Map<string, HeldCommit>();
  const reveals = new Map<string, RevealedEntry>();
  const paid = new Map<string, RevealedEntry>();

  const match = (hash: string): void => {
    const commit = commits.get(hash);
    const reveal = reveals.get(hash);
    if (commit === undefined || reveal === undefined) return;
    const { chainId, raw } = reveal;
    const isNew = !modules.hasChain(chainId);
    if (isNew && !(commit.chain && isCommitOf(commit.chain, chainId, hash))) return;
    if (commit.credits >= entryCost(raw.length, isNew)) paid.set(hash, reveal);
  };
  const dropOldest = (map: Map<string, unknown>): void => {
    const [oldest] = map.keys();
    if (map.size <= options.limit || oldest === undefined) return;
    map.delete(oldest);
    paid.delete(oldest);
  };
  return {
    commit(commit, { height }) {
      const { entryHash, credits, txId, chain } = commit;
      const held = commits.get(entryHash);
      if (held !== undefined && held.credits >= credits) return false;
      if (!modules.pay(toHex(commit.publicKey), credits)) return true;
      commits.set(entryHash, { credits, chain, txId, height });
      match(entryHash);
      dropOldest(commits);
      return true;
    },
    reveal(entry, raw, hash, { height, minute }) {
      if (reveals.has(hash)) return;
      reveals.set(hash, { hash, chainId: entry.chainId, raw, height, minute });
      match(hash);
      dropOldest(reveals);
    },
    ready: () => [...paid.values()],
    revealed: () => [...reveals.values()],
    isPaid: (entryHash) => paid.has(entryHash),
    entryOfTx: (txId) => [...commits].find(([, commit]) => commit.txId === txId)?.[0],
    txOfEntry: (entryHash) => commits.get(entryHash)?.txId,
    removeIncluded(included, height) {
      for (const [hash, reveal] of reveals)
        if (included.has(hash) || reveal.height + options.keepBlocks < height) reveals.delete(hash);
      for (const [hash, commit] of commits)
        if (included.has(hash) || commit.height + options.keepBlocks < height) commits.delete(hash);
      for (const hash of paid.keys()) if (!reveals.has(hash) || !commits.has(hash)) paid.delete(hash);
    },
  };
}
