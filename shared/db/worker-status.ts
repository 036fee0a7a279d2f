/** A user's workers, page by page, and the user's own sums: kept when shares are booked (0070_worker_status.sql), so that no page adds up minutes. */

import * as v from "valibot";
import { REST_WORKER } from "../messages/summary.ts";
import { instant, ms } from "./instants.ts";
import { packedTexts } from "./packed.ts";
import { bigintText, type Db, json, one, type Sql, sql } from "./port.ts";
import { type WorkerState, workerState } from "./worker-states.ts";

const userActivityRow = v.object({
  longWork: bigintText,
  shortWork: bigintText,
  firstMs: v.nullable(v.number()),
  shares: bigintText,
  rejected: bigintText,
  ownShares: bigintText,
  ownRejected: bigintText,
});

/** Sums over the long window of all of a user's workers, hashes and shares; `own…` of those that it has confirmed. */
export type UserActivity = v.InferOutput<typeof userActivityRow>;

export interface Windows {
  readonly longMs: number;
  readonly shortMs: number;
  readonly nowMs: number;
}

export function userActivity(
  db: Db,
  user: string,
  { longMs, shortMs, nowMs }: Windows,
): Promise<UserActivity> {
  return one(
    db,
    sql`SELECT COALESCE(sum(work), 0)::text AS "longWork",
      COALESCE(sum(work) FILTER (WHERE minute >= ${instant(shortMs)}), 0)::text AS "shortWork", ${ms(sql`min(minute)`)} AS "firstMs",
      COALESCE(sum(shares), 0)::text AS shares, COALESCE(sum(rejected), 0)::text AS rejected,
      COALESCE(sum(own_shares), 0)::text AS "ownShares", COALESCE(sum(own_rejected), 0)::text AS "ownRejected"
      FROM user_minutes WHERE user_name = ${user} AND minute BETWEEN ${instant(longMs)} AND ${instant(nowMs)}`,
    userActivityRow,
  );
}

/** Hidden by its owner, and silent since. */
const isHidden = sql`(s.hidden_at IS NOT NULL AND s.last_at <= s.hidden_at)`;
const isRest = sql`s.worker = ${REST_WORKER}`;

const countsRow = v.object({
  shown: v.number(),
  online: v.number(),
  low: v.number(),
  offline: v.number(),
  recovered: v.number(),
  hidden: v.number(),
});

/** All but `hidden` leave out the hidden ones; the rest row is in none. */
export type WorkerCounts = v.InferOutput<typeof countsRow>;

export function workerCounts(db: Db, user: string): Promise<WorkerCounts> {
  const are = (state: Sql): Sql => sql`count(*) FILTER (WHERE NOT ${isHidden} AND ${state})::int`;
  return one(
    db,
    sql`SELECT ${are(sql`true`)} AS shown, ${are(sql`s.state <> 'offline'`)} AS online, ${are(sql`s.state = 'low'`)} AS low,
      ${are(sql`s.state = 'offline'`)} AS offline, ${are(sql`s.state = 'recovered'`)} AS recovered, count(*) FILTER (WHERE ${isHidden})::int AS hidden
      FROM worker_status s WHERE s.user_name = ${user} AND NOT ${isRest}`,
    countsRow,
  );
}

const minuteOf = (text: string): [minute: number, work: bigint] => {
  const space = text.indexOf(" ");
  return [Number(text.slice(0, space)), BigInt(text.slice(space + 1))];
};

const pageRow = v.object({
  worker: v.string(),
  /** See 0056_worker_names.sql; `rest`: all workers that have no row of their own. */
  kind: v.picklist(["own", "new", "rest"]),
  hidden: v.boolean(),
  state: workerState,
  /** Of the state. */
  sinceMs: v.number(),
  /** When it came back from offline, or its first share. */
  upSinceMs: v.number(),
  /** When it was first heard of; what is older than 30 days is forgotten. */
  knownMs: v.number(),
  /** Hashes per second of its usual hour; null: not learned yet. */
  usualRate: v.nullable(v.number()),
  /** The best target reached, and in which job; 0 where none is known. */
  best: bigintText,
  bestJob: v.number(),
  /** The newest job it worked for. */
  lastJob: v.number(),
  /** The end of the last window with an accepted share. */
  lastMs: v.number(),
});
const sumsRow = v.object({
  worker: v.string(),
  longWork: bigintText,
  shortWork: bigintText,
  shares: bigintText,
  rejected: bigintText,
  firstMs: v.nullable(v.number()),
  dayWork: bigintText,
  /** Its first hour in the day's window. */
  dayFirstMs: v.nullable(v.number()),
  /** Pairs of a minute since 1970 and its work. */
  minutes: v.pipe(
    packedTexts,
    v.everyItem((text) => /^\d+ \d+$/.test(text), "expected pairs of integers"),
    v.transform((all) => all.map(minuteOf)),
  ),
});

