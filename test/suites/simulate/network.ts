/** Requests to the model database: late, refused while it is away, and sometimes done though the answer was lost. */

import type { EdgeRecords } from "../../../shared/db/edges.ts";
import type { Db, Sql } from "../../../shared/db/port.ts";
import { CodedError } from "../../../shared/errors.ts";
import { modelEdgeRecords } from "../../support/model/edges.ts";
import type { ModelServer, ModelTransaction } from "../../support/model/server.ts";
import { type Answer, parseRows, runStatement } from "../../support/model/statements.ts";
import type { Chance } from "../../support/random.ts";
import type { SimProcess } from "./process.ts";
import type { SimTime } from "./time.ts";

export class DatabaseNetwork {
  isAway = false;
  /** Part of the answers that get lost. */
  lostReplies = 0;
  /** How many slots there are for edges. */
  slots: number;
  readonly #time: SimTime;
  readonly #chance: Chance;
  readonly #server: ModelServer;

  constructor(server: ModelServer, slots: number, modules: { time: SimTime; chance: Chance }) {
    this.#server = server;
    this.slots = slots;
    this.#time = modules.time;
    this.#chance = modules.chance;
  }

  /** Does `work` at the server for a process that waits for the answer. */
  call<T>(process: SimProcess, work: () => Promise<T>): Promise<T> {
    const latencyMs = (): number => this.#chance.between(0.1, this.#chance.hit(0.02) ? 300 : 3);
    return process.wait((resolve, reject) => {
      const answer = (settle: () => void): void => void this.#time.after(latencyMs(), settle);
      this.#time.after(latencyMs(), () => {
        if (this.isAway) return answer(() => reject(away("cannot be reached")));
        work().then(
          (value) => {
            if (this.isAway || this.#chance.hit(this.lostReplies))
              answer(() => reject(away("broke the line")));
            else answer(() => resolve(value));
          },
          (error: unknown) => answer(() => reject(error)),
        );
      });
    });
  }

  /** The port as a process has it. */
  db(process: SimProcess): Db {
    const on = (run: (statement: Sql) => Promise<Answer>): Pick<Db, "query" | "execute"> => ({
      query: async (statement, row) => parseRows(await run(statement), row),
      execute: async (statement) => (await run(statement)).count,
    });
    const server = this.#server;
    return {
      ...on((statement) => this.call(process, () => server.run((tx) => runStatement(tx, statement, server)))),
      transaction: async (work) => {
        const tx = await this.call(process, async () => server.begin());
        const watch = this.#abortWithProcess(process, tx);
        try {
          const result = await work({
            ...on((statement) => this.call(process, () => runStatement(tx, statement, server))),
            transaction: () => Promise.reject(new CodedError("db-error", "transactions do not nest")),
            close: async () => undefined,
          });
          await this.call(process, async () => tx.commit());
          return result;
        } catch (error) {
          tx.abort();
          throw error;
        } finally {
          watch.stop();
        }
      },
      close: async () => undefined,
    };
  }

  records(process: SimProcess): EdgeRecords {
    const direct = modelEdgeRecords(this.#server, () => this.slots);
    return {
      acquireSlot: (edge) => this.call(process, () => direct.acquireSlot(edge)),
      renewSlot: (edgeId, grant, leaseMs) =>
        this.call(process, () => direct.renewSlot(edgeId, grant, leaseMs)),
      coverJob: (edgeId, grant, job) => this.call(process, () => direct.coverJob(edgeId, grant, job)),
      endEpoch: (edgeId, grant) => this.call(process, () => direct.endEpoch(edgeId, grant)),
      unmarkedJobs: (edgeId) => this.call(process, () => direct.unmarkedJobs(edgeId)),
      appliedSeqs: (ranges) => this.call(process, () => direct.appliedSeqs(ranges)),
      fullyApplied: (books) => this.call(process, () => direct.fullyApplied(books)),
    };
  }

  /** The server ends the transaction of a connection that is gone. */
  #abortWithProcess(process: SimProcess, tx: ModelTransaction): { stop: () => void } {
    let isOver = false;
    const look = (): void => {
      if (isOver) return;
      if (process.alive) this.#time.after(500, look);
      else tx.abort();
    };
    this.#time.after(500, look);
    return {
      stop: () => {
        isOver = true;
      },
    };
  }
}

function away(why: string): CodedError {
  return new CodedError("db-away", `the simulated database ${why}`);
}
