/** What the canary saw: a row for each look, of the last eight days (infra/canary/). */

import * as v from "valibot";
import { instant, ms } from "./instants.ts";
import { type Db, first, one, sql } from "./port.ts";

/** What a look does, in this order. */
export const PROBE_STEPS = ["connect", "login", "job", "share", "answer", "row"] as const;
const probeStep = v.picklist(PROBE_STEPS);
export type ProbeStep = v.InferOutput<typeof probeStep>;

const time = v.nullable(v.number());
const probeRow = v.object({
  atMs: v.number(),
  /** Null: all that was to be done worked. */
  failedAt: v.nullable(probeStep),
  /** Why; for the operator. */
  words: v.string(),
  /** Of the job. */
  height: v.nullable(v.number()),
  /** Null where it was not come to. */
  connectMs: time,
  loginMs: time,
  jobMs: time,
  answerMs: time,
  rowMs: time,
});
export type Probe = v.InferOutput<typeof probeRow>;

const KEEP = "8 days";
const MOST_CHARACTERS = 400;

/** Keeps it, and throws away what is too old. */
export async function noteProbe(db: Db, probe: Probe): Promise<void> {
  await db.execute(
    sql`WITH old AS (DELETE FROM canary WHERE at < ${instant(probe.atMs)} - ${KEEP}::interval)
      INSERT INTO canary (at, failed_at, words, height, connect_ms, login_ms, job_ms, answer_ms, row_ms)
      VALUES (${instant(probe.atMs)}, ${probe.failedAt}, ${probe.words.slice(0, MOST_CHARACTERS)}, ${probe.height}, ${probe.connectMs},
        ${probe.loginMs}, ${probe.jobMs}, ${probe.answerMs}, ${probe.rowMs})
      ON CONFLICT (at) DO NOTHING`,
  );
}

/** The newest; undefined where there never was one. */
export function lastProbe(db: Db): Promise<Probe | undefined> {
  return first(
    db,
    sql`SELECT ${ms(sql`at`)} AS "atMs", failed_at AS "failedAt", words, height, connect_ms AS "connectMs", login_ms AS "loginMs",
      job_ms AS "jobMs", answer_ms AS "answerMs", row_ms AS "rowMs" FROM canary ORDER BY canary.at DESC LIMIT 1`,
    probeRow,
  );
}

const summaryRow = v.object({
  probes: v.number(),
  /** The part of the time in which looks went well, 0 to 1; null where there was none. */
  uptime: v.nullable(v.number()),
  firstMs: v.nullable(v.number()),
  connectMs: time,
  loginMs: time,
  jobMs: time,
  answerMs: time,
  rowMs: time,
});
export type ProbeSummary = v.InferOutput<typeof summaryRow>;

/**
 * Medians, and the uptime since the first look in the window: each look speaks for the time until the next one, for twice its period at most. Without a
 * look the pool, which makes them itself, was not there.
 */
export function probeSummary(
  db: Db,
  { fromMs, nowMs, everyMs }: { readonly fromMs: number; readonly nowMs: number; readonly everyMs: number },
): Promise<ProbeSummary> {
  const median = (column: string) =>
    ({ text: `percentile_cont(0.5) WITHIN GROUP (ORDER BY ${column})`, values: [] }) as const;
  return one(
    db,
    sql`WITH looks AS (
      SELECT c.*, least(extract(epoch FROM coalesce(lead(at) OVER (ORDER BY at), ${instant(nowMs)}) - at) * 1000, ${2 * everyMs}::float8) AS lasted
      FROM canary c WHERE at > ${instant(fromMs)} AND at <= ${instant(nowMs)}
    )
    SELECT count(*)::int AS probes, ${ms(sql`min(at)`)} AS "firstMs",
      (coalesce(sum(lasted) FILTER (WHERE failed_at IS NULL), 0)
        / nullif(greatest(sum(lasted), extract(epoch FROM ${instant(nowMs)} - min(at)) * 1000), 0))::float8 AS uptime,
      ${median("connect_ms")} AS "connectMs", ${median("login_ms")} AS "loginMs", ${median("job_ms")} AS "jobMs",
      ${median("answer_ms")} AS "answerMs", ${median("row_ms")} AS "rowMs"
    FROM looks`,
    summaryRow,
  );
}

/** Shares of a worker for a job that the books have. */
export async function bookedShares(
  db: Db,
  { height, user, worker }: { readonly height: number; readonly user: string; readonly worker: string },
): Promise<number> {
  const { shares } = await one(
    db,
    sql`SELECT coalesce(sum(shares), 0)::float8 AS shares FROM work WHERE job = ${height}::int AND user_name = ${user} AND worker = ${worker}`,
    v.object({ shares: v.number() }),
  );
  return shares;
}
