/** The replay's first half: every delta, in order, from its row or the archive, into the sums of the job that it was booked into. */

import * as v from "valibot";
import { ArchivedBodies } from "../archive/archived-bodies.ts";
import type { ArchiveStore } from "../archive/store.ts";
import type { Db } from "../db/port.ts";
import type { CreditMode } from "../difficulty/work.ts";
import { CodedError } from "../errors.ts";
import { type Delta, delta as deltaSchema } from "../messages/summary.ts";
import { sha256Hex } from "../sha256.ts";
import type { Differences } from "./differences.ts";
import { inUnit, type WorkSums, WorkTally } from "./rebook.ts";
import { ByHeight, readDeltas, type StoredDelta } from "./replay-rows.ts";

const deltaBody = v.pipe(v.string(), v.parseJson(), deltaSchema);

/** What of the archive is a difference. */
const UNREADABLE = ["archive-missing", "archive-damaged"];

/** A user's accepted shares, and its work in whole hashes. */
export interface UserWorkSums {
  readonly accepted: bigint;
  readonly work: bigint;
}

/** Of one job: see shared/accounting/withholding.ts. */
export interface UserTally {
  readonly user: string;
  readonly judged: bigint;
  readonly sent: bigint;
}

export class ReplayedWork {
  readonly #differences: Differences;
  readonly #deltas: ByHeight<StoredDelta>;
  /** Sums of jobs that were not taken yet: late work, and the job at hand. */
  readonly #tallies = new Map<number, WorkTally>();
  readonly #users = new Map<string, UserWorkSums>();
  /** By the job that was mined for, then by user. */
  readonly #judged = new Map<number, Map<string, UserTally>>();
  readonly #archived: ArchivedBodies;
  #count = 0;

  constructor(db: Db, differences: Differences, archive: ArchiveStore | undefined) {
    this.#differences = differences;
    this.#archived = new ArchivedBodies(db, archive);
    this.#deltas = new ByHeight(readDeltas(db), ({ job }) => job);
  }

  /** Deltas read so far. */
  get deltas(): number {
    return this.#count;
  }

  accepted(user: string): UserWorkSums {
    return this.#users.get(user) ?? { accepted: 0n, work: 0n };
  }

  /**
   * The sums of the job at `height`, in byte order. They are complete: no delta of a later job is booked into this one. `credit` is null
   * where there is no job.
   */
  async take(height: number, credit: CreditMode | null): Promise<WorkSums[]> {
    await this.#readUpTo(height);
    const sums = this.#tallies.get(height)?.rows() ?? [];
    this.#tallies.delete(height);
    if (credit === null && sums.length > 0) this.#missesJob(height);
    for (const { user, shares, work } of sums)
      this.#accept(user, shares, inUnit(work, credit ?? "assigned", "assigned"));
    return sums;
  }

  /** The tallies of the job at `height`, in byte order of the users; after `take`, which has read all that was mined for it. */
  takeTallies(height: number): UserTally[] {
    const tallies = [...(this.#judged.get(height)?.values() ?? [])];
    this.#judged.delete(height);
    return tallies.sort((a, b) => (a.user < b.user ? -1 : 1));
  }

  #judge({ job, rows }: Delta): void {
    for (const { user, judged = "0", sent = 0 } of rows) {
      if (judged === "0") continue;
      const users = this.#judged.get(job) ?? new Map<string, UserTally>();
      this.#judged.set(job, users);
      const known = users.get(user);
      users.set(user, {
        user,
        judged: (known?.judged ?? 0n) + BigInt(judged),
        sent: (known?.sent ?? 0n) + BigInt(sent),
      });
    }
  }

  /** Reads what is left. */
  async finish(): Promise<void> {
    await this.#readUpTo(Number.POSITIVE_INFINITY);
    for (const height of this.#tallies.keys()) this.#missesJob(height);
  }

  #missesJob(height: number): void {
    this.#differences.add(`job ${height}: deltas are booked into it, but it does not exist`);
  }

  async #readUpTo(height: number): Promise<void> {
    for await (const stored of this.#deltas.upTo(height)) {
      this.#count++;
      const where = `delta ${stored.job}/${stored.slot}/${stored.epoch}/${stored.seq}`;
      const body = await this.#bodyOf(where, stored);
      if (body === undefined) continue;
      this.#judge(body);
      this.#book(where, stored, body);
    }
  }

  /** Undefined where the body cannot be read. Anything else that is wrong with it is reported. */
  async #bodyOf(where: string, stored: StoredDelta): Promise<Delta | undefined> {
    const { sha256 } = stored;
    const body = stored.body ?? (await this.#archivedBody(where, stored));
    if (body === undefined) return undefined;
    this.#differences.compare(where, ["sha256"], { sha256 }, { sha256: sha256Hex(body) });
    const parsed = v.safeParse(deltaBody, body);
    if (!parsed.success) {
      this.#differences.add(`${where}: its body is no delta: ${v.summarize(parsed.issues)}`);
      return undefined;
    }
    const { job, slot, epoch, seq } = parsed.output;
    const made = { job, slot, epoch: `${epoch}`, seq };
    this.#differences.compare(where, ["job", "slot", "epoch", "seq"], stored, made);
    return parsed.output;
  }

  /** Without a place to look in, nothing can be replayed: that is thrown. */
  async #archivedBody(where: string, { intoJob, ...key }: StoredDelta): Promise<string | undefined> {
    if (intoJob === null) {
      this.#differences.add(`${where}: it is booked nowhere, but its body is gone`);
      return undefined;
    }
    try {
      return await this.#archived.bodyOf(key, intoJob);
    } catch (error) {
      if (!(error instanceof CodedError) || !UNREADABLE.includes(error.code)) throw error;
      this.#differences.add(`${where}: ${error.message}`);
      return undefined;
    }
  }

  #book(where: string, stored: StoredDelta, body: Delta): void {
    const { job, intoJob, folded, dropped, from, to } = stored;
    if (from === null) this.#differences.add(`${where}: its job does not exist`);
    if (intoJob === null) {
      // Late work that waits for an open job: it counts as accepted, in whole hashes, from the start.
      for (const { user, shares, work } of body.rows)
        this.#accept(user, BigInt(shares), inUnit(BigInt(work), from ?? "assigned", "assigned"));
      return;
    }
    if (intoJob < job) this.#differences.add(`${where}: it is booked into job ${intoJob}, an earlier one`);
    const tally = this.#tallies.get(intoJob) ?? new WorkTally();
    this.#tallies.set(intoJob, tally);
    const units = { from: from ?? "assigned", to: to ?? "assigned" };
    for (const place of dropped)
      if (body.rows[place]?.shares !== 0)
        this.#differences.add(`${where}: row ${place} is dropped, but it has shares`);
    const strange = folded?.find((place) => body.rows[place] === undefined);
    if (strange !== undefined)
      this.#differences.add(`${where}: row ${strange} is folded, but it has no such row`);
    tally.add({ rows: body.rows, folded, dropped, isLate: intoJob !== job, ...units });
  }

  #accept(user: string, shares: bigint, work: bigint): void {
    const sums = this.accepted(user);
    this.#users.set(user, { accepted: sums.accepted + shares, work: sums.work + work });
  }
}