/** Sums over the long window; `firstMs` is its first minute with a share. */
export type WorkerSummary = v.InferOutput<typeof pageRow> & v.InferOutput<typeof sumsRow>;

/** Which of a user's workers. */
export interface WorkerFilter {
  /** A part of the name, without regard to case; "": every name. */
  readonly search: string;
  /** Without it: those that are and those that are not. */
  readonly hidden?: boolean;
  /** Without it: any. */
  readonly state?: WorkerState | undefined;
  /** Exactly this one. */
  readonly name?: string;
}

export interface WorkerPage extends WorkerFilter {
  readonly from: number;
  readonly limit: number;
  /** False: without the work of single minutes. */
  readonly hasMinutes?: boolean;
  /** In an order that stays while states change: for who reads one page after the other. */
  readonly isByName?: boolean;
}

export interface WorkerWindows extends Windows {
  /** A whole hour. */
  readonly dayMs: number;
}

const isFound = ({ search, hidden, state, name }: WorkerFilter): Sql =>
  sql`(${name ?? null}::text IS NULL OR s.worker = ${name ?? null}::text) AND (${state ?? null}::text IS NULL OR s.state = ${state ?? null}::text)
    AND (${hidden ?? null}::boolean IS NULL OR ${isHidden} = ${hidden ?? null}::boolean) AND (${search}::text = '' OR strpos(lower(s.worker), lower(${search}::text)) > 0)`;

/** How many there are. */
export async function countWorkers(db: Db, user: string, filter: WorkerFilter): Promise<number> {
  const row = await one(
    db,
    sql`SELECT count(*)::int AS total FROM worker_status s WHERE s.user_name = ${user} AND ${isFound(filter)}`,
    v.object({ total: v.number() }),
  );
  return row.total;
}

const MINUTES = sql`string_agg((date_part('epoch', m.minute)::bigint / 60) || ' ' || m.work, ',')`;

/** Whose sums are asked for at once: a minute's row of a worker is on a page of its own. */
const SUMS_A_STATEMENT = 100;

/** Unless by name: the owner's own first, then new names, then the rest row; in each group those that work before those that do not, by name. */
export async function workersOf(
  db: Db,
  user: string,
  page: WorkerPage,
  windows: WorkerWindows,
): Promise<WorkerSummary[]> {
  const workers = await pageOf(db, user, page);
  const sums = new Map<string, v.InferOutput<typeof sumsRow>>();
  for (let from = 0; from < workers.length; from += SUMS_A_STATEMENT) {
    const names = workers.slice(from, from + SUMS_A_STATEMENT).map(({ worker }) => worker);
    const part = await sumsOf(db, { user, names, hasMinutes: page.hasMinutes !== false }, windows);
    for (const row of part) sums.set(row.worker, row);
  }
  return workers.flatMap((worker) => {
    const found = sums.get(worker.worker);
    return found === undefined ? [] : { ...worker, ...found };
  });
}

function pageOf(db: Db, user: string, page: WorkerPage): Promise<v.InferOutput<typeof pageRow>[]> {
  const order = page.isByName === true ? sql`worker` : sql`rank, online DESC, worker`;
  return db.query(
    sql`SELECT p.worker, CASE p.rank WHEN 1 THEN 'own' WHEN 2 THEN 'new' ELSE 'rest' END AS kind, p.hidden, p.state, ${ms(sql`p.since`)} AS "sinceMs",
      ${ms(sql`p.up_since`)} AS "upSinceMs", ${ms(sql`p.first_at`)} AS "knownMs", p.usual_rate AS "usualRate", p.best::text AS best, p.best_job AS "bestJob", p.last_job AS "lastJob",
      ${ms(sql`p.last_at`)} AS "lastMs"
    FROM (
      SELECT s.*, ${isHidden} AS hidden, s.state <> 'offline' AS online,
        CASE WHEN ${isRest} THEN 3 WHEN n.state = 'own' THEN 1 ELSE 2 END AS rank
      FROM worker_status s LEFT JOIN workers n ON n.user_name = s.user_name AND n.worker = s.worker
      WHERE s.user_name = ${user} AND ${isFound(page)}
      ORDER BY ${order} OFFSET ${page.from}::int LIMIT ${page.limit}::int
    ) p ORDER BY ${order}`,
    pageRow,
  );
}

