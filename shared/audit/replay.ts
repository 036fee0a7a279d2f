/**
 * Makes the books a second time (docs/design.md, "The books can be made again"), from the deltas and the recorded decisions alone,
 * in the order of the heights, and compares them with every stored row. It shares the arithmetic of a settlement with the seal. It shares
 * nothing else with the statements that booked: sums are made here, not in the database.
 */

import * as v from "valibot";
import { feeRate } from "../accounting/fee.ts";
import { isBefore } from "../accounting/merkle.ts";
import { attemptId, type Settlement, settleReward } from "../accounting/seal.ts";
import type { ArchiveStore } from "../archive/store.ts";
import { type Db, one, sql } from "../db/port.ts";
import type { Audit, UserAudit } from "./audit.ts";
import { BooksHash } from "./books-hash.ts";
import { Differences } from "./differences.ts";
import type { WorkSums } from "./rebook.ts";
import { replayArchive } from "./replay-archive.ts";
import { replayMoney } from "./replay-money.ts";
import {
  ByHeight,
  type HeightRow,
  readHeights,
  readPayouts,
  readTallies,
  readWork,
  type StoredPayout,
  type StoredTally,
  type StoredWork,
} from "./replay-rows.ts";
import { ReplayedWork } from "./replay-work.ts";

export interface ReplayOptions {
  /** How many differences are named. */
  readonly named: number;
  /** Where the deltas of sealed blocks are; CodedError `archive-unknown` where it is needed and not given. */
  readonly archive?: ArchiveStore | undefined;
  /** Heights done, of all. */
  readonly onProgress?: (done: number, total: number) => void;
}

export interface Replay {
  /** The books as the records make them; `problems` are the named differences. */
  readonly audit: Audit;
  readonly differences: number;
  readonly deltas: number;
  /** Of the archive, whose list was hashed again; those that hold deltas were read. */
  readonly archiveFiles: number;
  /** The highest sealed block; -1 where there is none. */
  readonly through: number;
  /** Hash over all sealed blocks, adjustments, payments and balances. Equal books give the same hash on any machine. */
  readonly sha256: string;
}

/** Reads one snapshot, locks nothing, keeps one job's sums and the users in memory. */
export function replayBooks(db: Db, options: ReplayOptions): Promise<Replay> {
  return db.transaction(async (tx) => {
    await tx.execute(sql`SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY`);
    const { total } = await one(
      tx,
      sql`SELECT count(*)::int AS total FROM jobs`,
      v.object({ total: v.number() }),
    );
    const run = new ReplayRun(tx, options);
    await run.archive();
    let done = 0;
    for await (const row of readHeights(tx)) {
      await run.height(row);
      if (row.state !== null) options.onProgress?.(++done, total);
    }
    return run.finish();
  });
}

class ReplayRun {
  readonly #db: Db;
  readonly #differences: Differences;
  readonly #hash = new BooksHash();
  readonly #replayed: ReplayedWork;
  readonly #work: ByHeight<StoredWork>;
  readonly #payouts: ByHeight<StoredPayout>;
  readonly #tallies: ByHeight<StoredTally>;
  readonly #jobless = new Map<number, bigint>();
  readonly #booked = new Map<string, bigint>();
  /** Heights that paid us, had no job and are booked nowhere yet. This is an error as soon as a later job is closed. */
  #unbooked: number[] = [];
  #unsealed: number[] = [];
  #firstJob: number | undefined;
  #archiveFiles = 0;
  #carried = 0n;
  #through = -1;
  readonly #totals = { blocks: 0, reward: 0n, fee: 0n, paid: 0n };

  constructor(db: Db, { named, archive }: ReplayOptions) {
    this.#db = db;
    this.#differences = new Differences(named);
    this.#replayed = new ReplayedWork(db, this.#differences, archive);
    this.#work = new ByHeight(readWork(db), ({ job }) => job);
    this.#payouts = new ByHeight(readPayouts(db), ({ job }) => job);
    this.#tallies = new ByHeight(readTallies(db), ({ job }) => job);
  }

  /** Before everything else: a list that was changed makes many differences. */
  async archive(): Promise<void> {
    this.#archiveFiles = await replayArchive(this.#db, this.#differences);
  }

