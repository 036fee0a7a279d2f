/**
 * The next job. The first edge that comes to it builds it from the newest prices; from then on it is one row for all edges
 * (docs/design.md, "One job for a height").
 */

import { toHex } from "../../shared/bytes.ts";
import type { BlockRow } from "../../shared/db/blocks.ts";
import { insertJob, type JobRow, readJob } from "../../shared/db/jobs.ts";
import type { Db } from "../../shared/db/port.ts";
import { isFromFuture } from "../../shared/db/prices.ts";
import { CodedError } from "../../shared/errors.ts";
import { buildOpr } from "../../shared/grading/build-record.ts";
import { type Activations, versionAt } from "../../shared/opr/assets.ts";

/** The newest row that the poller wrote. */
export interface NewestPrices {
  id: bigint;
  atMs: number;
  /** By the database's clock. */
  ageMs: number;
  /** 1e-8 USD by asset name. */
  prices: Record<string, bigint>;
}

export interface NextJobOptions {
  activations: Activations;
  /** FA address that the record pays. */
  payoutAddress: string;
  identity: string;
  /** Fixed in the job's row, so that a later change of settings leaves running jobs alone. */
  terms: Pick<JobRow, "feeRate" | "split" | "credit">;
  /** No job is made from older prices. */
  staleMs: number;
}

export interface NextJobModules {
  db: Db;
  newestPrices: () => Promise<NewestPrices | undefined>;
}

/** The job on top of `block`. Throws CodedError `no-prices` or `no-record` where none can be made yet, `db-away` with the database. */
export async function makeNextJob(
  block: BlockRow,
  options: NextJobOptions,
  modules: NextJobModules,
): Promise<JobRow> {
  const height = block.height + 1;
  const existing = await readJob(modules.db, height);
  if (existing !== undefined) return existing;
  const version = versionAt(height, options.activations);
  if (version === null) throw new CodedError("no-version", `no OPR version is active at height ${height}`);
  const prices = await freshPrices(options.staleMs, modules.newestPrices);
  const record = buildOpr({
    version,
    height,
    address: options.payoutAddress,
    identity: options.identity,
    prevWinners: block.winners.every((winner) => winner === "") ? null : block.winners,
    prices: new Map(Object.entries(prices.prices)),
  });
  if (!record.ok) throw new CodedError("no-record", `no valid record for height ${height}: ${record.reason}`);
  const job: JobRow = {
    height,
    version,
    oprHash: toHex(record.oprHash),
    opr: record.content,
    prices: prices.prices,
    threshold: block.ema ?? 0n,
    ...options.terms,
  };
  return insertJob(modules.db, job, prices.id);
}

/**
 * The newest row, if it is fresh by the database's clock. Throws CodedError `no-prices`. Throws `prices-future` (an alarm) if the row's age is
 * not known because that clock was set back; the poller then writes a new row.
 */
export async function freshPrices(
  staleMs: number,
  newestPrices: () => Promise<NewestPrices | undefined>,
): Promise<NewestPrices> {
  const prices = await newestPrices();
  if (prices === undefined)
    throw new CodedError("no-prices", "no prices were polled yet: see `prosper pullsources`");
  const { ageMs } = prices;
  if (isFromFuture(prices)) {
    throw new CodedError(
      "prices-future",
      `the newest prices are from ${Math.round(-ageMs / 1000)} seconds after now: the database's clock was set back; they wait for the next poll; check that host's time service`,
    );
  }
  if (ageMs > staleMs) {
    throw new CodedError(
      "no-prices",
      `the newest prices are ${Math.round(ageMs / 60_000)} minutes old, ${Math.round(staleMs / 60_000)} are allowed: see \`prosper pullsources\``,
    );
  }
  return prices;
}
