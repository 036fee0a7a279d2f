/** The books checked as a whole, in one snapshot of the database (docs/design.md, "Money is conserved"). */

import * as v from "valibot";
import { feeRate } from "../accounting/fee.ts";
import { settleReward } from "../accounting/seal.ts";
import { bigintText, type Db, one, sql } from "../db/port.ts";
import { readLeaves } from "../db/seals.ts";

/** A user's line; money in 1e-8 PEG, work in whole hashes. */
export interface UserAudit {
  /** Every applied share once: unsealed, late and parked ones too. */
  readonly accepted: bigint;
  readonly work: bigint;
  readonly booked: bigint;
  readonly adjusted: bigint;
  readonly paidOut: bigint;
  readonly owed: bigint;
}

export interface Audit {
  /** Sealed ones. */
  readonly blocks: number;
  readonly reward: bigint;
  readonly fee: bigint;
  readonly paid: bigint;
  /** Reward not given out yet: the next sealed block with work shares it. */
  readonly carried: bigint;
  readonly adjusted: bigint;
  readonly users: ReadonlyMap<string, UserAudit>;
  /** One sentence for each thing that does not agree; empty: money is conserved. */
  readonly problems: readonly string[];
}

/** Heights: above `after`, up to `through`. */
export interface BlockRange {
  readonly after: number;
  readonly through: number;
}

/** No block is higher: an integer of PostgreSQL. */
export const LAST_HEIGHT = 2_147_483_647;
const ALL: BlockRange = { after: -1, through: LAST_HEIGHT };
/** See seals.ts. */
const PAGE_ROWS = 500;
const MOST_PROBLEMS = 100;

/** Reads and recomputes the books. Nothing is locked: the pool goes on meanwhile. Rejects early when `signal` aborts. */
export function auditBooks(db: Db, signal?: AbortSignal): Promise<Audit> {
  return db.transaction(async (tx) => {
    await tx.execute(sql`SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY`);
    const totals = await readTotals(tx);
    const users = await readUsers(tx, signal);
    const sum = (field: "booked" | "adjusted"): bigint => {
      let total = 0n;
      for (const user of users.values()) total += user[field];
      return total;
    };
    const problems = [...(await findDisagreements(tx, ALL)), ...(await recomputeSeals(tx, signal))];
    if (totals.fee + totals.paid + totals.carried !== totals.reward)
      problems.push(
        `fee ${totals.fee} + paid ${totals.paid} + carried ${totals.carried} is not the reward ${totals.reward}`,
      );
    if (sum("booked") !== totals.paid)
      problems.push(`users are booked ${sum("booked")}, the blocks paid ${totals.paid}`);
    for (const [name, user] of users)
      if (user.owed !== user.booked + user.adjusted - user.paidOut)
        problems.push(`user ${name} is owed ${user.owed}, which is not booked + adjusted - paid out`);
    return { ...totals, adjusted: sum("adjusted"), users, problems };
  });
}

const totalsRow = v.object({
  blocks: v.number(),
  reward: bigintText,
  fee: bigintText,
  paid: bigintText,
  carried: bigintText,
});

function readTotals(tx: Db): Promise<v.InferOutput<typeof totalsRow>> {
  return one(
    tx,
    sql`SELECT count(*)::int AS blocks,
      (COALESCE(sum(reward), 0) + (SELECT COALESCE(sum(r.reward), 0) FROM jobless_rewards r JOIN jobs i ON i.height = r.into_job
        WHERE i.state = 'sealed'))::text AS reward,
      COALESCE(sum(fee), 0)::text AS fee, COALESCE(sum(paid), 0)::text AS paid,
      COALESCE((SELECT carried FROM jobs WHERE state = 'sealed' ORDER BY height DESC LIMIT 1), 0)::text AS carried
      FROM jobs WHERE state = 'sealed'`,
    totalsRow,
  );
}

const userRow = v.object({
  name: v.string(),
  accepted: bigintText,
  work: bigintText,
  booked: bigintText,
  adjusted: bigintText,
  paidOut: bigintText,
  owed: bigintText,
});

async function readUsers(tx: Db, signal: AbortSignal | undefined): Promise<Map<string, UserAudit>> {
  const users = new Map<string, UserAudit>();
  for (let after = ""; ; ) {
    signal?.throwIfAborted();
    const page = await tx.query(
      sql`SELECT b.user_name AS name, b.booked::text AS booked, b.adjusted::text AS adjusted, b.paid_out::text AS "paidOut",
        b.owed::text AS owed, (COALESCE(w.shares, 0) + COALESCE(p.shares, 0))::text AS accepted,
        (COALESCE(w.work, 0) + COALESCE(p.work, 0))::text AS work
        FROM balances b
        LEFT JOIN LATERAL (
          SELECT sum(w.shares) AS shares, sum(books_in_unit(w.work, j.credit, 'assigned')) AS work
          FROM work w JOIN jobs j ON j.height = w.job WHERE w.user_name = b.user_name
        ) w ON true
        LEFT JOIN (
          SELECT r."user", sum(r.shares) AS shares, sum(books_in_unit(r.work, j.credit, 'assigned')) AS work
          FROM deltas d JOIN jobs j ON j.height = d.job,
            jsonb_to_recordset(d.body::jsonb -> 'rows') AS r("user" text COLLATE "C", shares numeric, work numeric)
          WHERE d.into_job IS NULL GROUP BY r."user"
        ) p ON p."user" = b.user_name
        WHERE b.user_name > ${after} ORDER BY b.user_name LIMIT ${PAGE_ROWS}::int`,
      userRow,
    );
    for (const { name, ...user } of page) users.set(name, user);
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE_ROWS) return users;
    after = last.name;
  }
}

