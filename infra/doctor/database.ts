/** The database: does it answer, is it safe, is it of this version, how large is it, does something wait in it, when was it backed up last? */

import * as v from "valibot";
import { counted } from "../../shared/counted.ts";
import { loadMigrations } from "../../shared/db/migrate.ts";
import { type Db, first, one, sql } from "../../shared/db/port.ts";
import { missingMigrations } from "../../shared/db/schema-check.ts";
import { type Check, DAY_MS, type Finding, ok, red, sizeText, skipped, spanText, warn } from "./finding.ts";

const SLOW_SECONDS = 5;
const IDLE_SECONDS = 60;
/** Off, a crash of the machine takes what the pool has told miners is booked. */
const SAFE_SETTINGS = ["fsync", "full_page_writes", "synchronous_commit"];

export const database: Check = {
  name: "database",
  urgent: true,
  async look({ db, dbProblem = "", clock }) {
    if (db === undefined)
      return [red(dbProblem, "Start the database server, or correct DATABASE_URL or the section [database]")];
    const missing = await missingMigrations(db, loadMigrations());
    if (missing.length > 0)
      return [
        red(
          `${counted(missing.length, "migration")} missing, from ${missing[0]?.name} on`,
          "npx prosper db migrate",
        ),
      ];
    return [
      await serverFinding(db),
      ...(await settingFindings(db)),
      ...(await waitingFindings(db)),
      ...(await backupFindings(db, clock.wallMs())),
    ];
  },
};

async function serverFinding(db: Db): Promise<Finding> {
  const { version, bytes } = await one(
    db,
    sql`SELECT current_setting('server_version') AS version, pg_database_size(current_database())::float8 AS bytes`,
    v.object({ version: v.string(), bytes: v.number() }),
  );
  return ok(`PostgreSQL ${version}, ${sizeText(bytes)}`);
}

async function settingFindings(db: Db): Promise<Finding[]> {
  const rows = await db.query(
    sql`SELECT name, setting FROM pg_settings WHERE name IN ('fsync', 'full_page_writes', 'synchronous_commit')
      ORDER BY 1`,
    v.object({ name: v.string(), setting: v.string() }),
  );
  return rows
    .filter(({ name, setting }) => SAFE_SETTINGS.includes(name) && setting === "off")
    .map(({ name }) =>
      red(
        `${name} is off: a crash of the machine loses what is booked`,
        `ALTER SYSTEM SET ${name} = on; then SELECT pg_reload_conf();`,
      ),
    );
}

async function waitingFindings(db: Db): Promise<Finding[]> {
  const rows = await db.query(
    sql`SELECT pid, state, extract(epoch FROM clock_timestamp() - query_start)::float8 AS seconds, left(query, 80) AS query
      FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
      AND ((state = 'active' AND query_start < clock_timestamp() - ${SLOW_SECONDS}::int * interval '1 second')
        OR (state LIKE 'idle in transaction%' AND state_change < clock_timestamp() - ${IDLE_SECONDS}::int * interval '1 second'))
      ORDER BY pg_stat_activity.query_start LIMIT 5`,
    v.object({ pid: v.number(), state: v.string(), seconds: v.number(), query: v.string() }),
  );
  return rows.map(({ pid, state, seconds, query }) =>
    red(
      `a statement is ${state} for ${Math.round(seconds)} s: ${query.replaceAll(/\s+/g, " ")}`,
      `Find out whose it is; SELECT pg_terminate_backend(${pid}); ends it`,
    ),
  );
}

/** `prosper backup` and `restore --prove` leave a line in the administrators' log. A server that others back up has none. */
async function backupFindings(db: Db, nowMs: number): Promise<Finding[]> {
  const backupMs = await lastAt(db, "backup");
  if (backupMs === undefined) return [skipped("no backup by `prosper backup` is on record")];
  const provedMs = await lastAt(db, "restore-proved");
  const [last, proof] = [
    "npx prosper backup FOLDER, each night (cron, a systemd timer)",
    "npx prosper restore FOLDER --prove",
  ];
  return [
    aged("the last backup is", nowMs - backupMs, { warnMs: 2 * DAY_MS, redMs: 14 * DAY_MS }, last),
    provedMs === undefined
      ? warn("no backup was ever proved", proof)
      : aged(
          "the last proved restore is",
          nowMs - provedMs,
          { warnMs: 35 * DAY_MS, redMs: 180 * DAY_MS },
          proof,
        ),
  ];
}

function aged(what: string, ageMs: number, limits: { warnMs: number; redMs: number }, mend: string): Finding {
  const said = `${what} ${spanText(ageMs)} old`;
  return ageMs > limits.redMs ? red(said, mend) : ageMs > limits.warnMs ? warn(said, mend) : ok(said);
}

async function lastAt(db: Db, action: string): Promise<number | undefined> {
  const row = await first(
    db,
    sql`SELECT extract(epoch FROM at)::float8 * 1000 AS "atMs" FROM admin_log WHERE action = ${action} ORDER BY admin_log.id DESC LIMIT 1`,
    v.object({ atMs: v.number() }),
  );
  return row?.atMs;
}
