/** Alerts: is what is to be told sent, does it arrive, and is anybody told what this doctor finds? */

import * as v from "valibot";
import { counted } from "../../shared/counted.ts";
import { type Db, one, sql } from "../../shared/db/port.ts";
import { databaseCheck, type Finding, ok, red, skipped, spanText } from "./finding.ts";

/** The outbox is looked at each minute; what waits on purpose is not due. */
const LATE_MS = 900_000;
/** Where so many fail and none arrives, it is not the fault of who named the destination. */
const ALL_FAIL = 3;

const row = v.object({
  late: v.number(),
  lateMs: v.nullable(v.number()),
  tried: v.number(),
  failing: v.number(),
  why: v.nullable(v.string()),
  /** Destinations of administrators that are to be told of red checks. */
  watching: v.number(),
  deaf: v.nullable(v.string()),
});

export const alerts = databaseCheck("alerts", async (db) => {
  const { late, lateMs, tried, failing, why, watching, deaf } = await read(db);
  const findings: Finding[] = [];
  if (late > 0 && (lateMs ?? 0) > LATE_MS)
    findings.push(
      red(
        `${counted(late, "alert")} not sent yet, the first was due ${spanText(lateMs ?? 0)} ago`,
        "Does the pool run (`edges`)? Its log says what alerts wait for",
      ),
    );
  if (failing === tried && tried >= ALL_FAIL)
    findings.push(
      red(
        `no alert arrives: all ${tried} destinations fail, the last one with: ${why}`,
        "Is the way out open, and is alerts.smtp right? `Send a test` on the page /me/alerts tries it",
      ),
    );
  if (deaf !== null)
    findings.push(
      red(
        `who is to be told of red checks is not reached: ${deaf}`,
        "Correct the destination on the page /me/alerts, and send a test there",
      ),
    );
  if (findings.length > 0) return findings;
  if (watching === 0)
    return [
      skipped("no administrator is told what turns red: the page /me/alerts, `a check of the pool is red`"),
    ];
  return [ok(`${tried - failing} of ${counted(tried, "destination")} reached when last tried`)];
});

function read(db: Db): Promise<v.InferOutput<typeof row>> {
  return one(
    db,
    sql`WITH confirmed AS (SELECT d.*, u.is_admin AND 'red' = ANY (d.events) AS watches, d.result <> '' OR d.paused_at IS NOT NULL AS fails
        FROM alert_destinations d JOIN users u ON u.name = d.user_name WHERE d.code IS NULL),
      late AS (SELECT due_at FROM alerts a JOIN confirmed d ON d.id = a.destination WHERE a.due_at < now())
    SELECT (SELECT count(*)::int FROM late) AS late,
      (SELECT extract(epoch FROM now() - min(due_at))::float8 * 1000 FROM late) AS "lateMs",
      (SELECT count(*)::int FROM confirmed WHERE tried_at IS NOT NULL) AS tried,
      (SELECT count(*)::int FROM confirmed WHERE tried_at IS NOT NULL AND fails) AS failing,
      (SELECT result FROM confirmed WHERE fails ORDER BY tried_at DESC LIMIT 1) AS why,
      (SELECT count(*)::int FROM confirmed WHERE watches) AS watching,
      (SELECT string_agg(user_name || ' by ' || kind || CASE WHEN result = '' THEN '' ELSE ': ' || result END, '; ' ORDER BY id)
        FROM confirmed WHERE watches AND fails) AS deaf`,
    row,
  );
}
