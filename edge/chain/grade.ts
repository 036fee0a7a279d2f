/** Makes the row under which a block of the chain is booked: grades it, finds our places and reward, and continues the moving average. */

import { fromHex, toHex } from "../../shared/bytes.ts";
import type { BlockRow, PlaceRow } from "../../shared/db/blocks.ts";
import { nextEma } from "../../shared/difficulty/ema.ts";
import { effectiveHashrate, minimumTargetOfBlock } from "../../shared/difficulty/network-hashrate.ts";
import { CodedError } from "../../shared/errors.ts";
import { type GradedEntry, gradeBlock } from "../../shared/grading/grade.ts";
import type { Hasher } from "../../shared/hash/hasher.ts";
import { type Activations, assetsOf, type OprVersion, versionAt } from "../../shared/opr/assets.ts";
import type { Opr } from "../../shared/opr/record.ts";
import type { ChainBlock } from "./reader.ts";

/** How blocks of the chain are graded and booked as the pool's. */
export interface ChainGradeOptions {
  activations: Activations;
  /** The FA address whose records are the pool's. */
  payoutAddress: string;
  /** Blocks in the moving average. */
  emaPoints: number;
  /** The place in the network whose target the minimum target is projected to. */
  cutoff: number;
  blockMs: number;
}

/** Hashing part of a block, as in the reference's rates: 8 of 10 minutes. */
const MINING_PART = 0.8;

/** The block's row and its graded places. Throws CodedError `no-version` below the first activation. */
export async function gradeChainBlock(
  block: ChainBlock,
  previous: BlockRow | undefined,
  options: ChainGradeOptions,
  hasher: Hasher,
): Promise<{ row: BlockRow; places: PlaceRow[] }> {
  const version = versionAt(block.height, options.activations);
  if (version === null) {
    throw new CodedError(
      "no-version",
      `no OPR version is active at height ${block.height}: set pegnet.startheight to the first one`,
    );
  }
  const result = await gradeBlock(
    {
      version,
      height: block.height,
      prevWinners: winnersOf(previous),
      entries: block.entries.map((entry) => ({ ...entry, entryHash: fromHex(entry.entryHash) })),
    },
    hasher,
  );
  const graded = result.graded;
  const difficulties = graded.map((entry) => entry.difficulty);
  const minTarget = minimumTargetOfBlock(difficulties, options.cutoff);
  const ema = nextEma(previous?.ema ?? undefined, minTarget, options.emaPoints);
  const places = graded.map((entry, i) => place(entry, i, options.payoutAddress));
  const ours = places.filter((one) => one.ours && one.payout > 0n);
  const [winner] = graded;
  const row: BlockRow = {
    height: block.height,
    version,
    keyMr: block.keyMr,
    at: block.timestamp,
    entries: block.entries.length,
    graded: result.isGraded,
    winners: [...result.winners],
    prices: result.isGraded && winner !== undefined ? pricesOf(winner.opr, version) : null,
    minTarget: minTarget ?? null,
    ema: ema ?? null,
    networkHashrate: networkHashrate(difficulties, options.blockMs),
    winning: ours.length,
    reward: ours.reduce((sum, one) => sum + one.payout, 0n),
  };
  return { row, places: result.isGraded ? places : [] };
}

/** The winners that each record must name; null if no earlier block has any: then the records must name none. */
function winnersOf(previous: BlockRow | undefined): string[] | null {
  return previous?.winners.some((winner) => winner !== "") === true ? previous.winners : null;
}

/** Differs from prosper-pool: only the payout address makes a record ours; anybody may use our identity's name. */
function place(entry: GradedEntry, index: number, payoutAddress: string): PlaceRow {
  return {
    position: index + 1,
    entryHash: toHex(entry.entryHash),
    difficulty: entry.difficulty,
    payout: entry.payout,
    identity: entry.opr.id.replace(/[^\x20-\x7e]/g, "?").slice(0, 255),
    ours: entry.opr.address === payoutAddress,
  };
}

/** In 1e-8 USD by asset name. */
function pricesOf(opr: Opr, version: OprVersion): Record<string, bigint> {
  const names = assetsOf(version);
  return Object.fromEntries(
    names.map((name, i): [string, bigint] => [
      name,
      opr.format === "json" ? BigInt(Math.round((opr.assets?.get(name) ?? 0) * 1e8)) : (opr.assets[i] ?? 0n),
    ]),
  );
}

/** Hashes per second of the whole network, from the last graded place. */
function networkHashrate(difficulties: bigint[], blockMs: number): number | null {
  const sorted = difficulties.toSorted((a, b) => (a > b ? -1 : 1));
  const last = sorted.at(-1);
  return last === undefined ? null : effectiveHashrate(last, sorted.length, (blockMs / 1000) * MINING_PART);
}
