/** Payouts on their way as rows (0041_payouts.sql): prepared, intended, revealed, booked or void. */

import * as v from "valibot";
import { type BatchLine, batchDigest, batchId, RENEW_AFTER_SECONDS } from "../accounting/payout-batch.ts";
import { logAdminAction } from "./admin-log.ts";
import { bigintText, type Db, first, json, sql } from "./port.ts";

/** The lock of everything that books or plans a payment (books_record takes it too). */
const PAYMENTS_LOCK = 7_202_002;

const batchRow = v.object({
  id: v.string(),
  digest: v.string(),
  state: v.picklist(["prepared", "sending", "done"]),
  saltSeconds: v.number(),
  /** FA…; "" until signed entries are on record. */
  source: v.string(),
  total: bigintText,
  madeAtMs: v.number(),
});
export type PayoutBatch = v.InferOutput<typeof batchRow>;
const BATCH = sql`b.id, b.digest, b.state, b.salt_seconds::float8 AS "saltSeconds", b.source, b.total::text AS total,
  extract(epoch FROM b.made_at)::float8 * 1000 AS "madeAtMs"`;

const entryRow = v.object({
  no: v.number(),
  entryHash: v.string(),
  /** The whole signed entry, hex. */
  raw: v.string(),
  state: v.picklist(["intended", "revealed", "booked", "void"]),
  txId: v.string(),
  why: v.string(),
});
export type PayoutEntryRow = v.InferOutput<typeof entryRow>;

const lineRow = v.object({
  user: v.string(),
  address: v.string(),
  amount: bigintText,
  totalOwed: bigintText,
  totalPaid: bigintText,
  /** `no` of the entry that pays it. */
  entry: v.nullable(v.number()),
});
export type PayoutLineRow = v.InferOutput<typeof lineRow>;

/** What is owed and not on its way to a user. */
export interface Payable extends BatchLine {
  /** Below 0: the user has had more than was owed. */
  readonly amount: bigint;
}

/** Every user's state of payment, in byte order of the names; those owed nothing are left out. */
export function readPayable(db: Db): Promise<Payable[]> {
  return db.query(
    sql`SELECT b.user_name AS "user", COALESCE(b.payout_address, '') AS address, (b.owed - COALESCE(r.amount, 0))::text AS amount,
      (b.booked + b.adjusted)::text AS "totalOwed", (b.paid_out + COALESCE(r.amount, 0))::text AS "totalPaid"
      FROM balances b LEFT JOIN payout_reserved r USING (user_name)
      WHERE b.owed - COALESCE(r.amount, 0) <> 0 ORDER BY b.user_name`,
    v.object({
      user: v.string(),
      address: v.string(),
      amount: bigintText,
      totalOwed: bigintText,
      totalPaid: bigintText,
    }),
  );
}

/**
 * Makes the lines that `choose` takes of what is payable the prepared batch, in the place of an earlier prepared one with other lines.
 * The same lines again are the same batch. Undefined where nothing is to be paid.
 */
export function prepareBatch(
  db: Db,
  options: {
    readonly nowSeconds: number;
    readonly choose: (payable: readonly Payable[]) => readonly BatchLine[];
  },
): Promise<{ batch: PayoutBatch; lines: readonly BatchLine[] } | undefined> {
  return db.transaction(async (tx) => {
    await lockPayments(tx);
    const lines = options.choose(await readPayable(tx));
    const digest = batchDigest(lines);
    await tx.execute(sql`DELETE FROM payout_batches WHERE state = 'prepared' AND digest <> ${digest}`);
    if (lines.length === 0) return undefined;
    await tx.execute(sql`UPDATE payout_batches SET salt_seconds = ${options.nowSeconds}::bigint, changed_at = now()
      WHERE state = 'prepared' AND digest = ${digest} AND salt_seconds < ${options.nowSeconds - RENEW_AFTER_SECONDS}::bigint`);
    const batch = (await findPrepared(tx, digest)) ?? (await insertBatch(tx, { digest, lines, ...options }));
    return { batch, lines };
  });
}

/** Gives a prepared batch a new salt, where nothing signed with the old one is on record; false where there is none any more. */
export async function renewSalt(db: Db, batch: PayoutBatch, saltSeconds: number): Promise<boolean> {
  const renewed =
    await db.execute(sql`UPDATE payout_batches SET salt_seconds = ${saltSeconds}::bigint, changed_at = now()
    WHERE id = ${batch.id} AND state = 'prepared' AND salt_seconds = ${batch.saltSeconds}::bigint`);
  return renewed === 1;
}

function findPrepared(tx: Db, digest: string): Promise<PayoutBatch | undefined> {
  return first(
    tx,
    sql`SELECT ${BATCH} FROM payout_batches b WHERE b.state = 'prepared' AND b.digest = ${digest}`,
    batchRow,
  );
}

