/** I5: the deltas of an epoch and job have no gap below its close marker, and none comes above it, or after the seal while no deadline has passed. */

import type { Delta } from "../../../shared/messages/summary.ts";
import type { DeltaRecord, Tables } from "../../support/model/tables.ts";
import type { Trace } from "./trace.ts";
import { Violation } from "./violation.ts";

export class DeltaLedger {
  readonly #seen = new Set<string>();
  readonly #twins: boolean;
  readonly #trace: Trace;

  /** `twins`: two edges run under one identity, and their close markers may contradict. */
  constructor({ twins }: { readonly twins: boolean }, trace: Trace) {
    this.#twins = twins;
    this.#trace = trace;
  }

  /** `onRow`: for each row of the deltas that have come since. */
  check(tables: Tables, onRow: (job: number, row: Delta["rows"][number], key: string) => void): void {
    if (tables.deltas.size <= this.#seen.size) return;
    for (const [key, record] of tables.deltas) {
      if (this.#seen.has(key)) continue;
      const { delta } = record;
      this.#seen.add(key);
      this.#trace.add(`applied ${key}`);
      // Beside earlier accepted ones they may end a book.
      if (delta.seq === 0 && delta.rows.every(({ shares }) => shares === 0))
        throw new Violation(`I11: delta ${key} was sent for refused shares alone`);
      for (const row of delta.rows) onRow(delta.job, row, key);
      this.#checkPlace(tables, key, record);
    }
  }

  #checkPlace(tables: Tables, key: string, { delta, into }: DeltaRecord): void {
    const job = tables.jobs.get(delta.job);
    const isLate = into !== delta.job;
    if (isLate && job?.state === "sealed" && !job.forced && !this.#twins)
      throw new Violation(
        `I5: delta ${key} came after job ${delta.job} was sealed, and no deadline had passed`,
      );
    const marker = tables.markers.get(key.slice(0, key.lastIndexOf("/")));
    if (marker !== undefined && marker < delta.seq && !this.#twins)
      throw new Violation(`I5: delta ${key} lies above its close marker ${marker}`);
  }

  /** When all is drained. Throws Violation where one is missing below its close marker. */
  finish(tables: Tables): void {
    for (const [key, lastSeq] of tables.markers)
      for (let seq = 0; seq <= lastSeq; seq++)
        if (!tables.deltas.has(`${key}/${seq}`))
          throw new Violation(`I5: delta ${key}/${seq} is missing below its close marker ${lastSeq}`);
  }
}
