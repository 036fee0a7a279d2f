/** The model's server: transactions that interleave at chosen points, write at their commit and end with the server. */

import { CodedError } from "../../../shared/errors.ts";
import { type LockMode, Locks } from "./locks.ts";
import { Tables } from "./tables.ts";

export interface ServerModules {
  /** Unix milliseconds by the server's clock: its `now()`. */
  readonly nowMs: () => number;
  /** A moment in which other transactions may run. */
  readonly pause: () => Promise<void>;
}

export class ModelServer {
  readonly tables = new Tables();
  readonly locks = new Locks();
  readonly #modules: ServerModules;
  #life = 0;

  constructor(modules: ServerModules) {
    this.#modules = modules;
  }

  nowMs(): number {
    return this.#modules.nowMs();
  }

  begin(): ModelTransaction {
    return new ModelTransaction(this, this.#modules.pause, this.#life);
  }

  /** One statement of its own. */
  async run<T>(work: (tx: ModelTransaction) => Promise<T>): Promise<T> {
    const tx = this.begin();
    try {
      const result = await work(tx);
      tx.commit();
      return result;
    } catch (error) {
      tx.abort();
      throw error;
    }
  }

  /** An immediate stop: what was not committed never was. */
  crash(): void {
    this.#life += 1;
    this.locks.clear(gone());
  }

  isAlive(life: number): boolean {
    return life === this.#life;
  }
}

export class ModelTransaction {
  readonly #server: ModelServer;
  readonly #pause: () => Promise<void>;
  readonly #life: number;
  #writes: (() => void)[] = [];

  constructor(server: ModelServer, pause: () => Promise<void>, life: number) {
    this.#server = server;
    this.#pause = pause;
    this.#life = life;
  }

  get tables(): Tables {
    return this.#server.tables;
  }

  nowMs(): number {
    return this.#server.nowMs();
  }

  /** Waits for a lock as the real server does; other transactions may run meanwhile, and sometimes before. */
  async lock(key: string, mode: LockMode): Promise<void> {
    await this.#pause();
    this.#check();
    await this.#server.locks.acquire(this, key, mode);
    this.#check();
  }

  /** Between two statements of a function: others may commit meanwhile. */
  async moment(): Promise<void> {
    await this.#pause();
    this.#check();
  }

  /** Done at the commit, all at once. */
  write(change: () => void): void {
    this.#writes.push(change);
  }

  commit(): void {
    this.#check();
    for (const change of this.#writes) change();
    this.abort();
  }

  abort(): void {
    this.#writes = [];
    this.#server.locks.release(this);
  }

  #check(): void {
    if (!this.#server.isAlive(this.#life)) throw gone();
  }
}

function gone(): CodedError {
  return new CodedError("db-away", "the model's server was stopped", { data: { sqlstate: "57P01" } });
}
