/** Ends a command at any of its calls to the database or the node: before the call, or after it though before its answer. */

import type { Db } from "../../../shared/db/port.ts";
import type { Factomd } from "../../../shared/factom/client.ts";

/** `before`: the call is never made. `after`: it is made, and its answer never comes. */
export interface KillPoint {
  /** Counted from 1. */
  readonly call: number;
  readonly side: "before" | "after";
}

export interface Killer {
  /** Calls so far. */
  calls(): number;
  db(db: Db): Db;
  factomd(factomd: Factomd): Factomd;
}

/** `die` must never let the caller go on: it ends the process, or throws (and then every later call throws as well). */
export function killer(point: KillPoint | undefined, die: () => never): Killer {
  let calls = 0;
  let dead = false;
  const kill = (): never => {
    dead = true;
    return die();
  };
  const around = async <T>(call: () => Promise<T>): Promise<T> => {
    if (dead) return kill();
    calls += 1;
    const isHere = calls === point?.call;
    if (isHere && point?.side === "before") return kill();
    const answer = await call();
    return isHere || dead ? kill() : answer;
  };
  const wrap = (db: Db): Db => ({
    query: (statement, row) => around(() => db.query(statement, row)),
    execute: (statement) => around(() => db.execute(statement)),
    // Each statement inside is a call, and so is the commit.
    transaction: (work) => around(() => db.transaction((tx) => work(wrap(tx)))),
    close: () => db.close(),
  });
  return {
    calls: () => calls,
    db: wrap,
    factomd: (factomd) => ({
      ...factomd,
      ack: (hash, chain) => around(() => factomd.ack(hash, chain)),
      entry: (hash) => around(() => factomd.entry(hash)),
      commitEntry: (message) => around(() => factomd.commitEntry(message)),
      revealEntry: (raw) => around(() => factomd.revealEntry(raw)),
      entryCreditBalance: (address) => around(() => factomd.entryCreditBalance(address)),
      heights: () => around(() => factomd.heights()),
      pendingEntries: () => around(() => factomd.pendingEntries()),
      entryBlock: (keyMr) => around(() => factomd.entryBlock(keyMr)),
      dblockByHeight: (height) => around(() => factomd.dblockByHeight(height)),
    }),
  };
}
