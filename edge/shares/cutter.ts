/** Turns counters into deltas and close markers, journaled before they are sent, and frees journal files the books have (DESIGN.md, "Journal, deltas, edges"). */

import type { Clock } from "../../shared/clock.ts";
import type { BookKey, EdgeRecords } from "../../shared/db/edges.ts";
import type { Journal } from "../journal/journal.ts";
import { encodeRecord } from "../journal/records.ts";
import type { Outbox } from "./outbox.ts";
import type { Book, Books } from "./tallies.ts";
import { Window } from "./window.ts";

export interface BookkeeperModules {
  readonly books: Books;
  readonly journal: Journal;
  readonly outbox: Outbox;
  readonly records: EdgeRecords;
  readonly clock: Clock;
  /** No share of this job or an earlier one is taken any more, after a restart neither. */
  readonly overThrough: () => number;
}

export class Bookkeeper {
  readonly #modules: BookkeeperModules;
  /** Cuts of one book never overlap: each waits for the one before. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(modules: BookkeeperModules) {
    this.#modules = modules;
  }

  /** Cuts every book that has counters, and closes those that are closing. False: the journal had no room for some of it. */
  run(): Promise<boolean> {
    const turn = this.#turn.then(() => this.#run());
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  async #run(): Promise<boolean> {
    let whole = true;
    for (const book of this.#modules.books.all()) {
      if (book.state === "closed") continue;
      // With the outbox full the window grows instead; what is left of a closing book cannot grow.
      if (book.state === "open" && !this.#modules.outbox.hasRoom()) continue;
      // Asked before the cut: a book that is closed meanwhile may have got shares that this cut does not hold.
      const mayClose = book.state === "closing";
      const done = (await this.#cut(book)) && (!mayClose || (await this.#close(book)));
      whole &&= done;
    }
    return whole;
  }

  async #cut(book: Book): Promise<boolean> {
    const { books, journal, outbox, clock } = this.#modules;
    book.window.takeRefusals(book.refusals, book.state === "closing");
    if (book.window.size() === 0) return true;
    const window = book.window;
    book.window = new Window();
    const { job, slot, epoch, nextSeq: seq } = book;
    // Everything durable is in the counters by now, so that this number tells what the cut holds.
    const through = journal.lastRecord();
    const bodies = window.bodies({ job, slot, epoch, firstSeq: seq, toMs: Math.floor(clock.wallMs()) });
    const cut = { job, slot, epoch, seq, through, bodies };
    const outcome = await journal.append(encodeRecord({ kind: "cut", cut }), (place) => {
      books.cut(cut, place);
      for (const [index, body] of bodies.entries()) outbox.addDelta(book, seq + index, body);
    });
    if (outcome.kind === "durable") return true;
    book.window.merge(window);
    return false;
  }

  async #close(book: Book): Promise<boolean> {
    const { books, journal, outbox } = this.#modules;
    // A marker says that nothing more comes: what came since the cut is cut first.
    if (book.window.size() > 0) return false;
    const { job, slot, epoch } = book;
    const close = { job, slot, epoch, lastSeq: book.nextSeq - 1 };
    const outcome = await journal.append(encodeRecord({ kind: "close", close }), (place) => {
      books.close(close, place);
      outbox.addMarker(book, close.lastSeq);
    });
    return outcome.kind === "durable";
  }

  /**
   * Asks the database what it has, drops that from the outbox, and removes journal files from the oldest on while all that each holds is
   * closed and in the books, and no job in it can still take shares (a restart would need its nonces). Rejects with `db-away`, `disk-failed`.
   */
  async confirm(): Promise<void> {
    const { books, journal, outbox, records, overThrough } = this.#modules;
    await outbox.confirm();
    const closed = books.all().filter(({ state }) => state === "closed");
    if (closed.length === 0 && journal.closedSegments().length === 0) return;
    const settled = new Set(
      (await records.settled(closed.map(withLastSeq))).map(
        ({ job, slot, epoch }) => `${job}/${slot}/${epoch}`,
      ),
    );
    for (const book of closed) if (settled.has(keyText(book))) outbox.dropMarker(book);
    for (const segment of journal.closedSegments()) {
      const free = (book: Book): boolean =>
        book.job <= overThrough() && book.state === "closed" && settled.has(keyText(book));
      if (!books.inFile(segment).every(free)) return;
      await journal.freeOldest();
      books.fileFreed(segment);
    }
  }
}

function withLastSeq({ job, slot, epoch, nextSeq }: Book): BookKey & { lastSeq: number } {
  return { job, slot, epoch, lastSeq: nextSeq - 1 };
}

function keyText({ job, slot, epoch }: BookKey): string {
  return `${job}/${slot}/${epoch}`;
}
