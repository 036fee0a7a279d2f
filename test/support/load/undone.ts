/** A database whose changes can be taken back: what asks for something measures it, and leaves the books as they were. */

import type { Db } from "../../../shared/db/port.ts";

export interface Undoable {
  readonly db: Db;
  /** What `work` changes over `db` is taken back. */
  undone<T>(work: () => Promise<T>): Promise<T>;
}

export function undoable(real: Db): Undoable {
  let inner = real;
  return {
    db: {
      ...real,
      query: (statement, row) => inner.query(statement, row),
      execute: (statement, options) => inner.execute(statement, options),
      // Transactions do not nest: within one that is taken back there is no other.
      transaction: (work) => (inner === real ? real.transaction(work) : work(inner)),
    },
    async undone(work) {
      const undo = new Error("taken back");
      const done: { value?: Awaited<ReturnType<typeof work>> } = {};
      await real
        .transaction(async (tx) => {
          inner = tx;
          try {
            done.value = await work();
          } finally {
            inner = real;
          }
          throw undo;
        })
        .catch((error: unknown) => {
          if (error !== undo) throw error;
        });
      if (!("value" in done)) throw new Error("nothing was done");
      return done.value as Awaited<ReturnType<typeof work>>;
    },
  };
}
