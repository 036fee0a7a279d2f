/** Counters of one job and edge epoch since the last cut, by user and worker; a cut turns them into delta messages. */

import { type Delta, type DeltaRow, MAX_BODY_BYTES } from "../../shared/messages/summary.ts";

interface Sums {
  readonly user: string;
  readonly worker: string;
  shares: number;
  work: bigint;
  best: bigint;
  rejected: number;
}

export class Window {
  readonly #rows = new Map<string, Sums>();
  #fromMs: number | undefined;

  add(share: { user: string; worker: string; work: bigint; reached: bigint; atMs: number }): void {
    const row = this.#row(share.user, share.worker, share.atMs);
    row.shares += 1;
    row.work += share.work;
    if (share.reached > row.best) row.best = share.reached;
  }

  addRejected(user: string, worker: string, atMs: number): void {
    this.#row(user, worker, atMs).rejected += 1;
  }

  /** Takes back counters that could not be cut. */
  merge(other: Window): void {
    for (const from of other.#rows.values()) {
      const row = this.#row(from.user, from.worker, other.#fromMs ?? 0);
      row.shares += from.shares;
      row.work += from.work;
      if (from.best > row.best) row.best = from.best;
      row.rejected += from.rejected;
    }
  }

  /** Pairs of user and worker. */
  size(): number {
    return this.#rows.size;
  }

  has(user: string, worker: string): boolean {
    return this.#rows.has(`${user},${worker}`);
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
    for (const sums of this.#rows.values()) {
      const row = JSON.stringify(toRow(sums));
      // Names are ASCII, so that characters are bytes.
      if (body !== "" && body.length + row.length + 3 > MAX_BODY_BYTES) {
        bodies.push(`${body}]}`);
        body = "";
      }
      body = body === "" ? `${open(key.firstSeq + bodies.length)}${row}` : `${body},${row}`;
    }
    if (body !== "") bodies.push(`${body}]}`);
    return bodies;
  }

  #row(user: string, worker: string, atMs: number): Sums {
    // Wall time may jump back: the window then begins earlier, which only its statistics see.
    this.#fromMs = Math.max(0, Math.floor(Math.min(this.#fromMs ?? atMs, atMs)));
    // A user name has no comma.
    const key = `${user},${worker}`;
    const known = this.#rows.get(key);
    if (known !== undefined) return known;
    const row: Sums = { user, worker, shares: 0, work: 0n, best: 0n, rejected: 0 };
    this.#rows.set(key, row);
    return row;
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
  };
}
