/** Executes FAT-2 batches against PEG balances, as pegnetd does at the end of a block: each batch wholly or not at all. */

import { parseEntry } from "../../shared/factom/entry.ts";
import { type Fat2Batch, parseFat2Batch } from "../../shared/factom/fat2-parse.ts";

/** pegnetd's `executed`: the height at which the batch was executed, or a negative reason. */
export const REJECTED_INVALID = -1;
export const REJECTED_INSUFFICIENT = -2;

export interface ExecutedEntry {
  readonly hash: string;
  readonly executed: number;
}

export interface Execution {
  readonly transactions: readonly ExecutedEntry[];
  /** New balances of the addresses that changed, in 1e-8 PEG. */
  readonly balances: ReadonlyMap<string, bigint>;
}

export interface ToExecute {
  readonly hash: string;
  readonly raw: Uint8Array;
  /** Unix seconds of the entry's block minute. */
  readonly timestampS: number;
}

/**
 * Executes the entries in order. Balances are PEG only: conversions and other tokens are refused as not covered.
 * Entries that are no batch at all are ignored, with `REJECTED_INVALID`.
 */
export function executeBatches(
  entries: readonly ToExecute[],
  height: number,
  balanceOf: (address: string) => bigint,
): Execution {
  const balances = new Map<string, bigint>();
  const current = (address: string): bigint => balances.get(address) ?? balanceOf(address);
  const transactions = entries.map(({ hash, raw, timestampS }) => {
    const entry = parseEntry(raw);
    const parsed = entry.ok ? parseFat2Batch(entry.entry, timestampS) : entry;
    if (!parsed.ok) return { hash, executed: REJECTED_INVALID };
    const moved = applyMoves(parsed.batch, current);
    if (moved === undefined) return { hash, executed: REJECTED_INSUFFICIENT };
    for (const [address, balance] of moved) balances.set(address, balance);
    return { hash, executed: height };
  });
  return { transactions, balances };
}

/** New balances after all moves of a batch in their order; undefined if one is not covered. */
function applyMoves(
  { source, transactions }: Fat2Batch,
  balanceOf: (address: string) => bigint,
): ReadonlyMap<string, bigint> | undefined {
  const moved = new Map<string, bigint>();
  const current = (address: string): bigint => moved.get(address) ?? balanceOf(address);
  for (const { amount, ticker, conversion, transfers } of transactions) {
    if (ticker !== "PEG" || conversion !== undefined || current(source) < amount) return undefined;
    moved.set(source, current(source) - amount);
    for (const transfer of transfers)
      moved.set(transfer.address, current(transfer.address) + transfer.amount);
  }
  return moved;
}
