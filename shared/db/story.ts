/** What the books say of one share, entry, block or payment, for its story (docs/decisions/share-story.md). Each by a key or an index. */

import * as v from "valibot";
import { ms } from "./instants.ts";
import { bigintText, type Db, first, sql } from "./port.ts";

const submittedRow = v.object({
  entryHash: v.string(),
  height: v.number(),
  nonce: v.string(),
  target: bigintText,
  user: v.string(),
  worker: v.string(),
  state: v.picklist(["blocked", "pending", "committed", "revealed", "abandoned"]),
  reason: v.nullable(v.string()),
  atMs: v.number(),
});
export type Submitted = v.InferOutput<typeof submittedRow>;

const submitted = sql`SELECT entry_hash AS "entryHash", height, nonce, target::text AS target, user_name AS "user", worker, state, reason,
  ${ms(sql`at`)} AS "atMs" FROM submissions`;

export function submittedEntry(db: Db, entryHash: string): Promise<Submitted | undefined> {
  return first(db, sql`${submitted} WHERE entry_hash = ${entryHash}`, submittedRow);
}

/** `nonce` in hex. */
export function submittedShare(db: Db, height: number, nonce: string): Promise<Submitted | undefined> {
  return first(
    db,
    sql`${submitted} WHERE height = ${height}::int AND nonce = ${nonce} LIMIT 1`,
    submittedRow,
  );
}

const placeRow = v.object({ position: v.number(), payout: bigintText, ours: v.boolean() });

/** The place of a graded entry of a block. */
export function placeOfEntry(
  db: Db,
  height: number,
  entryHash: string,
): Promise<v.InferOutput<typeof placeRow> | undefined> {
  return first(
    db,
    sql`SELECT position, payout::text AS payout, ours FROM block_places WHERE height = ${height}::int AND entry_hash = ${entryHash}`,
    placeRow,
  );
}

const deltaRow = v.object({ appliedMs: v.number(), intoJob: v.nullable(v.number()), sha256: v.string() });

export function appliedDelta(
  db: Db,
  key: { readonly job: number; readonly slot: number; readonly epoch: number; readonly seq: number },
): Promise<v.InferOutput<typeof deltaRow> | undefined> {
  return first(
    db,
    sql`SELECT ${ms(sql`applied_at`)} AS "appliedMs", into_job AS "intoJob", sha256 FROM deltas
      WHERE job = ${key.job}::int AND slot = ${key.slot}::int AND epoch = ${key.epoch}::bigint AND seq = ${key.seq}::int`,
    deltaRow,
  );
}

const jobRow = v.object({
  createdMs: v.nullable(v.number()),
  state: v.nullable(v.picklist(["open", "closing", "sealed"])),
  threshold: v.nullable(bigintText),
  sealedMs: v.nullable(v.number()),
  root: v.nullable(v.string()),
  oprHash: v.nullable(v.string()),
  /** Of the block; null while it is not booked. */
  graded: v.nullable(v.boolean()),
  blockMs: v.nullable(v.number()),
  keyMr: v.nullable(v.string()),
  winning: v.nullable(v.number()),
  reward: v.nullable(bigintText),
});
export type JobStory = v.InferOutput<typeof jobRow>;

/** A height's job and block; undefined where it has neither. */
export function jobStory(db: Db, height: number): Promise<JobStory | undefined> {
  return first(
    db,
    sql`SELECT ${ms(sql`j.created_at`)} AS "createdMs", j.state, j.threshold::text AS threshold, ${ms(sql`j.sealed_at`)} AS "sealedMs", j.root, j.opr_hash AS "oprHash",
        b.graded, ${ms(sql`b.at`)} AS "blockMs", b.key_mr AS "keyMr", b.winning, b.reward::text AS reward
      FROM (SELECT * FROM jobs WHERE height = ${height}::int) j FULL JOIN (SELECT * FROM blocks WHERE height = ${height}::int) b ON b.height = j.height`,
    jobRow,
  );
}

const workRow = v.object({ shares: bigintText, rejected: bigintText, amount: v.nullable(bigintText) });

/** A user's part of a job: `amount` is null until it is sealed. */
export function userInJob(
  db: Db,
  user: string,
  height: number,
): Promise<v.InferOutput<typeof workRow> | undefined> {
  return first(
    db,
    sql`SELECT w.shares::text AS shares, w.rejected::text AS rejected, (SELECT p.amount::text FROM payouts p JOIN jobs j ON j.height = p.job
        AND j.attempt = p.attempt AND j.state = 'sealed' WHERE p.job = ${height}::int AND p.user_name = ${user}) AS amount
      FROM (SELECT sum(shares) AS shares, sum(rejected) AS rejected FROM work WHERE user_name = ${user} AND job = ${height}::int) w
      WHERE w.shares IS NOT NULL`,
    workRow,
  );
}

const paidRow = v.object({ entryHash: v.string(), atMs: v.number() });

/** The payment by which a user had been paid all that was booked for it up to a height; undefined: none yet. What was booked first is paid first. */
export function paidThrough(
  db: Db,
  user: string,
  height: number,
): Promise<v.InferOutput<typeof paidRow> | undefined> {
  return first(
    db,
    sql`SELECT y.entry_hash AS "entryHash", ${ms(sql`y.at`)} AS "atMs" FROM (
        SELECT entry_hash, at, sum(amount) OVER (ORDER BY at, entry_hash) AS paid FROM payments WHERE user_name = ${user}) y
      WHERE y.paid >= (SELECT COALESCE(sum(p.amount), 0) FROM payouts p WHERE p.user_name = ${user} AND p.job <= ${height}::int
        AND p.job NOT IN (SELECT j.height FROM jobs j WHERE j.state <> 'sealed'))
      ORDER BY y.at, y.entry_hash LIMIT 1`,
    paidRow,
  );
}

const paymentRow = v.object({
  atMs: v.number(),
  users: v.number(),
  amount: bigintText,
  mine: v.nullable(bigintText),
});

/** An entry that paid: `mine` is the user's part. */
export function paymentEntry(
  db: Db,
  entryHash: string,
  user: string,
): Promise<v.InferOutput<typeof paymentRow> | undefined> {
  return first(
    db,
    sql`SELECT ${ms(sql`max(at)`)} AS "atMs", count(*)::int AS users, sum(amount)::text AS amount,
        (sum(amount) FILTER (WHERE user_name = ${user}))::text AS mine
      FROM payments WHERE entry_hash = ${entryHash} HAVING count(*) > 0`,
    paymentRow,
  );
}
