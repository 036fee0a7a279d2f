/** Row locks as PostgreSQL keeps them: shared or exclusive, first come first served, held to the transaction's end; a cycle is a deadlock. */

import { CodedError } from "../../../shared/errors.ts";

export type LockMode = "share" | "exclusive";

interface Request {
  readonly owner: object;
  readonly mode: LockMode;
  readonly grant: () => void;
  readonly refuse: (error: CodedError) => void;
}

interface Lock {
  readonly holders: Map<object, LockMode>;
  queue: Request[];
}

export class Locks {
  readonly #locks = new Map<string, Lock>();
  readonly #waitsFor = new Map<object, string>();
  /** Cycles found since the start. */
  deadlocks = 0;

  /** Resolves when `owner` has the lock. Rejects with `db-away` (SQLSTATE 40P01) where waiting would close a cycle. */
  acquire(owner: object, key: string, mode: LockMode): Promise<void> {
    const lock: Lock = this.#locks.get(key) ?? { holders: new Map(), queue: [] };
    this.#locks.set(key, lock);
    const held = lock.holders.get(owner);
    if (held === "exclusive" || held === mode) return Promise.resolve();
    if (lock.queue.length === 0 && isFree(lock, owner, mode)) {
      lock.holders.set(owner, mode);
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      lock.queue.push({ owner, mode, grant: resolve, refuse: reject });
      this.#waitsFor.set(owner, key);
      if (!this.#isCycle(owner)) return;
      this.deadlocks += 1;
      lock.queue = lock.queue.filter((request) => request.owner !== owner);
      this.#waitsFor.delete(owner);
      reject(
        new CodedError("db-away", `the model found a deadlock at ${key}`, { data: { sqlstate: "40P01" } }),
      );
    });
  }

  /** Gives up all that the owner holds or waits for. */
  release(owner: object): void {
    this.#waitsFor.delete(owner);
    for (const [key, lock] of this.#locks) {
      lock.queue = lock.queue.filter((request) => request.owner !== owner);
      lock.holders.delete(owner);
      this.#grantNext(lock);
      if (lock.holders.size === 0 && lock.queue.length === 0) this.#locks.delete(key);
    }
  }

  /** The server died: nobody holds anything, and those who wait are told. */
  clear(error: CodedError): void {
    const waiting = [...this.#locks.values()].flatMap(({ queue }) => queue);
    this.#locks.clear();
    this.#waitsFor.clear();
    for (const request of waiting) request.refuse(error);
  }

  #grantNext(lock: Lock): void {
    for (let next = lock.queue[0]; next !== undefined; next = lock.queue[0]) {
      if (!isFree(lock, next.owner, next.mode)) return;
      lock.queue.shift();
      lock.holders.set(next.owner, next.mode);
      this.#waitsFor.delete(next.owner);
      next.grant();
    }
  }

  #isCycle(start: object): boolean {
    const seen = new Set<object>();
    const blocked = (owner: object): boolean => {
      const key = this.#waitsFor.get(owner);
      const lock = key === undefined ? undefined : this.#locks.get(key);
      if (lock === undefined) return false;
      const at = lock.queue.findIndex((request) => request.owner === owner);
      const ahead = [...lock.holders.keys(), ...lock.queue.slice(0, at).map((request) => request.owner)];
      return ahead.some((other) => {
        if (other === owner) return false;
        if (other === start) return true;
        if (seen.has(other)) return false;
        seen.add(other);
        return blocked(other);
      });
    };
    return blocked(start);
  }
}

function isFree(lock: Lock, owner: object, mode: LockMode): boolean {
  return [...lock.holders].every(
    ([holder, held]) => holder === owner || (held === "share" && mode === "share"),
  );
}
