/** Which names of a user's rigs have rows of their own (docs/decisions/worker-names.md; the rules stand in 0056_worker_names.sql). */

import * as v from "valibot";
import { type Db, json, one, sql } from "./port.ts";

export interface WorkerLimits {
  /** Names of one user with rows of their own in one job; the rest share one row. */
  readonly inJob: number;
  /** Names that a user gets in 24 hours without having confirmed them. */
  readonly newInDay: number;
}

export const WORKER_LIMITS: WorkerLimits = { inJob: 4096, newInDay: 16 };

/** The owner confirms these rigs. False, and nothing is changed, where the user would then have more than four times `inJob`. */
export async function confirmWorkers(
  db: Db,
  user: string,
  workers: readonly string[],
  limits: WorkerLimits = WORKER_LIMITS,
): Promise<boolean> {
  const row = await one(
    db,
    sql`SELECT workers_confirm(${user}, ${json(workers)}, ${limits.inJob}::int) AS confirmed`,
    v.object({ confirmed: v.boolean() }),
  );
  return row.confirmed;
}

/** The owner says that this is not its rig: the name loses its row from the next job on. False where the name has no row. */
export async function forgetWorker(db: Db, user: string, worker: string): Promise<boolean> {
  return (
    (await db.execute(sql`DELETE FROM workers WHERE user_name = ${user} AND workers.worker = ${worker}`)) > 0
  );
}

const waitingRow = v.object({ worker: v.string(), lastMs: v.number() });
export type WaitingWorker = v.InferOutput<typeof waitingRow>;

/** Names that are counted in the rest row until the owner confirms them, the one seen last first: 64 at most. */
export function waitingWorkers(db: Db, user: string): Promise<WaitingWorker[]> {
  return db.query(
    sql`SELECT worker, extract(epoch FROM since)::float8 * 1000 AS "lastMs" FROM workers
      WHERE user_name = ${user} AND state = 'waiting' ORDER BY since DESC, workers.worker`,
    waitingRow,
  );
}
