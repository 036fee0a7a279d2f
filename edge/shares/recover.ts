/** Reads the journal of an earlier run: what it acknowledged and had not yet cut, what may not have been sent, which nonces are spent. */

import * as v from "valibot";
import type { Random } from "../../shared/clock.ts";
import type { TallyKey } from "../../shared/db/edges.ts";
import { CodedError } from "../../shared/errors.ts";
import { delta } from "../../shared/messages/summary.ts";
import type { JournalConsumer, NumberedRecord } from "../journal/read-journal.ts";
import {
  type CloseRecord,
  type CutRecord,
  decodeRecord,
  type JobRecord,
  type PrefixesRecord,
  type RunRecord,
  type SessionsRecord,
  type ShareRecord,
} from "../journal/records.ts";
import { type Run, runFrom } from "./open-jobs.ts";
import type { RestoredPrefix } from "./prefixes.ts";
import { SeenNonces } from "./seen.ts";
import { addShare, type JobTally, Tallies } from "./tallies.ts";

/** A job of an earlier run that may still be the current one. */
export interface RecoveredJob {
  readonly job: JobRecord;
  readonly seen: SeenNonces;
  /** When miners were told to mine it, by serials of prefixes. */
  readonly runs: RecoveredRun[];
  /** The shares that reached most, highest first. The submission of some may not have begun. */
  best: ShareRecord[];
}

/** A stretch of mining; `stoppedAtMs` is wall time, undefined while it went on. */
export interface RecoveredRun extends Pick<Run, "from" | "to"> {
  readonly stoppedAtMs: number | undefined;
}

/** A cut or a marker on record, which the books may have or not. */
export type RecoveredMessage =
  | { readonly kind: "delta"; readonly key: TallyKey; readonly seq: number; readonly body: string }
  | { readonly kind: "marker"; readonly key: TallyKey; readonly lastSeq: number };

/** Four times as many as the chain takes of one pool at most. */
const BEST_SHARES = 100;

/** Only the newest job and the one before it can take shares again. */
const RECENT_JOBS = 2;

const UNSTOPPED: RecoveredRun = { ...runFrom(0), stoppedAtMs: undefined };

/** Collects what `readJournal` reads. `finish` then adds the uncut shares to the counters. */
export class Recovery implements JournalConsumer {
  tallies = new Tallies();
  readonly messages: RecoveredMessage[] = [];
  readonly recent: RecoveredJob[] = [];
  /** The prefixes of the recent jobs, each with the newest job in which it was held. */
  readonly prefixes = new Map<number, RestoredPrefix>();
  sessions: SessionsRecord | undefined;
  shares = 0;
  #lastSerial = 0;
  readonly #random: Random;
  readonly #jobs = new Map<number, JobRecord>();
  readonly #uncut = new Map<JobTally, { readonly number: number; readonly share: ShareRecord }[]>();

  constructor(random: Random) {
    this.#random = random;
  }

  start(state: string): void {
    try {
      this.tallies = Tallies.restore(state);
    } catch (cause) {
      throw new CodedError(
        "journal-version",
        "the oldest journal file's header cannot be read by this version: start the version that wrote it",
        { cause },
      );
    }
  }

  record(numbered: NumberedRecord): void {
    const record = decodeRecord(numbered);
    switch (record.kind) {
      case "epoch":
        this.tallies.beginEpoch(record.epoch);
        return;
      case "job":
        this.#job(record.job, numbered);
        return;
      case "share":
        this.#share(record.share, numbered);
        return;
      case "cut":
        this.#cut(record.cut, numbered);
        return;
      case "close":
        this.#close(record.close, numbered);
        return;
      case "sessions":
        this.sessions = record.sessions;
        this.tallies.noteNewest(numbered.segment);
        return;
      case "prefixes":
        this.#prefixes(record.prefixes);
        this.tallies.noteNewest(numbered.segment);
        return;
      case "run":
        this.#run(record.run);
        this.tallies.noteNewest(numbered.segment);
        return;
    }
  }

