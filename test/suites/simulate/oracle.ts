/**
 * What must hold after every step (docs/design.md, "Invariants"), judged from outside: from what miners
 * were told, what the books applied, and what the parts log.
 */

import type { ModelServer } from "../../support/model/server.ts";
import { checkInvites, checkPayments, checkSums } from "./books.ts";
import { CreditLedger, type CreditOptions } from "./credits.ts";
import { DeadlineLedger, type DeadlineOptions } from "./deadlines.ts";
import { DeltaLedger } from "./deltas.ts";
import { describeFind, type Find } from "./find.ts";
import { HitLedger } from "./hits.ts";
import { SealLedger } from "./seals.ts";
import type { ToldLedger } from "./told.ts";
import type { Trace } from "./trace.ts";
import { Violation } from "./violation.ts";

export interface OracleOptions extends CreditOptions, DeadlineOptions {
  /** The database's clock may jump: who owns a slot is then not judged by it. */
  readonly databaseClockJumps: boolean;
}

export interface OracleModules {
  readonly server: ModelServer;
  readonly told: ToldLedger;
  readonly trace: Trace;
}

export class Oracle {
  readonly told: ToldLedger;
  readonly hits = new HitLedger();
  readonly credits: CreditLedger;
  readonly deadlines: DeadlineLedger;
  readonly #deltas: DeltaLedger;
  readonly #seals: SealLedger;
  readonly #options: OracleOptions;
  readonly #server: ModelServer;
  readonly #trace: Trace;

  constructor(options: OracleOptions, { server, told, trace }: OracleModules) {
    this.#options = options;
    this.#server = server;
    this.#trace = trace;
    this.told = told;
    this.credits = new CreditLedger(options, told);
    this.deadlines = new DeadlineLedger(options);
    this.#deltas = new DeltaLedger(options, trace);
    this.#seals = new SealLedger(trace);
  }

  /** It is on its way to an edge. `isTrue`: the line says what it reaches. */
  sent(find: Find, isTrue: boolean): void {
    this.hits.submitted(find);
    this.credits.sent(find, isTrue);
  }

  /** What the miner was told; "unanswered" where its connection ended first. `isOwn`: an honest share: where no other line had it, it may not be refused. */
  verdict(find: Find, isOwn: boolean, word: string, edgeId: string): void {
    this.#trace.add(
      `${word}: job ${find.job} ${find.user}/${find.worker} find ${find.index} nonce ${find.nonce} at ${edgeId.slice(0, 1)}`,
    );
    const borne = ["stale", "busy", "unanswered", ...(find.sends > 1 ? ["duplicate"] : [])];
    if (word === "accepted") this.credits.acknowledged(find);
    else if (isOwn && !this.#options.twins && !borne.includes(word))
      throw new Violation(`an honest share was refused as ${word}: ${describeFind(find)}`);
  }

  /** An edge is about to say yes: by the database's word its slot must be its own. */
  acknowledges(edgeId: string, slot: number | undefined): void {
    if (this.#options.twins || this.#options.databaseClockJumps || slot === undefined) return;
    if (this.#server.tables.slots.get(slot)?.edgeId !== edgeId)
      throw new Violation(`an edge acknowledged a share though its slot ${slot} is another's`);
  }

  /** A prefix was told to a session; `others` are those of all live sessions of edges that may acknowledge. */
  granted(prefix: number, others: readonly number[]): void {
    if (others.includes(prefix) && !this.#options.twins)
      throw new Violation(`I6: prefix ${prefix} was given to two live sessions`);
  }

  /** After each step: what has changed in the books is checked against what they promise. */
  check(): void {
    const { tables, locks } = this.#server;
    this.deadlines.note(tables);
    if (locks.deadlocks > 0) throw new Violation("transactions waited for each other in a circle");
    this.#deltas.check(tables, (job, row, key) => {
      this.credits.applied(job, row, key);
      if (!this.#options.twins) this.hits.told(job, row, key);
    });
    this.#seals.check(tables);
    checkPayments(tables);
    checkInvites(tables);
  }

  /** When all is drained: nothing that was acknowledged may be missing. */
  finish(): void {
    const { tables } = this.#server;
    this.credits.finish();
    this.#deltas.finish(tables);
    checkSums(tables);
    if (!this.#options.twins) this.hits.finish();
  }
}
