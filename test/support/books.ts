/** Rows and messages for tests of the books: what the edges and the chain follower would have written. */

import * as v from "valibot";
import { adjust } from "../../shared/db/payments.ts";
import type { Db } from "../../shared/db/port.ts";
import { one, sql } from "../../shared/db/port.ts";
import type { DeltaRow } from "../../shared/messages/summary.ts";
import { addressOf } from "./accounts.ts";

export async function addUsers(db: Db, ...names: string[]): Promise<void> {
  for (const name of names) {
    await db.execute(sql`INSERT INTO users (name, payout_address) VALUES (${name}, ${`FA-of-${name}`})`);
  }
}

/** As a day after the last change of an address: what is held is paid again. */
export async function endHolds(db: Db): Promise<void> {
  await db.execute(sql`UPDATE address_holds SET held_until = now() - interval '1 second'`);
}

export async function addJob(
  db: Db,
  height: number,
  job: { feeRate?: string; split?: string; credit?: string; madeMs?: number; threshold?: bigint } = {},
): Promise<void> {
  const { feeRate = "0.05", split = "largest-remainder", credit = "assigned", madeMs = Date.now() } = job;
  const { threshold = 0n } = job;
  await db.execute(sql`
    INSERT INTO jobs (height, version, opr_hash, opr, prices, threshold, fee_rate, split, credit, created_at)
    VALUES (${height}, 5, ${height.toString(16).padStart(64, "0")}, ''::bytea, '{}', ${threshold}::numeric, ${feeRate}::numeric, ${split}, ${credit},
      to_timestamp(${madeMs}::float8 / 1000))`);
}

export async function addBlock(
  db: Db,
  height: number,
  reward: bigint,
  winning = reward > 0n ? 3 : 0,
): Promise<void> {
  await db.execute(sql`
    INSERT INTO blocks (height, version, key_mr, at, entries, graded, winners, winning, reward)
    VALUES (${height}, 5, ${`key-${height}`}, now(), 30, true, '[]', ${winning}, ${reward}::bigint)`);
}

/** An edge epoch with its slot; `firstJob` is the newest job when its lease began. */
export async function addEpoch(
  db: Db,
  edge: { slot: number; epoch: number; firstJob: number | null; lastJob?: number },
): Promise<void> {
  await db.execute(sql`
    INSERT INTO edge_epochs (slot, epoch, edge_id, first_job, last_job)
    VALUES (${edge.slot}, ${edge.epoch}, ${`edge-${edge.slot}`}, ${edge.firstJob}::int, ${edge.lastJob ?? null}::int)`);
}

export interface DeltaKey {
  job: number;
  seq: number;
  slot?: number;
  epoch?: number;
  /** Of its window. */
  fromMs?: number;
}

/** A delta's body as an edge sends it. Rows as `user/worker` → shares of `work` each (65,536 unless told). */
export function deltaBody(key: DeltaKey, shares: Record<string, number>, work = 65_536n): string {
  const rows: DeltaRow[] = Object.entries(shares).map(([name, count]) => {
    const [user = "", worker = ""] = name.split("/");
    return {
      user,
      worker,
      shares: count,
      work: (BigInt(count) * work).toString(),
      best: "18446462598732840960",
      rejected: 1,
    };
  });
  const { job, seq, slot = 0, epoch = 1, fromMs = 60_000 } = key;
  const window = { fromMs, toMs: fromMs + 1_000 };
  return JSON.stringify({ v: 1, kind: "delta", job, slot, epoch, seq, ...window, rows });
}

export function closeBody(key: { job: number; slot?: number; epoch?: number }, lastSeq: number): string {
  const { job, slot = 0, epoch = 1 } = key;
  return JSON.stringify({ v: 1, kind: "close", job, slot, epoch, lastSeq });
}

/** Shares of a user in a job's sums, over its workers. */
export async function sharesOf(db: Db, job: number, user: string): Promise<number> {
  const row = await one(
    db,
    sql`SELECT COALESCE(sum(shares), 0)::int AS shares FROM work WHERE job = ${job} AND user_name = ${user}`,
    v.object({ shares: v.number() }),
  );
  return row.shares;
}

/** Owes a user some PEG, by a correction; whoever is not there yet is made, with that payout address. */
export async function owe(
  db: Db,
  name: string,
  amount: bigint,
  address: string | null = addressOf(name),
): Promise<void> {
  await db.execute(
    sql`INSERT INTO users (name, payout_address) VALUES (${name}, ${address}) ON CONFLICT DO NOTHING`,
  );
  await adjust(db, { user: name, amount, reason: "earned", madeBy: "test" });
}

/** The first column of the only row, as text. */
export async function text(db: Db, statement: ReturnType<typeof sql>): Promise<string | null> {
  const row = await one(
    db,
    sql`SELECT (${statement})::text AS text`,
    v.object({ text: v.nullable(v.string()) }),
  );
  return row.text;
}
