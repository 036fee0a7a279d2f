/** What one block looked like, for a line on the terminal and for the rivals' effort. */

import { OPR_CHAIN, TRANSACTION_CHAIN } from "../../shared/factom/entry.ts";
import type { MadeBlock } from "./block-maker.ts";

export interface DevnetBlock {
  readonly height: number;
  readonly oprEntries: number;
  readonly isGraded: boolean;
  /** Graded entries of miners that are no rivals, and how many of them are paid. */
  readonly otherGraded: number;
  readonly otherWinning: number;
  readonly otherDifficulties: readonly bigint[];
  /** FAT-2 entries, and how many of them were executed. */
  readonly transactions: number;
  readonly executed: number;
  readonly rivalHashes: number;
}

export function summarise(
  { record, graded }: MadeBlock,
  rivalAddresses: ReadonlySet<string>,
  rivalHashes: number,
): DevnetBlock {
  const entriesOf = (chainId: string): number =>
    record.chains.find((one) => one.chainId === chainId)?.entries.length ?? 0;
  const others = (graded?.graded ?? []).filter((entry) => !rivalAddresses.has(entry.opr.address));
  return {
    height: record.height,
    oprEntries: entriesOf(OPR_CHAIN),
    isGraded: graded?.isGraded ?? false,
    otherGraded: others.length,
    otherWinning: others.filter((entry) => entry.payout > 0n).length,
    otherDifficulties: others.map((entry) => entry.difficulty),
    transactions: entriesOf(TRANSACTION_CHAIN),
    executed: record.transactions.filter((one) => one.executed > 0).length,
    rivalHashes,
  };
}
