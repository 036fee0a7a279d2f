/** factomd as far as payouts ask it, without a chain: entries are taken and stay where a test puts them. */

import type { Factomd } from "../../../shared/factom/client.ts";
import { entryHash } from "../../../shared/factom/entry.ts";

export interface StandInNode {
  readonly factomd: Factomd;
  /** Raw entries that were revealed, in order. */
  readonly revealed: Uint8Array[];
  /** Whether each is in a block by now, by entry hash. */
  readonly entries: Map<string, "TransactionACK" | "DBlockConfirmed">;
  /** Of the payer. */
  credits: number;
  /** Puts all that was revealed by now into a block. */
  makeBlock(): void;
  /** Begins anew. */
  reset(): void;
}

const CREDITS = 1_000;
const unused = (): never => {
  throw new Error("no payout command asks for this");
};

export function standInNode(): StandInNode {
  const entries: StandInNode["entries"] = new Map();
  const factomd: Factomd = {
    ...{ currentMinute: unused, entryBlock: unused, rawData: unused, chainHead: unused },
    ...{ commitChain: unused, revealChain: unused },
    // What the comparison with the chain finds is in test/infra/cli/payout/compare.test.ts.
    heights: async () => ({ directoryBlock: 0, leader: 1, entry: 0 }),
    async dblockByHeight(height) {
      const hashes = { networkId: "", prevKeyMr: "", prevFullHash: "", keyMr: "" };
      return { ...hashes, height, timestampMinutes: 0, entryBlocks: [] };
    },
    pendingEntries: async () => [],
    entry: async () => undefined,
    ack: async (hash) => ({ commit: "Unknown", entry: entries.get(hash) ?? "Unknown" }),
    commitEntry: async () => ({ kind: "accepted", txId: "tx", entryHash: "" }),
    async revealEntry(raw) {
      node.revealed.push(raw);
      entries.set(entryHash(raw), "TransactionACK");
      return { entryHash: entryHash(raw) };
    },
    entryCreditBalance: async () => node.credits,
  };
  const node: StandInNode = {
    factomd,
    revealed: [],
    entries,
    credits: CREDITS,
    makeBlock() {
      for (const hash of entries.keys()) entries.set(hash, "DBlockConfirmed");
    },
    reset() {
      entries.clear();
      node.revealed.length = 0;
      node.credits = CREDITS;
    },
  };
  return node;
}
