/**
 * Turns counters into deltas and close markers, which are in the journal before they are sent. Removes journal files when the books have all that
 * they hold (docs/design.md, "Deltas and close markers").
 */

import type { Clock } from "../../shared/clock.ts";
import type { EdgeRecords, TallyKey } from "../../shared/db/edges.ts";
import type { Journal } from "../journal/journal.ts";
import { encodeRecord } from "../journal/records.ts";
import type { SummaryOutbox } from "./summary-outbox.ts";
import type { JobTally, Tallies } from "./tallies.ts";
import { Window } from "./window.ts";

export interface CutterModules {
  readonly tallies: Tallies;
  readonly journal: Journal;
  readonly outbox: SummaryOutbox;
  readonly records: EdgeRecords;
  readonly clock: Clock;
  /** No more shares of this job or an earlier one are taken, not even after a restart. */
  readonly overThrough: () => number;
}

export class Cutter {
  readonly #modules: CutterModules;
  /** Cuts of one tally never overlap: each waits for the one before. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(modules: CutterModules) {
    this.#modules = modules;
  }

  /** Cuts every tally that has counters, and closes those that are closing. False: the journal had no room for a part of it. */
  run(): Promise<boolean> {
    const turn = this.#turn.then(() => this.#run());
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  async #run(): Promise<boolean> {
    let whole = true;
    for (const tally of this.#modules.tallies.all()) {
      if (tally.state === "closed") continue;
      // While the outbox is full, the windows of open tallies grow instead. A closing tally cannot grow, so that it is cut in any case.
      if (tally.state === "open" && !this.#modules.outbox.hasRoom()) continue;
      // Read before the cut: if a tally begins to close during the cut, it may have got shares that this cut does not hold.
      const mayClose = tally.state === "closing";
      const done = (await this.#cut(tally)) && (!mayClose || (await this.#close(tally)));
      whole &&= done;
    }
    return whole;
  }

  async #cut(tally: JobTally): Promise<boolean> {
    const { tallies, journal, outbox, clock } = this.#modules;
    tally.window.takeRefusals(tally.refusals, tally.state === "closing");
    if (tally.window.size() === 0) return true;
    const window = tally.window;
    tally.window = new Window();
    const { job, slot, epoch, nextSeq: seq } = tally;
    // Everything durable is in the counters by now, so that this number tells what the cut holds.
    const through = journal.lastRecord();
    const bodies = window.bodies({ job, slot, epoch, firstSeq: seq, toMs: Math.floor(clock.wallMs()) });
    const cut = { job, slot, epoch, seq, through, bodies };
    const outcome = await journal.append(encodeRecord({ kind: "cut", cut }), (place) => {
      tallies.cut(cut, place);
      for (const [index, body] of bodies.entries()) outbox.addDelta(tally, seq + index, body);
    });
    if (outcome.kind === "durable") return true;
    tally.window.merge(window);
    return false;
  }

  async #close(tally: JobTally): Promise<boolean> {
    const { tallies, journal, outbox } = this.#modules;
    // A marker says that nothing more comes. So shares that came after the cut must be cut first.
    if (tally.window.size() > 0) return false;
    const { job, slot, epoch } = tally;
    const close = { job, slot, epoch, lastSeq: tally.nextSeq - 1 };
    const outcome = await journal.append(encodeRecord({ kind: "close", close }), (place) => {
      tallies.close(close, place);
      outbox.addMarker(tally, close.lastSeq);
    });
    return outcome.kind === "durable";
  }

  /**
   * Asks the database what it has, and drops that from the outbox. Then removes journal files, the oldest first, up to the first one that is still
   * needed. A file is needed until all that it holds is closed and in the books, and while a job in it can still take shares (a restart would need
   * its nonces). Rejects with `db-away`, `disk-failed`.
   */
  async confirm(): Promise<void> {
    const { tallies, journal, outbox, records, overThrough } = this.#modules;
    await outbox.confirm();
    const closed = tallies.all().filter(({ state }) => state === "closed");
    if (closed.length === 0 && journal.closedSegments().length === 0) return;
    const applied = new Set(
      (await records.fullyApplied(closed.map(withLastSeq))).map(
        ({ job, slot, epoch }) => `${job}/${slot}/${epoch}`,
      ),
    );
    for (const tally of closed) if (applied.has(keyText(tally))) outbox.dropMarker(tally);
    for (const segment of journal.closedSegments()) {
      const free = (tally: JobTally): boolean =>
        tally.job <= overThrough() && tally.state === "closed" && applied.has(keyText(tally));
      if (!tallies.inFile(segment).every(free)) return;
      await journal.freeOldest();
      tallies.fileFreed(segment);
    }
  }
}

function withLastSeq({ job, slot, epoch, nextSeq }: JobTally): TallyKey & { lastSeq: number } {
  return { job, slot, epoch, lastSeq: nextSeq - 1 };
}

function keyText({ job, slot, epoch }: TallyKey): string {
  return `${job}/${slot}/${epoch}`;
}
