/** When jobs were over, by a time that no part's clock tells: none is sealed by the deadline before that has passed. */

import type { Tables } from "../../support/model/tables.ts";
import { Violation } from "./violation.ts";

export interface DeadlineOptions {
  /** How long a seal waits for missing work. */
  readonly deadlineMs: number;
  /** The time that no clock of a part can tell. */
  readonly trueMs: () => number;
}

export class DeadlineLedger {
  readonly #options: DeadlineOptions;
  /** Job → when it was over, and the jumps of the database's clock until then. */
  readonly #over = new Map<number, { readonly atMs: number; readonly jumps: number }>();
  #jumps = 0;

  constructor(options: DeadlineOptions) {
    this.#options = options;
  }

  databaseClockJumped(): void {
    this.#jumps += 1;
  }

  /** Notes the jobs that are over since. */
  note(tables: Tables): void {
    const top = Math.max(-1, ...tables.jobs.keys());
    const block = Math.max(-1, ...tables.blocks.keys());
    for (const height of tables.jobs.keys())
      if ((height < top || height <= block) && !this.#over.has(height))
        this.#over.set(height, { atMs: this.#options.trueMs(), jumps: this.#jumps });
  }

  /** A job is sealed though work is missing. Each jump of the database's clock may take an eighth of the deadline; one of another clock nothing. */
  forced(height: number): void {
    const over = this.#over.get(height);
    const { deadlineMs, trueMs } = this.#options;
    const waitedMs = over === undefined ? 0 : trueMs() - over.atMs;
    const jumps = this.#jumps - (over?.jumps ?? 0);
    if (waitedMs + 10 < deadlineMs * (1 - jumps / 8))
      throw new Violation(`job ${height} was sealed by the deadline ${waitedMs} ms after it was over`);
  }
}