  async height(row: HeightRow): Promise<void> {
    this.#checkBlock(row);
    const made = await this.#replayed.take(row.height, row.credit);
    const work = await this.#rowsOf(row, this.#work, "work");
    const payouts = await this.#rowsOf(row, this.#payouts, "payouts");
    const tallies = await this.#rowsOf(row, this.#tallies, "tallies");
    if (row.state === null) return;
    this.#firstJob ??= row.height;
    this.#differences.compareRows(
      (sums) => `job ${row.height}, work of ${sums.user}/${sums.worker}`,
      isBefore,
      ["shares", "work", "best", "rejected", "lateShares"],
      work,
      made,
    );
    this.#differences.compareRows(
      ({ user }) => `job ${row.height}, tally of ${user}`,
      (a, b) => a.user < b.user,
      ["judged", "sent"],
      tallies,
      this.#replayed.takeTallies(row.height).map((tally) => ({ ...tally, job: row.height })),
    );
    if (row.state === "sealed") this.#sealed(row, made, payouts);
    else this.#notSealed(row, payouts);
  }

  async finish(): Promise<Replay> {
    const differences = this.#differences;
    await this.#replayed.finish();
    for (const height of this.#jobless.keys())
      differences.add(
        `job ${height}: rewards of blocks without a job are carried into it, but it does not exist`,
      );
    for (const stream of [this.#work, this.#payouts, this.#tallies])
      for await (const { job } of stream.upTo(Number.POSITIVE_INFINITY))
        differences.add(`job ${job}: it does not exist, but has work, payouts or tallies`);
    const money = await replayMoney(this.#db, this.#booked, { differences, hash: this.#hash });
    const users = new Map<string, UserAudit>();
    for (const [name, balance] of money) users.set(name, { ...this.#replayed.accepted(name), ...balance });
    return {
      audit: {
        ...this.#totals,
        carried: this.#carried,
        adjusted: [...users.values()].reduce((sum, { adjusted }) => sum + adjusted, 0n),
        users,
        problems: differences.first,
      },
      differences: differences.count,
      deltas: this.#replayed.deltas,
      archiveFiles: this.#archiveFiles,
      through: this.#through,
      sha256: this.#hash.hex(),
    };
  }

  async #rowsOf<Row extends { job: number }>(
    row: HeightRow,
    stream: ByHeight<Row>,
    what: string,
  ): Promise<Row[]> {
    const rows: Row[] = [];
    for await (const one of stream.upTo(row.height)) {
      if (one.job === row.height && row.state !== null) rows.push(one);
      else this.#differences.add(`job ${one.job}: it does not exist, but has ${what}`);
    }
    return rows;
  }

  /** Checks the block's reward against its places. Where the pool had no job, also checks which job the reward is carried into. */
  #checkBlock(row: HeightRow): void {
    const { height, blockReward, placesReward, joblessReward, joblessInto } = row;
    const where = `block ${height}`;
    if (placesReward !== null && blockReward !== null)
      this.#differences.compare(where, ["reward"], { reward: blockReward }, { reward: placesReward });
    if (joblessReward !== null && joblessInto !== null) {
      const made = row.state === null ? blockReward : "nothing, since it has a job";
      this.#differences.compare(
        `${where}, without a job`,
        ["reward"],
        { reward: joblessReward },
        { reward: made },
      );
      if (this.#firstJob === undefined)
        this.#differences.add(`${where}, without a job: it is booked, but lies before the pool's first job`);
      if (joblessInto <= height)
        this.#differences.add(
          `${where}, without a job: it is carried into job ${joblessInto}, an earlier one`,
        );
      this.#jobless.set(joblessInto, (this.#jobless.get(joblessInto) ?? 0n) + (blockReward ?? 0n));
    } else if (row.state === null && (blockReward ?? 0n) > 0n && this.#firstJob !== undefined) {
      this.#unbooked.push(height);
    }
  }

  /** Checks a job whose books are not final: it may be closing, but it must have no final payout. */
  #notSealed(row: HeightRow, payouts: readonly StoredPayout[]): void {
    this.#unsealed.push(row.height);
    // While a job is closing these are decided, but not booked yet.
    this.#jobless.delete(row.height);
    if (row.state === "closing") this.#missBooked();
    else if (payouts.length > 0) this.#differences.add(`job ${row.height}: it is open, but has payouts`);
  }

  #missBooked(): void {
    for (const height of this.#unbooked)
      this.#differences.add(`block ${height}: it paid us without a job, and its reward is booked nowhere`);
    this.#unbooked = [];
  }

  #sealed(row: HeightRow, leaves: readonly WorkSums[], payouts: readonly StoredPayout[]): void {
    const { height, blockReward } = row;
    const where = `block ${height}`;
    this.#missBooked();
    for (const lower of this.#unsealed)
      this.#differences.add(`job ${lower}: it is not sealed though a higher one is`);
    this.#unsealed = [];
    if (blockReward === null)
      this.#differences.add(`${where}: it is sealed, but the chain's block is not there`);
    const jobless = this.#jobless.get(height) ?? 0n;
    this.#jobless.delete(height);
    const reward = blockReward ?? row.reward ?? 0n;
    const carriedIn = this.#carried + jobless;
    const settled = settleReward({
      ...{ height, reward, carriedIn, leaves },
      rate: feeRate(row.rate ?? 0n),
      split: row.split ?? "largest-remainder",
    });
    const made = { ...settled, reward, carriedIn, winning: row.blockWinning, attempt: attemptId(settled) };
    this.#differences.compare(
      where,
      ["reward", "carriedIn", "fee", "paid", "carried", "shares", "work", "winning", "root", "attempt"],
      row,
      made,
    );
    this.#comparePayouts(row, settled, payouts);
    for (const { user, amount } of settled.users)
      this.#booked.set(user, (this.#booked.get(user) ?? 0n) + amount);
    this.#carried = settled.carried;
    this.#through = height;
    this.#totals.blocks++;
    this.#totals.reward += reward + jobless;
    this.#totals.fee += settled.fee;
    this.#totals.paid += settled.paid;
    this.#hash.block(row, made, leaves);
  }

  #comparePayouts(row: HeightRow, settled: Settlement, payouts: readonly StoredPayout[]): void {
    const standing = payouts.filter(({ attempt }) => attempt === row.attempt);
    if (standing.length < payouts.length)
      this.#differences.add(
        `block ${row.height}: ${payouts.length - standing.length} payouts belong to no seal`,
      );
    this.#differences.compareRows(
      ({ user }) => `block ${row.height}, payout of ${user}`,
      (a, b) => a.user < b.user,
      ["shares", "work", "amount"],
      standing,
      settled.users.map((user) => ({ ...user, job: row.height, attempt: row.attempt ?? "" })),
    );
  }
}