async function insertBatch(
  tx: Db,
  made: { readonly digest: string; readonly lines: readonly BatchLine[]; readonly nowSeconds: number },
): Promise<PayoutBatch> {
  const { digest, lines, nowSeconds } = made;
  const earlier = await tx.query(
    sql`SELECT id FROM payout_batches WHERE digest = ${digest}`,
    v.object({ id: v.string() }),
  );
  const id = batchId(digest, earlier.length);
  const total = lines.reduce((sum, line) => sum + line.amount, 0n);
  await tx.execute(sql`INSERT INTO payout_batches (id, digest, state, salt_seconds, total)
    VALUES (${id}, ${digest}, 'prepared', ${nowSeconds}::bigint, ${total}::numeric)`);
  await tx.execute(sql`INSERT INTO payout_lines (batch, no, user_name, address, amount, total_owed, total_paid)
    SELECT ${id}, l.ordinality - 1, l.line ->> 'user', l.line ->> 'address', (l.line ->> 'amount')::bigint,
      (l.line ->> 'totalOwed')::bigint, (l.line ->> 'totalPaid')::bigint
    FROM jsonb_array_elements(${json(lines)}::jsonb) WITH ORDINALITY AS l(line, ordinality)`);
  const batch = await findBatch(tx, id);
  if (batch === undefined) throw new Error(`the batch ${id} that was just made is not there`);
  return batch;
}

/** The signed entries of a batch, as they are to be sent. */
export interface Intent {
  readonly digest: string;
  readonly saltSeconds: number;
  readonly source: string;
  readonly lines: readonly BatchLine[];
  /** Each pays the next `count` lines. */
  readonly entries: readonly { readonly entryHash: string; readonly raw: string; readonly count: number }[];
}

/**
 * `intended`: on record now, or by an earlier run with the very same entries. All others have changed nothing. `other-salt`: signed for an
 * earlier preparation. `other-entries`: another signature is on record. `unpayable`: more than is owed and not on its way.
 */
export type IntentOutcome =
  | { readonly kind: "intended"; readonly batch: PayoutBatch }
  | { readonly kind: "other-salt" | "other-entries" }
  | { readonly kind: "unpayable"; readonly user: string; readonly amount: bigint; readonly payable: bigint };

/**
 * Records what is about to be sent, before it is. A list that was never prepared here (written by hand, or replaced by a newer one) is
 * taken too, if everything on it is still payable.
 */
export function recordIntent(db: Db, intent: Intent): Promise<IntentOutcome> {
  return db.transaction(async (tx): Promise<IntentOutcome> => {
    await lockPayments(tx);
    const open = await findOpen(tx, intent.digest);
    if (open?.state === "sending") return sameEntries(tx, open, intent);
    const done = open === undefined ? await findDone(tx, intent) : undefined;
    if (done !== undefined) return { kind: "intended", batch: done };
    if (open !== undefined && open.saltSeconds !== intent.saltSeconds) return { kind: "other-salt" };
    const unpayable = await findUnpayable(tx, intent.lines);
    if (unpayable !== undefined) return { kind: "unpayable", ...unpayable };
    // In place of another prepared list: it may share payments with this one.
    await tx.execute(sql`DELETE FROM payout_batches WHERE state = 'prepared' AND digest <> ${intent.digest}`);
    const batch = open ?? (await insertBatch(tx, { ...intent, nowSeconds: intent.saltSeconds }));
    await insertEntries(tx, batch.id, intent);
    await tx.execute(sql`UPDATE payout_batches SET state = 'sending', source = ${intent.source}, changed_at = now()
      WHERE id = ${batch.id}`);
    const entries = intent.entries.map(({ entryHash }) => entryHash);
    const details = { total: batch.total, source: intent.source, entries };
    await logAdminAction(tx, { actor: "command line", action: "send-payout", subject: batch.id, details });
    return { kind: "intended", batch: { ...batch, state: "sending", source: intent.source } };
  });
}

async function sameEntries(tx: Db, batch: PayoutBatch, intent: Intent): Promise<IntentOutcome> {
  const recorded = await readEntries(tx, batch.id);
  const same =
    recorded.length === intent.entries.length &&
    recorded.every((entry, i) => entry.entryHash === intent.entries[i]?.entryHash);
  return same ? { kind: "intended", batch } : { kind: "other-entries" };
}

async function insertEntries(tx: Db, id: string, { entries }: Intent): Promise<void> {
  let from = 0;
  for (const [no, { entryHash, raw, count }] of entries.entries()) {
    await tx.execute(sql`INSERT INTO payout_entries (batch, no, entry_hash, raw, state)
      VALUES (${id}, ${no}, ${entryHash}, ${raw}, 'intended')`);
    await tx.execute(sql`UPDATE payout_lines SET entry = ${no}
      WHERE batch = ${id} AND no >= ${from} AND no < ${from + count}`);
    from += count;
  }
}

async function findUnpayable(
  tx: Db,
  lines: readonly BatchLine[],
): Promise<{ user: string; amount: bigint; payable: bigint } | undefined> {
  const payable = new Map((await readPayable(tx)).map(({ user, amount }) => [user, amount]));
  for (const { user, amount } of lines) {
    const rest = payable.get(user) ?? 0n;
    if (amount > rest) return { user, amount, payable: rest };
  }
  return undefined;
}

