/** One process of functions: the real local queue, accounting handler, sealer and janitor. */

import type { BooksEvent } from "../../functions/accounting/events.ts";
import { createLocalBooks, type LocalBooks } from "../../infra/local/books.ts";
import type { Logger } from "../../shared/logger.ts";
import { BLOCK_MS } from "./edge.ts";
import type { DatabaseNetwork } from "./network.ts";
import { Violation } from "./oracle.ts";
import type { SimProcess } from "./process.ts";
import type { Chance } from "./random.ts";

export const DEADLINE_MS = 3 * BLOCK_MS;

export class SimFunctions {
  readonly process: SimProcess;
  readonly books: LocalBooks;

  constructor(modules: {
    process: SimProcess;
    network: DatabaseNetwork;
    chance: Chance;
    logger: Logger;
    /** Two edges of one identity answer for each other's epochs: their close markers may contradict. */
    mayConflict: boolean;
    fail: (violation: Violation) => void;
  }) {
    const { process, network, chance, logger } = modules;
    this.process = process;
    this.books = createLocalBooks(
      {
        deadlineMs: DEADLINE_MS,
        epochGraceMs: BLOCK_MS,
        janitorEveryMs: BLOCK_MS,
        queue: { retryMs: { first: 200, longest: 2_000 } },
      },
      {
        db: network.db(process),
        clock: process.clock,
        random: chance.bytes(),
        logger,
        onEvent: (event) => this.#onEvent(event, modules),
      },
    );
  }

  /** As at a start of a pool: until the database is there. */
  run(): void {
    this.books.startSealing().catch(() => {
      this.process.clock.after(500, () => this.run());
    });
  }

  /** No message of these edges may be one that the books refuse. */
  #onEvent(
    event: BooksEvent,
    modules: { mayConflict: boolean; fail: (violation: Violation) => void },
  ): void {
    if (event.kind !== "rejected" || (modules.mayConflict && event.code === "summary-conflict")) return;
    modules.fail(new Violation(`the books refused a message: ${event.code}`));
  }
}
