/**
 * "We see you" for pages that run elsewhere: what this edge saw of a miner is written for pages that are open now, in one statement a second at most
 * (docs/decisions/connect-codes.md). What nobody waits for is in the memory of edge/stratum/sightings.ts only, whatever comes in.
 */

import { type Clock, sleep } from "../shared/clock.ts";
import type { SightingsRow } from "../shared/db/connect-watches.ts";
import { coerceError } from "../shared/errors.ts";
import type { Logger } from "../shared/logger.ts";
import type { Sighted, SightedBy } from "../shared/messages/sighted.ts";

export interface PageSightingsModules {
  /** Pages that are open, a bounded number. */
  readonly open: () => Promise<readonly SightedBy[]>;
  readonly look: (by: SightedBy) => readonly Sighted[];
  readonly write: (rows: readonly SightingsRow[]) => Promise<void>;
  readonly clock: Clock;
  readonly logger: Logger;
}

const EVERY_MS = 1_000;
const OPEN_EVERY_MS = 2_000;
/** Pages of one statement; others come a second later. */
export const MOST_ROWS = 64;
/** Connections without a code that a page is told of: one of them is its miner, if any. */
const MOST_OF_PLACE = 4;

interface Page extends SightedBy {
  /** As it was written last; undefined: never. */
  text: string | undefined;
  writtenMs: number;
}

export class PageSightings {
  readonly #modules: PageSightingsModules;
  #pages = new Map<string, Page>();
  #readMs = Number.NEGATIVE_INFINITY;
  #isAway = false;

  constructor(modules: PageSightingsModules) {
    this.#modules = modules;
  }

  /** Runs until `signal` aborts. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.tick();
      await sleep(this.#modules.clock, EVERY_MS, signal);
    }
  }

  /** Once. Never rejects: a page that is not told now is told later. */
  async tick(): Promise<void> {
    const { clock, logger } = this.#modules;
    try {
      if (clock.monotonicMs() - this.#readMs >= OPEN_EVERY_MS) await this.#learn();
      await this.#tell();
      this.#isAway = false;
    } catch (error) {
      if (!this.#isAway)
        logger.warn("pages are not told what becomes of new miners", { error: coerceError(error).message });
      this.#isAway = true;
    }
  }

  async #learn(): Promise<void> {
    const { clock, open } = this.#modules;
    this.#readMs = clock.monotonicMs();
    const pages = await open();
    this.#pages = new Map(
      pages.map((page) => {
        const { text, writtenMs = Number.NEGATIVE_INFINITY } = this.#pages.get(page.code) ?? {};
        return [page.code, { ...page, text, writtenMs }];
      }),
    );
  }

  async #tell(): Promise<void> {
    const { clock, look, write } = this.#modules;
    const changed = [...this.#pages.values()]
      .map((page) => {
        const seen = toldTo(page, look(page));
        return { page, seen, text: JSON.stringify(seen) };
      })
      .filter(({ page, seen, text }) => text !== page.text && (seen.length > 0 || page.text !== undefined))
      // Whoever has waited for longest.
      .toSorted((a, b) => a.page.writtenMs - b.page.writtenMs)
      .slice(0, MOST_ROWS);
    if (changed.length === 0) return;
    await write(changed.map(({ page, seen }) => ({ code: page.code, seen })));
    for (const { page, text } of changed) Object.assign(page, { text, writtenMs: clock.monotonicMs() });
  }
}

/** What a page may be told of: the newest that brought its code, else the newest without one from its place. */
function toldTo({ code }: SightedBy, seen: readonly Sighted[]): readonly Sighted[] {
  const own = seen.findLast((one) => one.code === code);
  return own === undefined ? seen.slice(-MOST_OF_PLACE) : [own];
}
