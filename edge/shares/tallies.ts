/** What this edge still owes to accounting. For each job and epoch: counters that are not cut yet, the next seq, and whether the close marker is in the journal. */

import * as v from "valibot";
import { tallyOf } from "../../shared/accounting/withholding.ts";
import type { TallyKey } from "../../shared/db/edges.ts";
import { type CreditMode, workOfShare } from "../../shared/difficulty/work.ts";
import type { RecordPlace } from "../journal/journal.ts";
import {
  type CloseRecord,
  type CutRecord,
  type EpochRecord,
  epochRecord,
  type JobRecord,
  jobRecord,
  type ShareRecord,
  tallyKey,
} from "../journal/records.ts";
import { Refusals } from "./refusals.ts";
import { Window } from "./window.ts";

/** `open`: shares may come. `closing`: none will; what is left must be cut and marked. `closed`: its marker is on record. */
export interface JobTally extends TallyKey {
  readonly credit: CreditMode;
  /** The threshold of its job: see tallyOf. */
  threshold: bigint;
  state: "open" | "closing" | "closed";
  window: Window;
  readonly refusals: Refusals;
  /** Seq of the next delta; the close marker holds this less one. */
  nextSeq: number;
}

const stateSchema = v.object({
  epoch: v.nullable(epochRecord),
  /** The tallies; journals of earlier versions have them under this name too. */
  books: v.array(
    v.object({
      ...tallyKey,
      credit: v.picklist(["assigned", "achieved"] satisfies CreditMode[]),
      nextSeq: v.number(),
      closed: v.boolean(),
      threshold: jobRecord.entries.threshold,
    }),
  ),
});

/** The tallies by key, and which journal files hold something of which tally. Only durable records change them. */
export class Tallies {
  readonly #tallies = new Map<string, JobTally>();
  readonly #files = new Map<number, Set<JobTally>>();
  #epoch: EpochRecord | undefined;
  #newest: JobTally | undefined;

  /** Shares from here on belong to this epoch. */
  beginEpoch(epoch: EpochRecord): void {
    this.#epoch = epoch;
  }

  epoch(): EpochRecord | undefined {
    return this.#epoch;
  }

  /** False if the job after this one already had its row when the epoch began: the sealer waits for nothing that this epoch does for such a job. */
  covers(job: Pick<JobRecord, "height">): boolean {
    return job.height >= (this.#epoch?.firstJob ?? 0);
  }

  /** The present epoch's tally of a job, made when missing. */
  open(job: Pick<JobRecord, "height" | "credit" | "threshold">): JobTally {
    const epoch = this.#epoch;
    if (epoch === undefined) throw new RangeError("a job is opened in an epoch, and none has begun");
    // Almost every share is for the newest job, and asks several times. A job's threshold never changes.
    const newest = this.#newest;
    if (newest?.job === job.height && newest.epoch === epoch.epoch && newest.slot === epoch.slot)
      return newest;
    const tally = this.#at({ job: job.height, slot: epoch.slot, epoch: epoch.epoch }, job.credit);
    tally.threshold = BigInt(job.threshold ?? tally.threshold);
    if (this.#newest === undefined || tally.job >= this.#newest.job) this.#newest = tally;
    return tally;
  }

  /** The tally of any epoch; an empty one if the job was never opened in that epoch. */
  tally(key: TallyKey): JobTally {
    return this.#at(key, "assigned");
  }

  /** A durable share, in its job's unit of work. */
  credit(
    job: Pick<JobRecord, "height" | "credit" | "threshold">,
    share: ShareRecord,
    place: RecordPlace,
  ): JobTally {
    const tally = this.open(job);
    // This cannot happen. If it does, the work is still sent, and accounting raises the alarm.
    if (tally.state === "closed") tally.state = "closing";
    addShare(tally, share);
    this.note(tally, place.segment);
    return tally;
  }

  /** Notes a durable cut. What it holds is no longer in the tally's `window`. */
  cut(cut: CutRecord, place: RecordPlace): JobTally {
    const tally = this.tally(cut);
    tally.nextSeq = cut.seq + cut.bodies.length;
    this.note(tally, place.segment);
    return tally;
  }

  /** A durable close marker. */
  close(close: CloseRecord, place: RecordPlace): JobTally {
    const tally = this.tally(close);
    tally.state = "closed";
    this.note(tally, place.segment);
    return tally;
  }

  #at(key: TallyKey, credit: CreditMode): JobTally {
    const text = `${key.job}/${key.slot}/${key.epoch}`;
    const known = this.#tallies.get(text);
    if (known !== undefined) return known;
    const { job, slot, epoch } = key;
    const counters = { window: new Window(), refusals: new Refusals() };
    const tally: JobTally = {
      job,
      slot,
      epoch,
      credit,
      threshold: 0n,
      state: "open",
      ...counters,
      nextSeq: 0,
    };
    this.#tallies.set(text, tally);
    return tally;
  }

  /** A journal file holds something of this tally. */
  note(tally: JobTally, segment: number): void {
    const tallies = this.#files.get(segment);
    if (tallies === undefined) this.#files.set(segment, new Set([tally]));
    else tallies.add(tally);
  }

  /**
   * A journal file holds what the newest job needs after a restart (its own record, the session numbers): without it the job would
   * be taken for a new one, and its nonces for unspent.
   */
  noteNewest(segment: number): void {
    if (this.#newest !== undefined) this.note(this.#newest, segment);
  }

  all(): JobTally[] {
    return [...this.#tallies.values()];
  }

  /** After a restart: drops closed tallies whose records have all been freed. */
  prune(): void {
    for (const [text, tally] of this.#tallies) {
      if (tally.state === "closed" && ![...this.#files.values()].some((tallies) => tallies.has(tally)))
        this.#tallies.delete(text);
    }
  }

  /** The tallies that a journal file holds something of. */
  inFile(segment: number): JobTally[] {
    return [...(this.#files.get(segment) ?? [])];
  }

  /** A file is gone, and with it the closed tallies that no other file holds anything of. */
  fileFreed(segment: number): void {
    this.#files.delete(segment);
    this.prune();
  }

  /** The text for the header of a new journal file: all that earlier records say, except uncut shares. The files with uncut shares are kept. */
  state(): string {
    const tallies = this.all().map(({ job, slot, epoch, credit, nextSeq, state, threshold }) => {
      return { job, slot, epoch, credit, nextSeq, closed: state === "closed", threshold: `${threshold}` };
    });
    return JSON.stringify({ epoch: this.#epoch ?? null, books: tallies } satisfies v.InferInput<
      typeof stateSchema
    >);
  }

  /** The tallies from the header of a file; "" gives none. */
  static restore(state: string): Tallies {
    const tallies = new Tallies();
    if (state === "") return tallies;
    const parsed = v.parse(stateSchema, JSON.parse(state));
    if (parsed.epoch !== null) tallies.beginEpoch(parsed.epoch);
    for (const { closed, nextSeq, credit, threshold, ...key } of parsed.books) {
      const tally = tallies.#at(key, credit);
      tally.threshold = BigInt(threshold ?? 0n);
      tally.nextSeq = nextSeq;
      if (closed) tally.state = "closed";
    }
    return tallies;
  }
}

/** Adds a share to what waits for the next cut. */
export function addShare(tally: JobTally, share: ShareRecord): void {
  const work = workOfShare(tally.credit, { assignedTarget: share.assigned, reachedTarget: share.reached });
  tally.window.add({ ...share, work, ...tallyOf(share, tally.threshold) });
}
