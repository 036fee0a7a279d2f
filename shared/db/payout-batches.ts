/** Payouts on their way as rows (0041_payouts.sql, 0050_payout_trust.sql): prepared, intended, revealed, booked or void. */

import * as v from "valibot";
import {
  type BatchLine,
  batchId,
  linesDigest,
  RENEW_AFTER_SECONDS,
  VOID_AFTER_SECONDS,
} from "../accounting/payout-batch.ts";
import { recordPreparer } from "./payout-approvals.ts";
import { bigintText, type Db, first, json, type Sql, sql } from "./port.ts";

/** The lock of everything that books or plans a payment (books_record takes it too). */
const PAYMENTS_LOCK = 7_202_002;

export const batchRow = v.object({
  id: v.string(),
  digest: v.string(),
  /** `replaced`: another list took the place of this prepared one; it can still be sent while its salt is good. */
  state: v.picklist(["prepared", "replaced", "sending", "done"]),
  saltSeconds: v.number(),
  /** FA…; "" until signed entries are on record. */
  source: v.string(),
  total: bigintText,
  madeAtMs: v.number(),
  /** An operator wrote the list. */
  byHand: v.boolean(),
  /** The administrator who had it sent from the pages; "": the command line, or not sent. */
  sentBy: v.string(),
});
export type PayoutBatch = v.InferOutput<typeof batchRow>;
export const BATCH = sql`b.id, b.digest, b.state, b.salt_seconds::float8 AS "saltSeconds", b.source, b.total::text AS total,
  extract(epoch FROM b.made_at)::float8 * 1000 AS "madeAtMs", b.by_hand AS "byHand",
  b.sent_by AS "sentBy"`;

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

/** The part of what a user is owed that is not on its way yet. */
export interface Payable extends BatchLine {
  /** Below 0: the user has had more than was owed. */
  readonly amount: bigint;
  /** The address was changed within the last day: nothing is paid to it yet (address-holds.ts). */
  readonly isHeld: boolean;
}

const payableRow: v.GenericSchema<unknown, Payable> = v.object({
  user: v.string(),
  address: v.string(),
  amount: bigintText,
  totalOwed: bigintText,
  totalPaid: bigintText,
  isHeld: v.boolean(),
});

/** Every user's state of payment, in byte order of the names; those owed nothing are left out. */
export function readPayable(db: Db): Promise<Payable[]> {
  return db.query(payableBy(sql`balances`), payableRow);
}

/** The same for pages, at a cost that does not grow with the blocks (booked-sums.ts). */
export function showPayable(db: Db): Promise<Payable[]> {
  // `OFFSET 0`: the sums are made once for each user. The view's own `owed` would make them again.
  const sums = sql`SELECT user_name, payout_address, booked, adjusted, paid_out FROM shown_balances OFFSET 0`;
  return db.query(
    payableBy(sql`(SELECT *, booked + adjusted - paid_out AS owed FROM (${sums}) s)`),
    payableRow,
  );
}

function payableBy(balances: Sql): Sql {
  return sql`SELECT b.user_name AS "user", COALESCE(b.payout_address, '') AS address, (b.owed - COALESCE(r.amount, 0))::text AS amount,
      (b.booked + b.adjusted)::text AS "totalOwed", (b.paid_out + COALESCE(r.amount, 0))::text AS "totalPaid",
      EXISTS (SELECT 1 FROM address_holds h WHERE h.user_name = b.user_name AND h.held_until > now()) AS "isHeld"
      FROM ${balances} b LEFT JOIN payout_reserved r USING (user_name)
      WHERE b.owed - COALESCE(r.amount, 0) <> 0 ORDER BY b.user_name`;
}

export interface Prepared {
  readonly batch: PayoutBatch;
  readonly lines: readonly BatchLine[];
  /** The prepared list that it replaces. */
  readonly replaced: PayoutBatch | undefined;
}

/**
 * Lets `choose` take lines from all that is payable, and makes them the prepared batch. It replaces an earlier prepared batch with other
 * lines, which stays on record. The same lines again give the same batch. Undefined where nothing is to be paid. If `onPrepared` rejects,
 * nothing is recorded.
 */