/** Where the stored rows of the sealed blocks in a range contradict each other, and a job that was left out below any sealed one. */
export async function findDisagreements(tx: Db, { after, through }: BlockRange): Promise<string[]> {
  const rows = await tx.query(
    sql`WITH sealed AS (
      SELECT j.*, b.reward AS block_reward,
        COALESCE((SELECT l.carried FROM jobs l WHERE l.height < j.height AND l.state = 'sealed' ORDER BY l.height DESC LIMIT 1), 0)
          + COALESCE((SELECT sum(r.reward) FROM jobless_rewards r WHERE r.into_job = j.height), 0) AS expected_in,
        (SELECT COALESCE(sum(p.amount), 0) FROM payouts p WHERE p.job = j.height AND p.attempt = j.attempt) AS booked,
        (SELECT count(*) FROM payouts p WHERE p.job = j.height AND p.attempt IS DISTINCT FROM j.attempt) AS strays
      FROM jobs j LEFT JOIN blocks b ON b.height = j.height
      WHERE j.state = 'sealed' AND j.height > ${after}::int AND j.height <= ${through}::int
    ), problems AS (
      SELECT height, format('block %s: fee %s + paid %s + carried %s is not reward %s + carried in %s', height, fee, paid, carried, reward, carried_in)
        AS problem FROM sealed WHERE fee + paid + carried <> reward + carried_in
      UNION ALL SELECT height, format('block %s: carried in is %s, expected %s', height, carried_in, expected_in)
        FROM sealed WHERE carried_in <> expected_in
      UNION ALL SELECT height, format('block %s: paid is %s, its payouts are %s', height, paid, booked) FROM sealed WHERE paid <> booked
      UNION ALL SELECT height, format('block %s: sealed with reward %s, the chain paid %s', height, reward, block_reward)
        FROM sealed WHERE reward IS DISTINCT FROM block_reward
      UNION ALL SELECT height, format('block %s: %s payouts belong to no seal', height, strays) FROM sealed WHERE strays > 0
      UNION ALL SELECT height, format('job %s is not sealed though a higher one is', height)
        FROM jobs WHERE state <> 'sealed' AND height < (SELECT max(height) FROM jobs WHERE state = 'sealed')
    )
    SELECT problem FROM problems ORDER BY height LIMIT ${MOST_PROBLEMS}::int`,
    v.object({ problem: v.string() }),
  );
  return rows.map((row) => row.problem);
}

const sealRow = v.object({
  height: v.number(),
  reward: bigintText,
  carriedIn: bigintText,
  rate: bigintText,
  split: v.picklist(["largest-remainder", "reference"]),
  fee: bigintText,
  paid: bigintText,
  carried: bigintText,
  root: v.string(),
  attempt: v.string(),
});

export type Seal = v.InferOutput<typeof sealRow>;

/** The seals of a range in order, at most `rows` of them. */
export function readSeals(tx: Db, { after, through }: BlockRange, rows: number): Promise<Seal[]> {
  return tx.query(
    sql`SELECT height, reward::text AS reward, carried_in::text AS "carriedIn", (fee_rate * 100000000)::bigint::text AS rate, split,
      fee::text AS fee, paid::text AS paid, carried::text AS carried, root, attempt
      FROM jobs WHERE state = 'sealed' AND height > ${after}::int AND height <= ${through}::int
      ORDER BY height LIMIT ${rows}::int`,
    sealRow,
  );
}

/** Settles every sealed job again from its sums. */
async function recomputeSeals(tx: Db, signal: AbortSignal | undefined): Promise<string[]> {
  const problems: string[] = [];
  for (let after = -1; problems.length < MOST_PROBLEMS; ) {
    const page = await readSeals(tx, { ...ALL, after }, PAGE_ROWS);
    for (const row of page) {
      signal?.throwIfAborted();
      problems.push(...(await recomputeSeal(tx, row)));
    }
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE_ROWS) break;
    after = last.height;
  }
  return problems;
}

/** One sealed job settled again from its sums: what differs. */
export async function recomputeSeal(tx: Db, row: Seal): Promise<string[]> {
  const leaves = await readLeaves(tx, row.height);
  const again = settleReward({ ...row, rate: feeRate(row.rate), leaves });
  const problems = (["fee", "paid", "carried", "root"] as const)
    .filter((field) => again[field] !== row[field])
    .map((field) => `block ${row.height}: ${field} is ${row[field]}, its sums make ${again[field]}`);
  const amounts = new Map(again.users.map(({ user, amount }) => [user, amount]));
  for (const payout of await readPayouts(tx, row.height, row.attempt)) {
    if (amounts.get(payout.user) !== payout.amount)
      problems.push(
        `block ${row.height}: ${payout.user} is booked ${payout.amount}, the sums make ${amounts.get(payout.user) ?? "nothing"}`,
      );
    amounts.delete(payout.user);
  }
  for (const [user, amount] of amounts)
    if (amount > 0n) problems.push(`block ${row.height}: ${user} is not booked the ${amount} its work makes`);
  return problems;
}

const payoutRow = v.object({ user: v.string(), amount: bigintText });

async function readPayouts(
  tx: Db,
  height: number,
  attempt: string,
): Promise<v.InferOutput<typeof payoutRow>[]> {
  const payouts: v.InferOutput<typeof payoutRow>[] = [];
  for (let after = ""; ; ) {
    const page = await tx.query(
      sql`SELECT user_name AS "user", amount::text AS amount FROM payouts
        WHERE job = ${height}::int AND attempt = ${attempt} AND user_name > ${after} ORDER BY user_name LIMIT ${PAGE_ROWS}::int`,
      payoutRow,
    );
    payouts.push(...page);
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE_ROWS) return payouts;
    after = last.user;
  }
}