  /** How many shares no cut holds. */
  uncutShares(): number {
    return [...this.#uncut.values()].reduce((sum, shares) => sum + shares.length, 0);
  }

  finish(): void {
    for (const [tally, shares] of this.#uncut) for (const { share } of shares) addShare(tally, share);
    this.#uncut.clear();
    this.tallies.prune();
  }

  #job(job: JobRecord, { segment }: NumberedRecord): void {
    this.#jobs.set(job.height, job);
    this.tallies.open(job);
    this.tallies.noteNewest(segment);
    if (this.recent.some((known) => known.job.height === job.height)) return;
    this.recent.push({ job, seen: new SeenNonces(this.#random(16)), runs: [UNSTOPPED], best: [] });
    if (this.recent.length > RECENT_JOBS) this.recent.shift();
    const oldest = this.recent[0]?.job.height ?? 0;
    for (const [prefix, known] of this.prefixes) if (known.job < oldest) this.prefixes.delete(prefix);
  }

  /** A prefix that stood before keeps its serial: it is recorded again at the start of a job. */
  #prefixes({ prefixes, again }: PrefixesRecord): void {
    const job = this.recent.at(-1)?.job.height ?? -1;
    for (const { prefix, target, holder, measured } of prefixes) {
      const known = again ? this.prefixes.get(prefix) : undefined;
      if (known === undefined) this.#lastSerial += 1;
      const serial = known?.serial ?? this.#lastSerial;
      this.prefixes.set(prefix, { prefix, target, serial, holder, measured, job });
    }
  }

  #run({ job, running, atMs }: RunRecord): void {
    const recent = this.recent.find((known) => known.job.height === job);
    const last = recent?.runs.at(-1);
    if (recent === undefined || last === undefined) return;
    const isOpen = last.stoppedAtMs === undefined;
    if (isOpen) {
      // A resume without its stop: the stop could not be written. Its late time is over.
      const stoppedAtMs = running ? Number.NEGATIVE_INFINITY : atMs;
      recent.runs[recent.runs.length - 1] = { ...last, to: this.#lastSerial, stoppedAtMs };
    }
    if (running) recent.runs.push({ ...UNSTOPPED, from: this.#lastSerial + 1 });
  }

  #share(share: ShareRecord, { number, segment }: NumberedRecord): void {
    const epoch = this.tallies.epoch();
    if (epoch === undefined) throw outOfOrder(number, "a share before any epoch");
    this.shares += 1;
    const known = this.#jobs.get(share.job);
    // The job's own record may have been freed with an earlier file; its tally then came with the header.
    const tally =
      known === undefined ? this.tallies.tally({ job: share.job, ...epoch }) : this.tallies.open(known);
    this.tallies.note(tally, segment);
    const uncut = this.#uncut.get(tally);
    if (uncut === undefined) this.#uncut.set(tally, [{ number, share }]);
    else uncut.push({ number, share });
    const recent = this.recent.find(({ job }) => job.height === share.job);
    if (recent === undefined) return;
    recent.seen.credit(share.nonce);
    keepBest(recent, share);
  }

  #cut(cut: CutRecord, { number, segment }: NumberedRecord): void {
    const tally = this.tallies.cut(cut, { number, segment });
    const left = this.#uncut.get(tally)?.filter((share) => share.number > cut.through);
    if (left !== undefined) this.#uncut.set(tally, left);
    for (const [index, body] of cut.bodies.entries()) {
      const seq = cut.seq + index;
      const parsed = v.safeParse(delta, JSON.parse(body));
      if (!parsed.success || parsed.output.job !== cut.job || parsed.output.seq !== seq)
        throw outOfOrder(number, "a cut whose message is not the one it names");
      this.messages.push({ kind: "delta", key: bare(cut), seq, body });
    }
  }

  #close(close: CloseRecord, { number, segment }: NumberedRecord): void {
    this.tallies.close(close, { number, segment });
    this.messages.push({ kind: "marker", key: bare(close), lastSeq: close.lastSeq });
  }
}

function keepBest(recent: RecoveredJob, share: ShareRecord): void {
  const last = recent.best[BEST_SHARES - 1];
  if (last !== undefined && last.reached >= share.reached) return;
  recent.best = [...recent.best, share]
    .sort((a, b) => (a.reached < b.reached ? 1 : a.reached > b.reached ? -1 : 0))
    .slice(0, BEST_SHARES);
}

function bare({ job, slot, epoch }: TallyKey): TallyKey {
  return { job, slot, epoch };
}

function outOfOrder(number: number, what: string): CodedError {
  return new CodedError(
    "journal-damaged",
    `journal record ${number} is ${what}: the files do not belong together; restore the journal folder from a copy`,
    { data: { record: number } },
  );
}