export function prepareBatch(
  db: Db,
  options: {
    readonly nowSeconds: number;
    readonly choose: (payable: readonly Payable[]) => readonly BatchLine[];
    readonly onPrepared?: (prepared: Prepared) => Promise<void>;
    /** Who prepares; undefined: nobody, by the schedule. */
    readonly by?: string | undefined;
    /** How many must agree before it may be sent. */
    readonly approvalsNeeded?: number | undefined;
  },
): Promise<Prepared | undefined> {
  const { nowSeconds, onPrepared, by, approvalsNeeded: needed = 0 } = options;
  return db.transaction(async (tx) => {
    await lockPayments(tx);
    const lines = options.choose(await readPayable(tx));
    const digest = linesDigest(lines);
    const replaced = await replacePrepared(tx, digest, nowSeconds);
    if (lines.length === 0) return undefined;
    await tx.execute(sql`UPDATE payout_batches SET salt_seconds = ${nowSeconds}::bigint, changed_at = now()
      WHERE state = 'prepared' AND digest = ${digest} AND salt_seconds < ${nowSeconds - RENEW_AFTER_SECONDS}::bigint`);
    const batch =
      (await findPrepared(tx, digest)) ??
      (await reviveReplaced(tx, digest, nowSeconds)) ??
      (await insertBatch(tx, { digest, lines, nowSeconds, byHand: false }));
    await recordPreparer(tx, batch.id, { by, needed });
    const prepared = { batch, lines, replaced };
    await onPrepared?.(prepared);
    return prepared;
  });
}

/** Replaces the prepared list whose lines differ from `digest`. Lines that can never be sent any more are deleted; the lists stay. */
export async function replacePrepared(
  tx: Db,
  digest: string,
  nowSeconds: number,
): Promise<PayoutBatch | undefined> {
  const replaced = await first(
    tx,
    sql`UPDATE payout_batches b SET state = 'replaced', changed_at = now()
      WHERE b.state = 'prepared' AND b.digest <> ${digest} RETURNING ${BATCH}`,
    batchRow,
  );
  await tx.execute(sql`DELETE FROM payout_lines l USING payout_batches b WHERE b.id = l.batch AND b.state = 'replaced'
    AND b.salt_seconds < ${nowSeconds - VOID_AFTER_SECONDS}::bigint`);
  return replaced;
}

/** If a replaced list is owed again, it becomes the prepared one again, and what was signed for it can be sent. */
function reviveReplaced(tx: Db, digest: string, nowSeconds: number): Promise<PayoutBatch | undefined> {
  return first(
    tx,
    sql`UPDATE payout_batches b SET state = 'prepared', changed_at = now() WHERE b.id = (
        SELECT r.id FROM payout_batches r WHERE r.digest = ${digest} AND r.state = 'replaced' AND NOT r.by_hand
          AND r.salt_seconds >= ${nowSeconds - RENEW_AFTER_SECONDS}::bigint ORDER BY r.made_at DESC LIMIT 1)
      RETURNING ${BATCH}`,
    batchRow,
  );
}

/** Gives a new salt to a batch that was not sent; false where another process has changed it since. */
export async function renewSalt(db: Db, batch: PayoutBatch, saltSeconds: number): Promise<boolean> {
  const renewed =
    await db.execute(sql`UPDATE payout_batches SET salt_seconds = ${saltSeconds}::bigint, changed_at = now()
    WHERE id = ${batch.id} AND state IN ('prepared', 'replaced') AND salt_seconds = ${batch.saltSeconds}::bigint`);
  return renewed === 1;
}

/** The list that waits to be signed and sent; there is one at most. */
export function preparedBatch(db: Db): Promise<PayoutBatch | undefined> {
  return first(db, sql`SELECT ${BATCH} FROM payout_batches b WHERE b.state = 'prepared'`, batchRow);
}

