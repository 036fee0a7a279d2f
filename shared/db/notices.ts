/** What all are told by the operator: announcements, and maintenance that stops the miners (0072_operator_orders.sql). */

import * as v from "valibot";
import { MOST_NOTICES, utcMinute } from "../operator/orders.ts";
import { logAdminAction } from "./admin-log.ts";
import { ms } from "./instants.ts";
import { bigintText, type Db, first, one, sql } from "./port.ts";

const noticeRow = v.object({
  id: bigintText,
  kind: v.picklist(["announcement", "maintenance"]),
  words: v.string(),
  madeBy: v.string(),
  atMs: v.number(),
  beginsAtMs: v.number(),
  untilMs: v.number(),
  /** From now, by the database's clock; 0 or less: it has begun. */
  beginsInMs: v.number(),
  leftMs: v.number(),
});
export type Notice = v.InferOutput<typeof noticeRow>;

/** Those that are to be told now, the oldest first: an announcement from its beginning on, maintenance before it too. */
export function standingNotices(db: Db): Promise<Notice[]> {
  return db.query(
    sql`SELECT id::text AS id, kind, words, made_by AS "madeBy", ${ms(sql`at`)} AS "atMs",
      ${ms(sql`begins_at`)} AS "beginsAtMs", ${ms(sql`until`)} AS "untilMs",
      ${ms(sql`begins_at - now()`)} AS "beginsInMs", ${ms(sql`until - now()`)} AS "leftMs"
      FROM notices WHERE ended_at IS NULL AND until > now() ORDER BY notices.id LIMIT ${MOST_NOTICES}::int`,
    noticeRow,
  );
}

/** Until the maintenance that began last is over, by the database's clock: milliseconds, 0 or less since it was; undefined: there was none. */
export async function maintenanceLeftMs(db: Db): Promise<number | undefined> {
  const row = await first(
    db,
    sql`SELECT ${ms(sql`least(until, ended_at) - now()`)} AS "leftMs" FROM notices
      WHERE kind = 'maintenance' AND begins_at <= now() AND (ended_at IS NULL OR ended_at > begins_at)
      ORDER BY least(until, ended_at) DESC LIMIT 1`,
    v.object({ leftMs: v.number() }),
  );
  return row?.leftMs;
}

export interface NewNotice {
  readonly kind: Notice["kind"];
  readonly words: string;
  /** From now; 0: at once. */
  readonly inMs: number;
  /** From its beginning. */
  readonly forMs: number;
  /** The administrator. */
  readonly by: string;
}

/** Undefined where MOST_NOTICES stand already. New maintenance takes the place of what stood: it is how one is put off or made longer. */
export function giveNotice(db: Db, wanted: NewNotice): Promise<Notice | undefined> {
  const { kind, words, by } = wanted;
  return db.transaction(async (tx) => {
    const standing = await standingNotices(tx);
    const before = kind === "maintenance" ? standing.find((each) => each.kind === kind) : undefined;
    if (before === undefined && standing.length >= MOST_NOTICES) return undefined;
    if (kind === "maintenance")
      await tx.execute(
        sql`UPDATE notices SET ended_at = now(), ended_by = ${by} WHERE kind = ${kind} AND ended_at IS NULL`,
      );
    const { id } = await one(
      tx,
      sql`INSERT INTO notices (kind, words, made_by, begins_at, until) VALUES (${kind}, ${words}, ${by},
        now() + ${wanted.inMs}::float8 * interval '1 millisecond',
        now() + ${wanted.inMs + wanted.forMs}::float8 * interval '1 millisecond') RETURNING id::text AS id`,
      v.object({ id: bigintText }),
    );
    const made = (await standingNotices(tx)).find((each) => each.id === id);
    if (made === undefined) throw new Error("a notice that was just made does not stand");
    await logAdminAction(tx, {
      ...{ actor: by, action: kind === "maintenance" ? "begin-maintenance" : "announce", subject: "" },
      details: { before: noticeText(before), after: noticeText(made) },
    });
    return made;
  });
}

/** Ends it now: an announcement is told no more, miners go on. False where it does not stand. */
export function endNotice(db: Db, id: bigint, by: string): Promise<boolean> {
  return db.transaction(async (tx) => {
    const before = (await standingNotices(tx)).find((each) => each.id === id);
    if (before === undefined) return false;
    await tx.execute(
      sql`UPDATE notices SET ended_at = now(), ended_by = ${by} WHERE id = ${id}::bigint AND ended_at IS NULL`,
    );
    await logAdminAction(tx, {
      ...{
        actor: by,
        action: before.kind === "maintenance" ? "end-maintenance" : "end-announcement",
        subject: "",
      },
      details: { before: noticeText(before), after: noticeText(undefined) },
    });
    return true;
  });
}

/** As the log has it. */
function noticeText(notice: Notice | undefined): string {
  if (notice === undefined) return "none";
  const { kind, beginsAtMs, untilMs, words } = notice;
  return `${kind} from ${utcMinute(beginsAtMs)} until ${utcMinute(untilMs)}: ${words}`;
}
