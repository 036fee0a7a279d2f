/** Reads, sums up by block and shows the counts by which withheld hits can be told from chance (docs/decisions/withholding.md). */

import * as v from "valibot";
import { expectedHits, type Hits, UNJUDGED, type Withholding, withBlock } from "../accounting/withholding.ts";
import { bigintText, type Db, first, json, jsonText, one, sql } from "./port.ts";

/** A row has some hundred bytes and a name of 254. */
const PAGE_ROWS = 500;

const hits: v.GenericSchema<unknown, Hits> = v.object({ expected: bigintText, sent: bigintText });
const looks = v.pipe(
  jsonText,
  v.array(v.object({ open: hits, done: v.number(), alarms: v.number(), last: v.nullable(hits) })),
);

/**
 * Adds the tallies of sealed jobs that are not counted yet, job by job in order of height. It may be stopped at any point, and several may
 * run at once: a user's row has the last job counted in it. Work booked after its job's seal is not counted. Resolves to the jobs counted.
 */
export async function countWithholding(db: Db): Promise<number> {
  for (let jobs = 0; ; jobs++) {
    const job = await nextJob(db);
    if (job === undefined) return jobs;
    let after = "";
    for (let rows = PAGE_ROWS; rows === PAGE_ROWS; ) {
      const page = await uncounted(db, job.height, after);
      rows = page.length;
      after = page.at(-1)?.user ?? after;
      await keep(db, job.height, job.threshold, page);
    }
    await db.execute(
      sql`UPDATE withholding_through SET height = ${job.height}::int WHERE height < ${job.height}::int`,
    );
  }
}

function nextJob(db: Db): Promise<{ height: number; threshold: bigint } | undefined> {
  return first(
    db,
    sql`SELECT j.height, j.threshold::text AS threshold FROM jobs j
      WHERE j.state = 'sealed' AND j.height = (
        SELECT min(t.job) FROM tallies t WHERE t.job > (SELECT height FROM withholding_through))`,
    v.object({ height: v.number(), threshold: bigintText }),
  );
}

const uncountedRow = v.object({
  user: v.string(),
  judged: bigintText,
  sent: bigintText,
  through: v.nullable(v.number()),
  expected: v.nullable(bigintText),
  known: v.nullable(bigintText),
  looks: v.nullable(looks),
});
type Uncounted = v.InferOutput<typeof uncountedRow>;

function uncounted(db: Db, height: number, after: string): Promise<Uncounted[]> {
  return db.query(
    sql`SELECT t.user_name AS "user", t.judged::text AS judged, t.sent::text AS sent, w.through, w.expected::text AS expected,
        w.sent::text AS known, w.looks::text AS looks
      FROM tallies t LEFT JOIN withholding w USING (user_name)
      WHERE t.job = ${height}::int AND t.user_name > ${after} ORDER BY t.user_name LIMIT ${PAGE_ROWS}::int`,
    uncountedRow,
  );
}

async function keep(db: Db, height: number, threshold: bigint, page: readonly Uncounted[]): Promise<void> {
  const rows = page
    .filter(({ through }) => (through ?? -1) < height)
    .map((row) => {
      const { total, looks: next } = withBlock(stateOf(row), {
        expected: expectedHits(row.judged, threshold),
        sent: row.sent,
      });
      return { user: row.user, ...total, looks: next };
    });
  if (rows.length === 0) return;
  await db.execute(sql`INSERT INTO withholding AS w (user_name, through, expected, sent, looks)
    SELECT r."user", ${height}::int, r.expected, r.sent, r.looks
    FROM jsonb_to_recordset(${json(rows)}::jsonb) AS r("user" text, expected numeric, sent bigint, looks jsonb)
    ORDER BY r."user" COLLATE "C"
    ON CONFLICT (user_name) DO UPDATE SET through = excluded.through, expected = excluded.expected, sent = excluded.sent,
      looks = excluded.looks WHERE w.through < excluded.through`);
}

function stateOf(row: Pick<Uncounted, "expected" | "known" | "looks">): Withholding {
  if (row.expected === null || row.known === null || row.looks === null) return UNJUDGED;
  // A length that is new in this version begins now.
  const lengths = UNJUDGED.looks.map((unjudged, level) => row.looks?.[level] ?? unjudged);
  return { total: { expected: row.expected, sent: row.known }, looks: lengths };
}

const judgedRow = v.object({
  user: v.string(),
  through: v.number(),
  expected: v.nullable(bigintText),
  known: v.nullable(bigintText),
  looks: v.nullable(looks),
});

export interface JudgedUser extends Withholding {
  readonly user: string;
  /** The last block in it. */
  readonly through: number;
}

/** Users with alarms first, then those furthest below what was due; `limit` at most. */
export async function listWithholding(db: Db, limit: number): Promise<JudgedUser[]> {
  const rows = await db.query(
    sql`SELECT user_name AS "user", through, w.expected::text AS expected, w.sent::text AS known, w.looks::text AS looks
      FROM withholding w, LATERAL (
        SELECT COALESCE(sum((l ->> 'alarms')::int), 0) AS alarms FROM jsonb_array_elements(w.looks) l) a
      ORDER BY a.alarms DESC, (w.sent - w.expected / 18446744073709551616) / sqrt(greatest(w.expected, 1)), user_name
      LIMIT ${limit}::int`,
    judgedRow,
  );
  return rows.map(({ user, through, ...row }) => ({ user, through, ...stateOf(row) }));
}

/** The sums of all users, and of the users without a look yet. The second sum shows withholding that is spread over small accounts. */
export async function sumWithholding(db: Db): Promise<{ all: Hits; unseen: Hits; unseenUsers: number }> {
  const sums = await one(
    db,
    sql`SELECT COALESCE(sum(expected), 0)::text AS expected, COALESCE(sum(sent), 0)::text AS sent,
        COALESCE(sum(expected) FILTER (WHERE looks -> 0 ->> 'done' = '0'), 0)::text AS "unseenExpected",
        COALESCE(sum(sent) FILTER (WHERE looks -> 0 ->> 'done' = '0'), 0)::text AS "unseenSent",
        (count(*) FILTER (WHERE looks -> 0 ->> 'done' = '0'))::int AS "unseenUsers"
      FROM withholding`,
    v.object({
      ...{ expected: bigintText, sent: bigintText, unseenExpected: bigintText, unseenSent: bigintText },
      unseenUsers: v.number(),
    }),
  );
  return {
    all: { expected: sums.expected, sent: sums.sent },
    unseen: { expected: sums.unseenExpected, sent: sums.unseenSent },
    unseenUsers: sums.unseenUsers,
  };
}