function findPrepared(tx: Db, digest: string): Promise<PayoutBatch | undefined> {
  return first(
    tx,
    sql`SELECT ${BATCH} FROM payout_batches b WHERE b.state = 'prepared' AND b.digest = ${digest}`,
    batchRow,
  );
}

export async function insertBatch(
  tx: Db,
  made: {
    readonly digest: string;
    readonly lines: readonly BatchLine[];
    readonly nowSeconds: number;
    readonly byHand: boolean;
  },
): Promise<PayoutBatch> {
  const { digest, lines, nowSeconds, byHand } = made;
  const earlier = await tx.query(
    sql`SELECT id FROM payout_batches WHERE digest = ${digest}`,
    v.object({ id: v.string() }),
  );
  const id = batchId(digest, earlier.length);
  const total = lines.reduce((sum, line) => sum + line.amount, 0n);
  await tx.execute(sql`INSERT INTO payout_batches (id, digest, state, salt_seconds, total, by_hand)
    VALUES (${id}, ${digest}, 'prepared', ${nowSeconds}::bigint, ${total}::numeric, ${byHand})`);
  await tx.execute(sql`INSERT INTO payout_lines (batch, no, user_name, address, amount, total_owed, total_paid)
    SELECT ${id}, l.ordinality - 1, l.line ->> 'user', l.line ->> 'address', (l.line ->> 'amount')::bigint,
      (l.line ->> 'totalOwed')::bigint, (l.line ->> 'totalPaid')::bigint
    FROM jsonb_array_elements(${json(lines)}::jsonb) WITH ORDINALITY AS l(line, ordinality)`);
  const batch = await findBatch(tx, id);
  if (batch === undefined) throw new Error(`the batch ${id} that was just made is not there`);
  return batch;
}

/** Until the transaction ends, nobody else books or plans a payment. */
export async function lockPayments(tx: Db): Promise<void> {
  // As text: the Data API knows no void.
  await tx.execute(sql`SELECT pg_advisory_xact_lock(${PAYMENTS_LOCK}::bigint)::text`);
}

/** The batch of these lines that is not done; if there are several, the one that can be sent first. */
export function findOpen(db: Db, digest: string): Promise<PayoutBatch | undefined> {
  return first(
    db,
    sql`SELECT ${BATCH} FROM payout_batches b WHERE b.digest = ${digest} AND b.state <> 'done'
      ORDER BY (b.state = 'replaced'), b.salt_seconds DESC LIMIT 1`,
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

/** Whether the pool has this list on record, prepared, sent or replaced. */
export async function isOnRecord(db: Db, digest: string): Promise<boolean> {
  const found = await db.query(
    sql`SELECT id FROM payout_batches WHERE digest = ${digest} LIMIT 1`,
    v.object({ id: v.string() }),
  );
  return found.length > 0;
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

/** Marks an entry that will never pay: its payments are owed again. A booked entry is not changed. */
export async function markVoid(db: Db, entryHash: string, why: string): Promise<void> {
  await db.transaction(async (tx) => {
    await lockPayments(tx);
    await tx.execute(sql`UPDATE payout_entries e SET state = 'void', why = ${why}, changed_at = now()
      WHERE e.entry_hash = ${entryHash} AND e.state IN ('intended', 'revealed')
        AND NOT EXISTS (SELECT 1 FROM payments p WHERE p.entry_hash = e.entry_hash)`);
  });
}

/** Updates entries and batches from what is booked, whichever command booked it. Repeating it changes nothing. */
export async function completeBatches(db: Db): Promise<void> {
  await db.execute(sql`UPDATE payout_entries e SET state = 'booked', changed_at = now()
    WHERE e.state IN ('intended', 'revealed') AND EXISTS (SELECT 1 FROM payments p WHERE p.entry_hash = e.entry_hash)`);
  await db.execute(sql`UPDATE payout_batches b SET state = 'done', changed_at = now() WHERE b.state = 'sending'
    AND NOT EXISTS (SELECT 1 FROM payout_entries e WHERE e.batch = b.id AND e.state IN ('intended', 'revealed'))`);
}

/** The ones among these entries that will never pay. */
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
