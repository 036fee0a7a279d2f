/** The queue of one transaction: its statements run one after the other, and none after a failure. */

import { CodedError } from "../../errors.ts";

export interface StatementQueue {
  /** Runs `work` when all before it are done. Rejects with CodedError `db-error` when one of them failed. */
  run<T>(work: () => Promise<T>): Promise<T>;
  /** Lets no more work begin, and waits for the work that is running. */
  end(): Promise<unknown>;
}

/** PostgreSQL refuses every statement after a failed one, and the Data API has ended the transaction by then. */
export function createStatementQueue(): StatementQueue {
  let last: Promise<unknown> = Promise.resolve();
  let hasFailed = false;
  return {
    run(work) {
      const turn = last.then(async () => {
        if (hasFailed)
          throw new CodedError(
            "db-error",
            "the transaction was rolled back, a statement in it failed: let its error reach the end of the transaction",
          );
        return work();
      });
      last = turn.catch(() => {
        hasFailed = true;
      });
      return turn;
    },
    end() {
      hasFailed = true;
      return last;
    },
  };
}
