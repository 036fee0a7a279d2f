/** Records payments before they are sent, and only those that the pool has prepared (0041_payouts.sql, 0050_payout_trust.sql). */

import * as v from "valibot";
import type { BatchLine } from "../accounting/payout-batch.ts";
import { logAdminAction } from "./admin-log.ts";
import type { ReceiptLine } from "./payments.ts";
import { type Approvals, COMMAND_LINE, readApprovals } from "./payout-approvals.ts";
import {
  BATCH,
  batchRow,
  findOpen,
  insertBatch,
  lockPayments,
  type PayoutBatch,
  readEntries,
  readLines,
  readPayable,
  replacePrepared,
} from "./payout-batches.ts";
import { type Db, first, json, one, sql } from "./port.ts";

/** The signed entries of a batch, as they are to be sent. */
export interface Intent {
  readonly digest: string;
  readonly saltSeconds: number;
  readonly source: string;
  readonly lines: readonly BatchLine[];
  /** Each pays the next `count` lines. */
  readonly entries: readonly { readonly entryHash: string; readonly raw: string; readonly count: number }[];
  /** An operator wrote the list: it need not be on record, but pays each user's own address. */
  readonly byHand: boolean;
  /** The administrator who has it sent from the pages; undefined: the command line. */
  readonly sentBy?: string | undefined;
  /** How many must have agreed, whatever was asked for when it was prepared. */
  readonly approvalsNeeded?: number | undefined;
}

/**
 * `intended`: on record now, or by an earlier run with exactly the same entries. All others have changed nothing. `not-prepared`: the pool
 * has made no list of exactly these lines. `other-address`: a list by hand pays somebody at another address than the user's own.
 * `other-salt`: signed for an earlier preparation. `other-entries`: another signature is on record. `too-old`: replaced by another list
 * long ago. `unpayable`: it pays more than is owed and not on its way yet. `unapproved`: not enough people have agreed to it.
 */
export type IntentOutcome =
  | { readonly kind: "intended"; readonly batch: PayoutBatch; readonly replaced?: PayoutBatch | undefined }
  | { readonly kind: "not-prepared" | "other-salt" | "other-entries" | "too-old" }
  | { readonly kind: "other-address"; readonly user: string; readonly address: string; readonly own: string }
  | { readonly kind: "unpayable"; readonly user: string; readonly amount: bigint; readonly payable: bigint }
  | ({ readonly kind: "unapproved" } & Approvals);

/**
 * Records a list before it is sent. The list must be exactly one that the pool has prepared, addresses included. Another list may have
 * replaced it since, if everything on it is still payable.
 */
export function recordIntent(db: Db, intent: Intent): Promise<IntentOutcome> {
  return db.transaction(async (tx): Promise<IntentOutcome> => {
    await lockPayments(tx);
    const open = await findOpen(tx, intent.digest);
    if (open?.state === "sending") return sameEntries(tx, open, intent);
    const done = open === undefined ? await findDone(tx, intent) : undefined;
    if (done !== undefined) return { kind: "intended", batch: done };
    if (open === undefined) {
      if (!intent.byHand) return { kind: "not-prepared" };
      const other = await findOtherAddress(tx, intent.lines);
      if (other !== undefined) return { kind: "other-address", ...other };
    }
    if (open !== undefined && open.saltSeconds !== intent.saltSeconds) return { kind: "other-salt" };
    // A replaced list whose lines were deleted is too old to be sent.
    if (open?.state === "replaced" && (await readLines(tx, open.id)).length === 0) return { kind: "too-old" };
    const approvals = await approvalsOf(tx, open, intent);
    if (approvals.by.length < approvals.needed) return { kind: "unapproved", ...approvals };
    const unpayable = await findUnpayable(tx, intent.lines, { isReplaced: open?.state === "replaced" });
    if (unpayable !== undefined) return { kind: "unpayable", ...unpayable };
    // This replaces any other prepared list, since that may share payments with this one.
    const replaced = await replacePrepared(tx, intent.digest, intent.saltSeconds);
    const batch = open ?? (await insertBatch(tx, { ...intent, nowSeconds: intent.saltSeconds }));
    await insertEntries(tx, batch.id, intent);
    const { sentBy = "" } = intent;
    await tx.execute(sql`UPDATE payout_batches SET state = 'sending', source = ${intent.source}, sent_by = ${sentBy},
      changed_at = now() WHERE id = ${batch.id}`);
    const entries = intent.entries.map(({ entryHash }) => entryHash);
    const byHand = open === undefined;
    const agreed = approvals.by.join(", ");
    const details = {
      total: batch.total,
      source: intent.source,
      entries,
      byHand,
      replaced: replaced?.id,
      agreed,
    };
    await logAdminAction(tx, {
      ...{ actor: sentBy || COMMAND_LINE, action: "send-payout", subject: batch.id, details },
    });
    return {
      kind: "intended",
      batch: { ...batch, state: "sending", source: intent.source, sentBy },
      replaced,
    };
  });
}

