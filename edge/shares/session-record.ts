/**
 * Keeps a record of the place in the order of prefixes. The recorded place is ahead of the prefixes given out, so that none is given out again after
 * a restart.
 */

import type { Journal } from "../journal/journal.ts";
import { encodeRecord } from "../journal/records.ts";
import type { Tallies } from "./tallies.ts";

/** The record is this many places ahead of the next prefix; it is renewed when a quarter of them is left. */
const AHEAD = 4_096;

export class SessionRecord {
  readonly #modules: { readonly journal: Journal; readonly tallies: Tallies };
  readonly #slot: number;
  #mark = 0;

  constructor(modules: { readonly journal: Journal; readonly tallies: Tallies }, slot: number) {
    this.#modules = modules;
    this.#slot = slot;
  }

  /** To be called with the next place whenever a prefix was given out. */
  advance(next: number): void {
    if (this.#mark - next <= AHEAD / 4) this.write(next);
  }

  /** Writes the record now, as at the start of each job, because files before a job's own are freed. */
  write(next: number): void {
    this.#mark = next + AHEAD;
    // Not waited for: each prefix is on record itself before it is told.
    const { journal, tallies } = this.#modules;
    void journal.append(
      encodeRecord({ kind: "sessions", sessions: { slot: this.#slot, next: this.#mark } }),
      ({ segment }) => tallies.noteNewest(segment),
    );
  }
}
