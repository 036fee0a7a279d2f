/** Keeps a record of session numbers ahead of those given out, so that nonce prefixes go on after a restart within a job. */

import type { Journal } from "../journal/journal.ts";
import { encodeRecord } from "../journal/records.ts";
import type { Books } from "./books.ts";
import { SESSIONS } from "./prefixes.ts";

/** So many more than the next may be given out before the record is renewed. */
const AHEAD = 4_096;

export class SessionRecord {
  readonly #modules: { readonly journal: Journal; readonly books: Books };
  readonly #slot: number;
  #mark: number | undefined;

  constructor(modules: { readonly journal: Journal; readonly books: Books }, slot: number) {
    this.#modules = modules;
    this.#slot = slot;
  }

  /** To be called with the next session number whenever one was given out. */
  advance(next: number): void {
    const left = this.#mark === undefined ? 0 : (this.#mark - next + SESSIONS) % SESSIONS;
    if (left <= AHEAD / 4 || left > AHEAD) this.write(next);
  }

  /** Writes the record now, as at the start of each job: files before a job's are freed. */
  write(next: number): void {
    this.#mark = (next + AHEAD) % SESSIONS;
    // Not waited for: prefixes that no share has used before a crash may be given out again.
    const { journal, books } = this.#modules;
    void journal.append(
      encodeRecord({ kind: "sessions", sessions: { slot: this.#slot, next: this.#mark } }),
      ({ segment }) => books.noteNewest(segment),
    );
  }
}
