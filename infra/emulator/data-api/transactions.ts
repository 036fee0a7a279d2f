/** Open transactions of the local Data API: one call at a time, ended by an error, by 3 idle minutes or after 24 hours, as on AWS. */

import type pg from "pg";
import type { Clock, Timer } from "../../../shared/clock.ts";
import type { Logger } from "../../../shared/logger.ts";
import { DataApiFailure, failureOf } from "./failure.ts";

interface Transaction {
  readonly client: pg.PoolClient;
  readonly end: Timer;
  idle: Timer;
  isBusy: boolean;
  isBroken: boolean;
}

export class DataApiTransactions {
  readonly #limits: { readonly idleTransactionMs: number; readonly transactionMs: number };
  readonly #modules: { readonly clock: Clock; readonly logger: Logger };
  readonly #open = new Map<string, Transaction>();

  constructor(
    limits: { readonly idleTransactionMs: number; readonly transactionMs: number },
    modules: { readonly clock: Clock; readonly logger: Logger },
  ) {
    this.#limits = limits;
    this.#modules = modules;
  }

  /** Owns the client from here on. */
  async begin(id: string, client: pg.PoolClient): Promise<void> {
    const transaction: Transaction = {
      client,
      end: this.#modules.clock.after(this.#limits.transactionMs, () => this.#expire(id)),
      idle: this.#idleTimer(id),
      isBusy: false,
      isBroken: false,
    };
    this.#open.set(id, transaction);
    client.on("error", (error) => {
      transaction.isBroken = true;
      this.#modules.logger.debug("a transaction's connection broke", { error });
    });
    await this.use(id, () => client.query("BEGIN"));
  }

  /** Runs one call in the transaction; a failing one ends it. */
  async use<T>(id: string, work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
    const transaction = this.#open.get(id);
    if (transaction === undefined)
      throw new DataApiFailure(
        "TransactionNotFoundException",
        `Transaction ${id} is not found: it has ended, by commit, rollback, an error or its time limit`,
      );
    if (transaction.isBusy)
      throw new DataApiFailure("DatabaseErrorException", "Transaction is still running a query");
    transaction.isBusy = true;
    transaction.idle.stop();
    try {
      return await work(transaction.client);
    } catch (error) {
      await this.#drop(id, transaction);
      throw failureOf(error);
    } finally {
      transaction.isBusy = false;
      if (this.#open.has(id)) transaction.idle = this.#idleTimer(id);
    }
  }

  async end(id: string, command: "COMMIT" | "ROLLBACK"): Promise<void> {
    await this.use(id, async (client) => {
      await client.query(command);
      const transaction = this.#open.get(id);
      if (transaction !== undefined) this.#release(id, transaction);
    });
  }

  async close(): Promise<void> {
    await Promise.all([...this.#open].map(([id, transaction]) => this.#drop(id, transaction)));
  }

  #idleTimer(id: string): Timer {
    return this.#modules.clock.after(this.#limits.idleTransactionMs, () => this.#expire(id));
  }

  #expire(id: string): void {
    const transaction = this.#open.get(id);
    if (transaction !== undefined) void this.#drop(id, transaction);
  }

  async #drop(id: string, transaction: Transaction): Promise<void> {
    this.#open.delete(id);
    await transaction.client.query("ROLLBACK").catch(() => {
      transaction.isBroken = true;
    });
    this.#release(id, transaction);
  }

  #release(id: string, transaction: Transaction): void {
    this.#open.delete(id);
    transaction.idle.stop();
    transaction.end.stop();
    transaction.client.removeAllListeners("error");
    transaction.client.release(transaction.isBroken);
  }
}
