/** Puts a block together: entry blocks, grading, rewards and executed transactions, as one record. Pure but for the hasher. */

import { fromHex } from "../../shared/bytes.ts";
import { OPR_CHAIN, parseEntry, TRANSACTION_CHAIN } from "../../shared/factom/entry.ts";
import { type GradedBlock, gradeBlock } from "../../shared/grading/grade.ts";
import type { Hasher } from "../../shared/hash/hasher.ts";
import type { OprVersion } from "../../shared/opr/assets.ts";
import type { OprEntry } from "../../shared/opr/opr-entry.ts";
import { type DevnetChain, directoryBlockOf, entryBlockOf } from "./chain.ts";
import type { BlockRecord } from "./chain-records.ts";
import { executeBatches } from "./execute-batches.ts";

export interface BlockEntry {
  readonly hash: string;
  readonly chainId: string;
  readonly raw: Uint8Array;
  /** 1 to 10. */
  readonly minute: number;
}

export interface BlockContents {
  readonly height: number;
  readonly version: OprVersion | null;
  /** Unix milliseconds of the block's start. */
  readonly startedMs: number;
  readonly entries: readonly BlockEntry[];
  /** Overrides the chain's own, for the first block of a replay. */
  readonly prevWinners?: readonly string[];
}

export interface MadeBlock {
  readonly record: BlockRecord;
  /** In the order of the record's chains. */
  readonly raws: readonly Uint8Array[];
  readonly graded: GradedBlock | undefined;
}

const ZERO_HASH = "00".repeat(32);

/** The block on top of the chain's tip. Rewards come after transactions: what is won in a block can be spent in the next. */
export async function makeBlock(
  contents: BlockContents,
  chain: DevnetChain,
  hasher: Hasher,
): Promise<MadeBlock> {
  const { height } = contents;
  const timestampMinutes = Math.floor(contents.startedMs / 60_000);
  const byChain = groupByChain(contents.entries);
  const chains = [...byChain].map(([chainId, entries]) => chainRecord(height, chainId, entries, chain));
  const graded = await grade(contents, byChain.get(OPR_CHAIN) ?? [], chain, hasher);
  const rewards = sumRewards(graded);
  const executed = executeBatches(
    (byChain.get(TRANSACTION_CHAIN) ?? []).map((entry) => ({
      ...entry,
      timestampS: timestampMinutes * 60 + entry.minute * 60,
    })),
    height,
    (address) => chain.balance(address) ?? 0n,
  );
  const balances = new Map(executed.balances);
  for (const [address, reward] of rewards)
    balances.set(address, (balances.get(address) ?? chain.balance(address) ?? 0n) + reward);
  const bare: Omit<BlockRecord, "keyMr" | "fullHash"> = {
    type: "block",
    height,
    timestampMinutes,
    prevKeyMr: chain.tip?.keyMr ?? ZERO_HASH,
    prevFullHash: chain.tip?.fullHash ?? ZERO_HASH,
    chains,
    version: contents.version,
    winners: graded?.isGraded ? [...graded.winners] : [...(contents.prevWinners ?? chain.winners)],
    rewards: [...rewards],
    transactions: [...executed.transactions],
    balances: [...balances],
    credits: chain.allCredits(),
  };
  const { keyMr, fullHash } = directoryBlockOf(bare).hashes;
  const raws = [...byChain.values()].flatMap((entries) => entries.map((entry) => entry.raw));
  return { record: { ...bare, keyMr, fullHash }, raws, graded };
}

/** Chains in ascending order; entries by minute, within a minute in the order given. */
function groupByChain(entries: readonly BlockEntry[]): Map<string, BlockEntry[]> {
  const ordered = entries.toSorted((a, b) => a.minute - b.minute);
  const groups = Map.groupBy(ordered, (entry) => entry.chainId);
  return new Map([...groups].sort(([a], [b]) => (a < b ? -1 : 1)));
}

function chainRecord(
  height: number,
  chainId: string,
  entries: readonly BlockEntry[],
  chain: DevnetChain,
): BlockRecord["chains"][number] {
  const head = chain.head(chainId);
  const bare = {
    chainId,
    sequence: head === undefined ? 0 : head.sequence + 1,
    prevKeyMr: head?.keyMr ?? ZERO_HASH,
    prevFullHash: head?.fullHash ?? ZERO_HASH,
    entries: entries.map(({ hash, minute }) => ({ hash, minute })),
  };
  const { keyMr, fullHash } = entryBlockOf(height, bare).hashes;
  return { ...bare, keyMr, fullHash };
}

/** Undefined where the block has no OPRs, or the network no version yet. */
async function grade(
  contents: BlockContents,
  entries: readonly BlockEntry[],
  chain: DevnetChain,
  hasher: Hasher,
): Promise<GradedBlock | undefined> {
  const { version, height } = contents;
  if (version === null || entries.length === 0) return undefined;
  const oprs = entries.flatMap(({ hash, raw }): OprEntry[] => {
    const parsed = parseEntry(raw);
    return parsed.ok ? [{ entryHash: fromHex(hash), ...parsed.entry }] : [];
  });
  const prevWinners = contents.prevWinners ?? chain.winners;
  return gradeBlock({ version, height, prevWinners, entries: oprs }, hasher);
}

function sumRewards(graded: GradedBlock | undefined): Map<string, bigint> {
  const rewards = new Map<string, bigint>();
  for (const { opr, payout } of graded?.graded ?? [])
    if (payout > 0n) rewards.set(opr.address, (rewards.get(opr.address) ?? 0n) + payout);
  return rewards;
}
