/** Counters of one job and edge epoch since the last cut, by user and worker; a cut turns them into delta messages. */

import type { Tally } from "../../shared/accounting/withholding.ts";
import { type Delta, type DeltaRow, MAX_SUMMARY_BYTES, REST_WORKER } from "../../shared/messages/summary.ts";
import type { Refusals } from "./refusals.ts";

/**
 * The most rows that wait for a cut. When there are so many, or half as many of one user, the shares of a new worker are counted in its user's rest
 * row.
 */
export const MAX_WINDOW_ROWS = 4_096;
/** With this many rows a window is cut at once, without waiting for the period. */
export const CUT_WINDOW_ROWS = 1_024;

interface Sums {
  readonly user: string;
  readonly worker: string;
  shares: number;
  work: bigint;
  best: bigint;
  rejected: number;
  judged: bigint;
  sent: number;
}

/** A share as it is counted. */
interface CountedShare extends Tally {
  readonly user: string;
  readonly worker: string;
  readonly work: bigint;
  readonly reached: bigint;
  readonly atMs: number;
}

export class Window {
  readonly #users = new Map<string, Map<string, Sums>>();
  /** Rows of all users. */
  #size = 0;
  #fromMs: number | undefined;

  add(share: CountedShare): void {
    const row = this.#row(share.user, this.#placeOf(share), share.atMs);
    row.shares += 1;
    row.work += share.work;
    row.judged += share.judged;
    row.sent += share.sent;
    if (share.reached > row.best) row.best = share.reached;
  }

  /**
   * Takes over the refused shares of the workers that have rows here. At the last cut of a tally it takes all refused shares, in rows of their own;
   * if the tally never had an accepted share, none are sent.
   */
  takeRefusals(refusals: Refusals, isLast: boolean): void {
    if (this.#size === 0 && !(isLast && refusals.isOwed())) return;
    for (const row of this.#rows()) row.rejected += refusals.take(row.user, row.worker);
    if (!isLast) return;
    for (const { user, worker, count } of refusals.takeAll())
      this.addRefused(user, worker ?? REST_WORKER, count);
  }

  /** Refused shares in a row of their own. */
  addRefused(user: string, worker: string, count = 1): void {
    this.#row(user, worker, this.#fromMs ?? 0).rejected += count;
  }

  /** Takes back counters that could not be cut. */
  merge(other: Window): void {
    for (const from of other.#rows()) {
      const row = this.#row(from.user, from.worker, other.#fromMs ?? 0);
      row.shares += from.shares;
      row.work += from.work;
      row.judged += from.judged;
      row.sent += from.sent;
      if (from.best > row.best) row.best = from.best;
      row.rejected += from.rejected;
    }
  }

  /** How many pairs of user and worker there are. */
  size(): number {
    return this.#size;
  }

  /**
   * Whether a share of this worker can be counted. A new worker name alone is no reason to refuse it. But a user without any row is refused when
   * there are 2 × MAX_WINDOW_ROWS rows.
   */
  hasRoomFor(worker: { user: string; worker: string }): boolean {
    return (
      this.#size < 2 * MAX_WINDOW_ROWS || this.#users.get(worker.user)?.has(this.#placeOf(worker)) === true
    );
  }

  /** Names are for people: if there are too many, the work still goes to its user. */
  #placeOf({ user, worker }: { user: string; worker: string }): string {
    const rows = this.#users.get(user);
    if (rows?.has(worker) === true) return worker;
    const isFull = this.#size >= MAX_WINDOW_ROWS || (rows?.size ?? 0) >= MAX_WINDOW_ROWS / 2;
    return isFull ? REST_WORKER : worker;
  }

  /** The messages that hold these counters, numbered from `firstSeq`, each of at most 48 KB. */
  bodies(key: { job: number; slot: number; epoch: number; firstSeq: number; toMs: number }): string[] {
    const fromMs = Math.min(this.#fromMs ?? key.toMs, key.toMs);
    const open = (seq: number): string => {
      const head: Omit<Delta, "rows"> = {
        v: 1,
        kind: "delta",
        job: key.job,
        slot: key.slot,
        epoch: key.epoch,
        seq,
        fromMs,
        toMs: key.toMs,
      };
      return `${JSON.stringify(head).slice(0, -1)},"rows":[`;
    };
    const bodies: string[] = [];
    let body = "";
    for (const sums of this.#rows()) {
      const row = JSON.stringify(toRow(sums));
      // Names are ASCII, so that characters are bytes.
      if (body !== "" && body.length + row.length + 3 > MAX_SUMMARY_BYTES) {
        bodies.push(`${body}]}`);
        body = "";
      }
      body = body === "" ? `${open(key.firstSeq + bodies.length)}${row}` : `${body},${row}`;
    }
    if (body !== "") bodies.push(`${body}]}`);
    return bodies;
  }

  #row(user: string, worker: string, atMs: number): Sums {
    // Wall time may jump back. The window then begins earlier; this changes only its statistics.
    this.#fromMs = Math.max(0, Math.floor(Math.min(this.#fromMs ?? atMs, atMs)));
    const rows = this.#users.get(user) ?? new Map<string, Sums>();
    const known = rows.get(worker);
    if (known !== undefined) return known;
    const row: Sums = { user, worker, shares: 0, work: 0n, best: 0n, rejected: 0, judged: 0n, sent: 0 };
    this.#users.set(user, rows.set(worker, row));
    this.#size += 1;
    return row;
  }

  *#rows(): Iterable<Sums> {
    for (const rows of this.#users.values()) yield* rows.values();
  }
}

function toRow(sums: Sums): DeltaRow {
  return {
    user: sums.user,
    worker: sums.worker,
    shares: sums.shares,
    work: sums.work.toString(),
    best: sums.best.toString(),
    rejected: sums.rejected,
    ...(sums.judged > 0n && { judged: sums.judged.toString(), sent: sums.sent }),
  };
}