/** A list by hand has nobody who agreed: it was never shown to anybody. */
async function approvalsOf(tx: Db, open: PayoutBatch | undefined, intent: Intent): Promise<Approvals> {
  const { needed, by } = open === undefined ? { needed: 0, by: [] } : await readApprovals(tx, open.id);
  return { needed: Math.max(needed, intent.approvalsNeeded ?? 0), by };
}

/** The first user whose payment goes to another address than the account's. */
async function findOtherAddress(
  tx: Db,
  lines: readonly BatchLine[],
): Promise<{ user: string; address: string; own: string } | undefined> {
  const owners = await tx.query(
    sql`SELECT name AS "user", COALESCE(payout_address, '') AS own FROM users
      WHERE name IN (SELECT jsonb_array_elements_text(${json(lines.map(({ user }) => user))}::jsonb))`,
    v.object({ user: v.string(), own: v.string() }),
  );
  const ownOf = new Map(owners.map(({ user, own }) => [user, own]));
  for (const { user, address } of lines) {
    const own = ownOf.get(user) ?? "";
    if (own !== address) return { user, address, own };
  }
  return undefined;
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
  { isReplaced }: { readonly isReplaced: boolean },
): Promise<{ user: string; amount: bigint; payable: bigint } | undefined> {
  const payable = new Map((await readPayable(tx)).map((one) => [one.user, one]));
  for (const { user, address, amount } of lines) {
    const found = payable.get(user);
    // A list from before the change pays the former address, as was said then, unless another has taken its place since: that one leaves the user out.
    const isHeld = found?.isHeld === true && (isReplaced || found.address === address);
    const rest = found === undefined || isHeld ? 0n : found.amount;
    if (amount > rest) return { user, amount, payable: rest };
  }
  return undefined;
}

function findDone(db: Db, { digest, entries }: Intent): Promise<PayoutBatch | undefined> {
  return first(
    db,
    sql`SELECT ${BATCH} FROM payout_batches b JOIN payout_entries e ON e.batch = b.id AND e.no = 0
      WHERE b.digest = ${digest} AND b.state = 'done' AND e.entry_hash = ${entries[0]?.entryHash ?? ""}`,
    batchRow,
  );
}

/**
 * Whether a receipt agrees with the pool's records. It may have payments of entries that the pool sent, each with its user, address and
 * amount. Or it may be a prepared list (by its digest) that was sent without the database.
 */
export async function isReceiptOnRecord(
  db: Db,
  receipt: { readonly digest: string; readonly lines: readonly ReceiptLine[] },
): Promise<boolean> {
  const { strangers, unsent } = await one(
    db,
    sql`SELECT (SELECT count(*) FROM jsonb_to_recordset(${json(receipt.lines)}::jsonb)
          AS r("entryHash" text, "user" text, address text, amount bigint) WHERE NOT EXISTS (
            SELECT 1 FROM payout_entries e JOIN payout_lines l ON l.batch = e.batch AND l.entry = e.no
            WHERE e.entry_hash = r."entryHash" AND l.user_name = r."user" AND l.address = r.address AND l.amount = r.amount))::int
        AS strangers,
      EXISTS (SELECT 1 FROM payout_batches b WHERE b.digest = ${receipt.digest}
        AND NOT EXISTS (SELECT 1 FROM payout_entries e WHERE e.batch = b.id)) AS unsent`,
    v.object({ strangers: v.number(), unsent: v.boolean() }),
  );
  return strangers === 0 || unsent;
}
