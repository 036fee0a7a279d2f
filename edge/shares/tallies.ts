/** What this edge owes accounting: for each job and epoch the uncut counters, the next seq and whether its close marker is on record. */

import * as v from "valibot";
import { tallyOf } from "../../shared/accounting/withholding.ts";
import type { BookKey } from "../../shared/db/edges.ts";
import { type CreditMode, workOfShare } from "../../shared/difficulty/work.ts";
import type { RecordPlace } from "../journal/journal.ts";
import {
  bookKey,
  type CloseRecord,
  type CutRecord,
  type EpochRecord,
  epochRecord,
  type JobRecord,
  jobRecord,
  type ShareRecord,
} from "../journal/records.ts";
import { Refusals } from "./refusals.ts";
import { Window } from "./window.ts";

/** `open`: shares may come. `closing`: none will; what is left must be cut and marked. `closed`: its marker is on record. */
export interface Book extends BookKey {
  readonly credit: CreditMode;
  /** Of its job: see tallyOf. */
  threshold: bigint;
  state: "open" | "closing" | "closed";
  window: Window;
  readonly refusals: Refusals;
  /** Seq of the next delta; the marker says this less one. */
  nextSeq: number;
}

const stateSchema = v.object({
  epoch: v.nullable(epochRecord),
  books: v.array(
    v.object({
      ...bookKey,
      credit: v.picklist(["assigned", "achieved"] satisfies CreditMode[]),
      nextSeq: v.number(),
      closed: v.boolean(),
      threshold: jobRecord.entries.threshold,
    }),
  ),
});

/** The books by key, and which journal files hold something of which. Changed only by records that are durable. */
export class Books {
  readonly #books = new Map<string, Book>();
  readonly #files = new Map<number, Set<Book>>();
  #epoch: EpochRecord | undefined;
  #newest: Book | undefined;

  /** Shares from here on belong to this epoch. */
  beginEpoch(epoch: EpochRecord): void {
    this.#epoch = epoch;
  }

  epoch(): EpochRecord | undefined {
    return this.#epoch;
  }

  /** False for a job whose next had its row when the epoch began: the sealer waits for nothing that this epoch does for it. */
  covers(job: Pick<JobRecord, "height">): boolean {
    return job.height >= (this.#epoch?.firstJob ?? 0);
  }

  /** The present epoch's book of a job, made when missing. */
  open(job: Pick<JobRecord, "height" | "credit" | "threshold">): Book {
    const epoch = this.#epoch;
    if (epoch === undefined) throw new RangeError("a job is opened in an epoch, and none has begun");
    const book = this.#at({ job: job.height, slot: epoch.slot, epoch: epoch.epoch }, job.credit);
    book.threshold = BigInt(job.threshold ?? book.threshold);
    if (this.#newest === undefined || book.job >= this.#newest.job) this.#newest = book;
    return book;
  }

  /** The book of any epoch; for a job that was never opened in it, an empty one. */
  book(key: BookKey): Book {
    return this.#at(key, "assigned");
  }

  /** A durable share, in its job's unit of work. */
  credit(
    job: Pick<JobRecord, "height" | "credit" | "threshold">,
    share: ShareRecord,
    place: RecordPlace,
  ): Book {
    const book = this.open(job);
    // Cannot happen; if it does, the work is sent all the same, and accounting raises the alarm.
    if (book.state === "closed") book.state = "closing";
    addShare(book, share);
    this.note(book, place.segment);
    return book;
  }

  /** A durable cut: `window` is what it holds no longer. */
  cut(cut: CutRecord, place: RecordPlace): Book {
    const book = this.book(cut);
    book.nextSeq = cut.seq + cut.bodies.length;
    this.note(book, place.segment);
    return book;
  }

  /** A durable close marker. */
  close(close: CloseRecord, place: RecordPlace): Book {
    const book = this.book(close);
    book.state = "closed";
    this.note(book, place.segment);
    return book;
  }

  #at(key: BookKey, credit: CreditMode): Book {
    const text = `${key.job}/${key.slot}/${key.epoch}`;
    const known = this.#books.get(text);
    if (known !== undefined) return known;
    const { job, slot, epoch } = key;
    const counters = { window: new Window(), refusals: new Refusals() };
    const book: Book = { job, slot, epoch, credit, threshold: 0n, state: "open", ...counters, nextSeq: 0 };
    this.#books.set(text, book);
    return book;
  }

  /** A journal file holds something of this book. */
  note(book: Book, segment: number): void {
    const books = this.#files.get(segment);
    if (books === undefined) this.#files.set(segment, new Set([book]));
    else books.add(book);
  }

  /**
   * A journal file holds what the newest job needs after a restart (its own record, the session numbers): without it the job would
   * be taken for a new one, and its nonces for unspent.
   */
  noteNewest(segment: number): void {
    if (this.#newest !== undefined) this.note(this.#newest, segment);
  }

  all(): Book[] {
    return [...this.#books.values()];
  }

  /** After a restart: drops closed books whose records have all been freed. */
  prune(): void {
    for (const [text, book] of this.#books) {
      if (book.state === "closed" && ![...this.#files.values()].some((books) => books.has(book)))
        this.#books.delete(text);
    }
  }

  /** The books that a journal file holds something of. */
  inFile(segment: number): Book[] {
    return [...(this.#files.get(segment) ?? [])];
  }

  /** A file is gone, and with it the closed books that no other needs. */
  fileFreed(segment: number): void {
    this.#files.delete(segment);
    this.prune();
  }

  /** For the header of a new journal file: all that the records before it say, but for uncut shares, whose files are kept. */
  state(): string {
    const books = this.all().map(({ job, slot, epoch, credit, nextSeq, state, threshold }) => {
      return { job, slot, epoch, credit, nextSeq, closed: state === "closed", threshold: `${threshold}` };
    });
    return JSON.stringify({ epoch: this.#epoch ?? null, books } satisfies v.InferInput<typeof stateSchema>);
  }

  /** Books as a file's header has them; "" gives none. */
  static restore(state: string): Books {
    const books = new Books();
    if (state === "") return books;
    const parsed = v.parse(stateSchema, JSON.parse(state));
    if (parsed.epoch !== null) books.beginEpoch(parsed.epoch);
    for (const { closed, nextSeq, credit, threshold, ...key } of parsed.books) {
      const book = books.#at(key, credit);
      book.threshold = BigInt(threshold ?? 0n);
      book.nextSeq = nextSeq;
      if (closed) book.state = "closed";
    }
    return books;
  }
}

/** Adds a share to what waits for the next cut. */
export function addShare(book: Book, share: ShareRecord): void {
  const work = workOfShare(book.credit, { assignedTarget: share.assigned, reachedTarget: share.reached });
  book.window.add({ ...share, work, ...tallyOf(share, book.threshold) });
}
