/** One process of functions: the real local queue, accounting handler, sealer and janitor, by timers. */

import type { BooksEvent } from "../../../functions/accounting/events.ts";
import { createAccountingHandler } from "../../../functions/accounting/handler.ts";
import { createSealer, type Sealer } from "../../../functions/accounting/sealer.ts";
import { createJanitorHandler } from "../../../functions/janitor/handler.ts";
import { LOCAL_CONTEXT } from "../../../functions/local-context.ts";
import { createLocalQueue, type LocalQueue } from "../../../infra/pool/in-process-queue.ts";
import type { Db } from "../../../shared/db/port.ts";
import { insertPrices } from "../../../shared/db/prices.ts";
import { restartDeadlines } from "../../../shared/db/seals.ts";
import { coerceError } from "../../../shared/errors.ts";
import type { Logger } from "../../../shared/logger.ts";
import { SIM_LIMITS } from "../../support/model/names.ts";
import type { Chance } from "../../support/random.ts";
import type { SimChain } from "./chain.ts";
import { BLOCK_MS } from "./edge.ts";
import type { DatabaseNetwork } from "./network.ts";
import type { SimProcess } from "./process.ts";
import { Violation } from "./violation.ts";

export const DEADLINE_MS = 3 * BLOCK_MS;
const SEAL_EVERY_MS = 1_000;
const POLL_EVERY_MS = 1_500;

export interface SimFunctionsModules {
  readonly process: SimProcess;
  readonly network: DatabaseNetwork;
  readonly chance: Chance;
  readonly logger: Logger;
  readonly chain: SimChain;
  /** A job is sealed though work is missing. */
  readonly onForced: (height: number) => void;
  /** Two edges of one identity answer for each other's epochs: their close markers may contradict. */
  readonly mayConflict: boolean;
  readonly fail: (violation: Violation) => void;
}

export class SimFunctions {
  readonly process: SimProcess;
  readonly queue: LocalQueue;
  readonly #db: Db;
  readonly #sealer: Sealer;
  readonly #janitor: () => Promise<unknown>;
  readonly #logger: Logger;
  readonly #chain: SimChain;

  constructor(modules: SimFunctionsModules) {
    const { process, network, chance, logger } = modules;
    this.process = process;
    this.#logger = logger;
    this.#chain = modules.chain;
    const db = network.db(process);
    this.#db = db;
    const onEvent = (event: BooksEvent): void => refuse(event, modules);
    const parts = { db, clock: process.clock, logger, onEvent, workerLimits: SIM_LIMITS };
    const sealer = createSealer({ deadlineMs: DEADLINE_MS }, parts);
    this.#sealer = sealer;
    const handler = createAccountingHandler({ ...parts, sealer });
    this.queue = createLocalQueue(
      { retryMs: { first: 200, longest: 2_000 } },
      { clock: process.clock, random: chance.bytes(), logger, handler },
    );
    const janitor = createJanitorHandler(
      { epochGraceMs: BLOCK_MS, keepMinutesMs: 1_000_000 },
      { ...parts, sealer },
    );
    this.#janitor = () => janitor({}, LOCAL_CONTEXT);
  }

  /** As at a start of a pool: seals when the database is there. */
  run(): void {
    this.#repeat(() => this.#poll(), POLL_EVERY_MS);
    this.#startSealing();
  }

  #startSealing(): void {
    restartDeadlines(this.#db).then(
      () => {
        this.#repeat(() => this.#sealer.run(), SEAL_EVERY_MS);
        this.#repeat(this.#janitor, BLOCK_MS);
      },
      () => void this.process.clock.after(500, () => this.#startSealing()),
    );
  }

  /** A block was booked: what waited for its reward can be sealed. */
  seal(): void {
    this.#sealer.run().catch((error: unknown) => this.#tell(error));
  }

  /** What the poller writes when it has quotes. */
  async #poll(): Promise<void> {
    if (this.#chain.pricesAway) return;
    const atMs = this.process.clock.wallMs();
    await insertPrices(this.#db, { atMs, version: 5, prices: new Map(), notes: new Map() });
  }

  #repeat(work: () => Promise<unknown>, everyMs: number): void {
    const again = (): void => void this.process.clock.after(everyMs, () => this.#repeat(work, everyMs));
    work().then(again, (error: unknown) => {
      this.#tell(error);
      again();
    });
  }

  #tell(error: unknown): void {
    this.#logger.warn("sealing failed; the timer tries again", { error: coerceError(error) });
  }
}

/** No message of these edges may be one that the books refuse, nor a batch of them one that the database fails at. */
function refuse(event: BooksEvent, { mayConflict, fail, onForced }: SimFunctionsModules): void {
  if (event.kind === "forced") onForced(event.height);
  if (event.kind === "unbatched")
    fail(new Violation(`the database failed at a batch of messages: ${event.code}`));
  if (event.kind !== "rejected" || (mayConflict && event.code === "summary-conflict")) return;
  fail(new Violation(`the books refused a message: ${event.code}`));
}
