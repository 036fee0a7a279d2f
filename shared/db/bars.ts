/** Who is barred, by user or address, with a reason and an end (0072_operator_orders.sql). Nothing of what is owed changes. */

import * as v from "valibot";
import { type BarKind, type BarScope, MOST_BARS, utcMinute } from "../operator/orders.ts";
import { logAdminAction } from "./admin-log.ts";
import { ms } from "./instants.ts";
import { bigintText, type Db, first, one, sql } from "./port.ts";

const standingRow = v.object({
  kind: v.picklist(["user", "address"]),
  subject: v.string(),
  scope: v.picklist(["mining", "all"]),
  reason: v.string(),
  untilMs: v.nullable(v.number()),
  /** From now, by the database's clock; null: without an end. */
  leftMs: v.nullable(v.number()),
});
export type Bar = v.InferOutput<typeof standingRow>;

const COLUMNS = sql`kind, subject, scope, reason, ${ms(sql`until`)} AS "untilMs",
  ${ms(sql`until - now()`)} AS "leftMs"`;
const STANDS = sql`lifted_at IS NULL AND (until IS NULL OR until > now())`;

/** Those in force, at most MOST_BARS. */
export function standingBars(db: Db): Promise<Bar[]> {
  return db.query(
    sql`SELECT ${COLUMNS} FROM bars WHERE ${STANDS} ORDER BY bars.id LIMIT ${MOST_BARS}::int`,
    standingRow,
  );
}

/** What keeps this user, or this address, from logging in or registering on the web; undefined where nothing does. */
export function webBar(db: Db, user: string, address: string | undefined): Promise<Bar | undefined> {
  return first(
    db,
    sql`SELECT ${COLUMNS} FROM bars
      WHERE ${STANDS} AND scope = 'all'
        AND (kind = 'user' AND subject = ${user}::text
          OR kind = 'address' AND ${address ?? null}::text IS NOT NULL AND (${address ?? null}::text)::inet <<= subject::inet)
      ORDER BY bars.kind DESC LIMIT 1`,
    standingRow,
  );
}

export interface NewBar {
  readonly kind: BarKind;
  readonly subject: string;
  readonly scope: BarScope;
  readonly reason: string;
  /** From now; undefined: until it is lifted. */
  readonly forMs: number | undefined;
  /** The administrator. */
  readonly by: string;
}

/** `unknown-user`, `administrator`: nobody of that name may be barred. `full`: there are MOST_BARS already. */
export type BarOutcome =
  | { readonly outcome: "barred"; readonly bar: Bar }
  | { readonly outcome: "unknown-user" | "administrator" | "full" };

/** Puts it in force in the place of one that stood; its sessions end where it may not log in. Logged in the same transaction. */
export function bar(db: Db, wanted: NewBar): Promise<BarOutcome> {
  const { kind, subject, scope, reason, by } = wanted;
  return db
    .transaction(async (tx): Promise<BarOutcome> => {
      if (kind === "user") {
        const user = await first(
          tx,
          sql`SELECT is_admin AS "isAdmin" FROM users WHERE name = ${subject} FOR KEY SHARE`,
          v.object({ isAdmin: v.boolean() }),
        );
        if (user === undefined) return { outcome: "unknown-user" };
        if (user.isAdmin) return { outcome: "administrator" };
      }
      const before = await standing(tx, kind, subject);
      // What ran out stands in the way of the index, and is over.
      await tx.execute(sql`UPDATE bars SET lifted_at = now(), lifted_by = ${by}
      WHERE kind = ${kind} AND subject = ${subject} AND lifted_at IS NULL`);
      const { count } = await one(
        tx,
        sql`SELECT count(*)::int AS count FROM bars WHERE ${STANDS}`,
        v.object({ count: v.number() }),
      );
      if (count >= MOST_BARS) throw new FullOfBars();
      await tx.execute(sql`INSERT INTO bars (kind, subject, scope, reason, made_by, until) VALUES (${kind}, ${subject}, ${scope},
      ${reason}, ${by}, now() + ${wanted.forMs ?? null}::float8 * interval '1 millisecond')`);
      if (kind === "user" && scope === "all")
        await tx.execute(
          sql`DELETE FROM sessions WHERE user_id = (SELECT id FROM users WHERE name = ${subject})`,
        );
      const made = await standing(tx, kind, subject);
      if (made === undefined) throw new Error("a bar that was just made does not stand");
      await logAdminAction(tx, {
        ...{ actor: by, action: scope === "all" ? "ban" : "disable", subject },
        details: { before: barText(before), after: barText(made) },
      });
      return { outcome: "barred", bar: made };
    })
    .catch((thrown: unknown): BarOutcome => {
      if (thrown instanceof FullOfBars) return { outcome: "full" };
      throw thrown;
    });
}

/** Ends the transaction without a change. */
class FullOfBars extends Error {}

/** False where none stood. */
export function liftBar(
  db: Db,
  { kind, subject, by }: Pick<NewBar, "kind" | "subject" | "by">,
): Promise<boolean> {
  return db.transaction(async (tx) => {
    const before = await standing(tx, kind, subject);
    if (before === undefined) return false;
    await tx.execute(sql`UPDATE bars SET lifted_at = now(), lifted_by = ${by}
      WHERE kind = ${kind} AND subject = ${subject} AND lifted_at IS NULL`);
    await logAdminAction(tx, {
      ...{ actor: by, action: "unban", subject },
      details: { before: barText(before), after: barText(undefined) },
    });
    return true;
  });
}

function standing(db: Db, kind: BarKind, subject: string): Promise<Bar | undefined> {
  return first(
    db,
    sql`SELECT ${COLUMNS} FROM bars
      WHERE kind = ${kind} AND subject = ${subject} AND ${STANDS}`,
    standingRow,
  );
}

/** As the log has it. */
function barText(one: Bar | undefined): string {
  if (one === undefined) return "not barred";
  const what = one.scope === "all" ? "may neither mine nor log in" : "may not mine";
  return `${what}, ${one.untilMs === null ? "without an end" : `until ${utcMinute(one.untilMs)}`}: ${one.reason}`;
}

const listedRow = v.object({
  ...standingRow.entries,
  id: bigintText,
  madeBy: v.string(),
  atMs: v.number(),
  stands: v.boolean(),
  liftedAtMs: v.nullable(v.number()),
  liftedBy: v.nullable(v.string()),
});
export type BarListing = v.InferOutput<typeof listedRow>;

/** Those in force first, then the newest. */
export function listBars(db: Db, limit: number): Promise<BarListing[]> {
  return db.query(
    sql`SELECT ${COLUMNS}, id::text AS id, made_by AS "madeBy", ${ms(sql`at`)} AS "atMs", ${STANDS} AS stands,
      ${ms(sql`lifted_at`)} AS "liftedAtMs", lifted_by AS "liftedBy"
      FROM bars ORDER BY (${STANDS}) DESC, bars.id DESC LIMIT ${limit}::int`,
    listedRow,
  );
}