async function lockPayments(tx: Db): Promise<void> {
  await tx.execute(sql`SELECT pg_advisory_xact_lock(${PAYMENTS_LOCK}::bigint)`);
}

function findOpen(db: Db, digest: string): Promise<PayoutBatch | undefined> {
  return first(
    db,
    sql`SELECT ${BATCH} FROM payout_batches b WHERE b.digest = ${digest} AND b.state <> 'done'`,
    batchRow,
  );
}

function findDone(db: Db, { digest, entries }: Intent): Promise<PayoutBatch | undefined> {
  return first(
    db,
    sql`SELECT ${BATCH} FROM payout_batches b JOIN payout_entries e ON e.batch = b.id AND e.no = 0
      WHERE b.digest = ${digest} AND b.state = 'done' AND e.entry_hash = ${entries[0]?.entryHash ?? ""}`,
    batchRow,
  );
}

/** The batch of these lines: the open one, else the newest whose payments were booked. */
export async function findByDigest(db: Db, digest: string): Promise<PayoutBatch | undefined> {
  return (
    (await findOpen(db, digest)) ??
    first(
      db,
      sql`SELECT ${BATCH} FROM payout_batches b WHERE b.digest = ${digest}
        AND EXISTS (SELECT 1 FROM payout_entries e WHERE e.batch = b.id AND e.state = 'booked')
        ORDER BY b.made_at DESC LIMIT 1`,
      batchRow,
    )
  );
}

export function findBatch(db: Db, id: string): Promise<PayoutBatch | undefined> {
  return first(db, sql`SELECT ${BATCH} FROM payout_batches b WHERE b.id = ${id}`, batchRow);
}

/** Batches with entries that may still be booked, the oldest first. */
export function sendingBatches(db: Db): Promise<PayoutBatch[]> {
  return db.query(
    sql`SELECT ${BATCH} FROM payout_batches b WHERE b.state = 'sending' ORDER BY b.made_at, b.id`,
    batchRow,
  );
}

/** The newest first. */
export function listBatches(db: Db, limit: number): Promise<PayoutBatch[]> {
  return db.query(
    sql`SELECT ${BATCH} FROM payout_batches b ORDER BY b.made_at DESC, b.id LIMIT ${limit}::int`,
    batchRow,
  );
}

export function readEntries(db: Db, batch: string): Promise<PayoutEntryRow[]> {
  return db.query(
    sql`SELECT no, entry_hash AS "entryHash", raw, state, tx_id AS "txId", why FROM payout_entries
      WHERE batch = ${batch} ORDER BY no`,
    entryRow,
  );
}

export function readLines(db: Db, batch: string): Promise<PayoutLineRow[]> {
  return db.query(
    sql`SELECT user_name AS "user", address, amount::text AS amount, total_owed::text AS "totalOwed", total_paid::text AS "totalPaid",
      entry FROM payout_lines WHERE batch = ${batch} ORDER BY no`,
    lineRow,
  );
}

/** The entry was handed to the network, or found there. Repeating it changes nothing. */
export async function markRevealed(db: Db, entryHash: string, txId: string): Promise<void> {
  await db.execute(sql`UPDATE payout_entries SET state = 'revealed', tx_id = CASE WHEN ${txId} = '' THEN tx_id ELSE ${txId} END,
    changed_at = now() WHERE entry_hash = ${entryHash} AND state IN ('intended', 'revealed')`);
}

/** The entry will never pay: what it was to pay is owed again. Nothing happens to one that is booked. */
export async function markVoid(db: Db, entryHash: string, why: string): Promise<void> {
  await db.transaction(async (tx) => {
    await lockPayments(tx);
    await tx.execute(sql`UPDATE payout_entries e SET state = 'void', why = ${why}, changed_at = now()
      WHERE e.entry_hash = ${entryHash} AND e.state IN ('intended', 'revealed')
        AND NOT EXISTS (SELECT 1 FROM payments p WHERE p.entry_hash = e.entry_hash)`);
  });
}

/** Brings entries and batches in line with what is booked, by whichever command. Repeating it changes nothing. */
export async function settleBatches(db: Db): Promise<void> {
  await db.execute(sql`UPDATE payout_entries e SET state = 'booked', changed_at = now()
    WHERE e.state IN ('intended', 'revealed') AND EXISTS (SELECT 1 FROM payments p WHERE p.entry_hash = e.entry_hash)`);
  await db.execute(sql`UPDATE payout_batches b SET state = 'done', changed_at = now() WHERE b.state = 'sending'
    AND NOT EXISTS (SELECT 1 FROM payout_entries e WHERE e.batch = b.id AND e.state IN ('intended', 'revealed'))`);
}

/** Those of the entries that will never pay. */
export function voidEntries(
  db: Db,
  entryHashes: readonly string[],
): Promise<{ entryHash: string; why: string }[]> {
  return db.query(
    sql`SELECT entry_hash AS "entryHash", why FROM payout_entries WHERE state = 'void'
      AND entry_hash IN (SELECT jsonb_array_elements_text(${json(entryHashes)}::jsonb)) ORDER BY entry_hash`,
    v.object({ entryHash: v.string(), why: v.string() }),
  );
}
