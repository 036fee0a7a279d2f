/** What the parts of a large pool's seed share. */

import { type Db, type Sql, sql } from "../../../shared/db/port.ts";

export interface LargePoolOptions {
  readonly nowMs: number;
  /** Of all users; `farm` of them are one user's. */
  readonly rigs: number;
  readonly farm: number;
  readonly users: number;
  /** Sealed. The job after them runs. */
  readonly blocks: number;
  /** Hash of the farm's and the administrator's password. */
  readonly password: string;
}

/** Has the farm. */
export const FARMER = "user0";
export const ADMINISTRATOR = "boss";
export const FIRST_HEIGHT = 1000;
export const BLOCK_SECONDS = 600;

/** `start(n)` is when the n-th block began, from 0. */
export interface Seeding extends LargePoolOptions {
  readonly db: Db;
  readonly now: Sql;
  start(n: Sql): Sql;
}

/** Each in a transaction of its own, without triggers and foreign keys. */
export async function pastTriggers(db: Db, statements: readonly Sql[]): Promise<void> {
  for (const statement of statements)
    await db.transaction(async (tx) => {
      await tx.execute(sql`SET LOCAL session_replication_role = replica`);
      await tx.execute(statement);
    });
}

/** 64 hex digits that are the same at every run. */
export function hash(text: Sql): Sql {
  return sql`encode(sha256(convert_to(${text}, 'UTF8')), 'hex')`;
}