function sumsOf(
  db: Db,
  {
    user,
    names,
    hasMinutes,
  }: { readonly user: string; readonly names: readonly string[]; readonly hasMinutes: boolean },
  { longMs, shortMs, dayMs, nowMs }: WorkerWindows,
): Promise<v.InferOutput<typeof sumsRow>[]> {
  return db.query(
    sql`SELECT p.worker, s."longWork", s."shortWork", s.shares, s.rejected, s."firstMs", d."dayWork", d."dayFirstMs", s.minutes
    FROM jsonb_array_elements_text(${json(names)}::jsonb) AS p(worker) CROSS JOIN LATERAL (
      SELECT COALESCE(sum(m.work), 0)::text AS "longWork",
        COALESCE(sum(m.work) FILTER (WHERE m.minute >= ${instant(shortMs)}), 0)::text AS "shortWork",
        COALESCE(sum(m.shares), 0)::text AS shares, COALESCE(sum(m.rejected), 0)::text AS rejected, ${ms(sql`min(m.minute)`)} AS "firstMs",
        ${hasMinutes ? MINUTES : sql`NULL::text`} AS minutes
      FROM worker_minutes m
      WHERE m.user_name = ${user} AND m.worker = p.worker AND m.minute BETWEEN ${instant(longMs)} AND ${instant(nowMs)}
    ) s CROSS JOIN LATERAL (
      SELECT COALESCE(sum(h.work), 0)::text AS "dayWork", ${ms(sql`min(h.hour)`)} AS "dayFirstMs"
      FROM worker_hours h WHERE h.user_name = ${user} AND h.worker = p.worker AND h.hour BETWEEN ${instant(dayMs)} AND ${instant(nowMs)}
    ) d`,
    sumsRow,
  );
}

/** The owner does not want to see it until it works again, or does again. False where it has no such worker. */
export async function hideWorker(db: Db, user: string, worker: string, hide: boolean): Promise<boolean> {
  const changed = await db.execute(
    sql`UPDATE worker_status SET hidden_at = CASE WHEN ${hide}::boolean THEN greatest(clock_timestamp(), last_at) END
      WHERE user_name = ${user} AND worker_status.worker = ${worker}`,
  );
  return changed > 0;
}

/** One of a user's workers, hidden or not. */
export async function workerOf(
  db: Db,
  user: string,
  worker: string,
  windows: WorkerWindows,
): Promise<WorkerSummary | undefined> {
  for (const hidden of [false, true]) {
    const [found] = await workersOf(
      db,
      user,
      { search: "", hidden, name: worker, from: 0, limit: 1 },
      windows,
    );
    if (found !== undefined) return found;
  }
  return undefined;
}

const bucketRow = v.object({ atMs: v.number(), work: bigintText });

/** Work of one worker by steps of `stepSeconds` since 1970, oldest first, from `sinceMs` on; steps without work are left out. */
export function workerWork(
  db: Db,
  worker: { readonly user: string; readonly name: string },
  { sinceMs, stepSeconds }: { readonly sinceMs: number; readonly stepSeconds: number },
): Promise<v.InferOutput<typeof bucketRow>[]> {
  const step = sql`${stepSeconds}::float8`;
  const [table, column] =
    stepSeconds < 3600 ? [sql`worker_minutes`, sql`m.minute`] : [sql`worker_hours`, sql`m.hour`];
  return db.query(
    sql`SELECT b.at * ${step} * 1000 AS "atMs", b.work::text AS work FROM (
      SELECT floor(extract(epoch FROM ${column})::float8 / ${step}) AS at, sum(m.work) AS work FROM ${table} m
      WHERE m.user_name = ${worker.user} AND m.worker = ${worker.name} AND ${column} >= ${instant(sinceMs)} GROUP BY 1) b ORDER BY b.at`,
    bucketRow,
  );
}

/** The books have a share of the worker, or of those without a row of their own, that was taken at `sinceMs` or later. */
export async function hasShareSince(
  db: Db,
  { user, name }: { readonly user: string; readonly name: string },
  sinceMs: number,
): Promise<boolean> {
  const row = await one(
    db,
    sql`SELECT EXISTS (SELECT 1 FROM worker_status WHERE user_name = ${user} AND worker IN (${name}, ${REST_WORKER})
      AND last_at >= ${instant(sinceMs)}) AS booked`,
    v.object({ booked: v.boolean() }),
  );
  return row.booked;
}
