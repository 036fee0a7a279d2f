/** How long the entry credits last that pay for the pool's records and for its roots on the chain: without them no record gets onto the chain, and nothing is earned. */

import * as v from "valibot";
import type { Clock } from "../../shared/clock.ts";
import { type Db, one, sql } from "../../shared/db/port.ts";
import type { Factomd } from "../../shared/factom/client.ts";
import { ENTRY_HEADER_BYTES } from "../../shared/factom/entry.ts";
import type { Logger } from "../../shared/logger.ts";
import { runEvery } from "../../shared/run-every.ts";

export interface EntryCreditsOptions {
  /** EC… */
  readonly address: string;
  readonly blockMs: number;
}

export interface EntryCreditsModules {
  readonly db: Db;
  readonly factomd: Pick<Factomd, "entryCreditBalance">;
  readonly clock: Clock;
  readonly logger: Logger;
}

const DAY_MS = 24 * 3_600_000;
const EVERY_MS = 10 * 60_000;
/** Enough for so many blocks, three days of the real network, or the log says so as an error, once; the alarm on AWS rings earlier. */
const SHORT_BLOCKS = 432;
const row = v.object({ records: v.number(), roots: v.number() });

export class EntryCredits {
  readonly #options: EntryCreditsOptions;
  readonly #modules: EntryCreditsModules;
  #balance: number | undefined;
  #days: number | undefined;
  #isTold = false;

  constructor(options: EntryCreditsOptions, modules: EntryCreditsModules) {
    this.#options = options;
    this.#modules = modules;
  }

  /** At the pace of the last day's blocks, of all edges, roots on the chain included, but of one record a block at least; undefined while it cannot be known. */
  daysLeft(): number | undefined {
    return this.#days;
  }

  /** What the address has; undefined while it is not known. */
  balance(): number | undefined {
    return this.#balance;
  }

  run(signal: AbortSignal): Promise<void> {
    const look = async (): Promise<void> => {
      this.#days = undefined;
      this.#balance = undefined;
      this.#days = await this.#look();
      this.#tell(this.#days);
    };
    return runEvery({ name: "entry credits", everyMs: EVERY_MS, run: look }, { ...this.#modules, signal });
  }

  async #look(): Promise<number> {
    const { address, blockMs } = this.#options;
    const { db, factomd } = this.#modules;
    const blocks = Math.max(1, Math.round(DAY_MS / blockMs));
    const balance = await factomd.entryCreditBalance(address);
    this.#balance = balance;
    const { records, roots } = await one(
      db,
      sql`SELECT count(*)::int AS records, (
          SELECT COALESCE(sum(greatest(1, ceil((length(raw) / 2 - ${ENTRY_HEADER_BYTES}::int) / 1024.0))), 0)::int FROM root_entries
          WHERE last_height > (SELECT max(height) FROM submissions) - ${blocks}::int) AS roots FROM submissions
        WHERE state IN ('committed', 'revealed') AND height > (SELECT max(height) FROM submissions) - ${blocks}::int`,
      row,
    );
    // A record is shorter than a KiB, so that it costs one credit.
    return balance / (Math.max(records, blocks) + roots);
  }

  #tell(days: number): void {
    const isShort = (days * DAY_MS) / this.#options.blockMs < SHORT_BLOCKS;
    if (isShort && !this.#isTold)
      this.#modules.logger.error("the entry credits run out: without them no record gets onto the chain", {
        days: Math.round(days * 10) / 10,
        address: this.#options.address,
      });
    this.#isTold = isShort;
  }
}
