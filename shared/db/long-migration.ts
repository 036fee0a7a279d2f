/**
 * A migration whose one statement may take minutes, an index or a backfill: outside a transaction, since the Data API ends a call after 45 s and a
 * deployment must not hold locks for longer. What became of it is told by the catalog, never by the call.
 *
 * The file's first line says how: `-- long: index NAME` (the statement is `CREATE [UNIQUE] INDEX CONCURRENTLY IF NOT EXISTS NAME …`) or
 * `-- long: until SELECT …`, one boolean that is true when nothing is left to do; the statement is then safe to run twice.
 */

import * as v from "valibot";
import { type Clock, sleep } from "../clock.ts";
import { CodedError, coerceError } from "../errors.ts";
import { splitStatements } from "./drivers/sql-text.ts";
import { type Db, one, type Sql, sql } from "./port.ts";

export interface LongMigration {
  readonly name: string;
  readonly statement: Sql;
  /** One row with the boolean `done`. */
  readonly done: Sql;
  /** The index that the statement makes; left invalid by a failed try it is dropped before the next. */
  readonly index: string | undefined;
}

export interface LongLimits {
  readonly clock: Clock;
  /** A call is waited for this long; above the Data API's own 45 s, so that the service ends it. */
  readonly callMs: number;
  /** Between two looks at the catalog. */
  readonly pollMs: number;
  /** What still runs after this long is left to go on, and CodedError `db-migration` says so. */
  readonly patienceMs: number;
}

const INDEX = /^CREATE\s+(?:UNIQUE\s+)?INDEX\s+CONCURRENTLY\s+IF\s+NOT\s+EXISTS\s+([a-z_][a-z0-9_]*)\s/i;
const NO_ERROR = "without an error";
/** One at a time starts a statement. Any number that nobody else locks. */
const LOCK = 7_067_001;

/** Undefined: an ordinary migration. Throws CodedError `db-migration` for a file that claims to be long and is not fit to be run twice. */
export function parseLong({
  name,
  text,
}: {
  readonly name: string;
  readonly text: string;
}): LongMigration | undefined {
  const [, kind, how = ""] = /^-- long: (index|until) (.+)\n/.exec(text) ?? [];
  if (kind === undefined) return undefined;
  const [only = "", second] = splitStatements(text.slice(text.indexOf("\n")));
  const refuse = (what: string): never => {
    throw new CodedError("db-migration", `${name} is long: expected ${what}`);
  };
  if (only === "" || second !== undefined) refuse("one statement in a file of its own");
  const statement = { text: `${markerOf(name)} ${only}`, values: [] };
  if (kind === "until")
    return { name, statement, index: undefined, done: { text: `SELECT (${how}) AS done`, values: [] } };
  if (INDEX.exec(only)?.[1] !== how) refuse(`CREATE INDEX CONCURRENTLY IF NOT EXISTS ${how} …`);
  return {
    ...{ name, statement, index: how },
    done: sql`SELECT COALESCE((SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(${how})), false) AS done`,
  };
}

/**
 * Resolves when the catalog says that it is done, whoever has done it. A statement that still runs, of this runner or of one that was killed, is
 * waited for and never started beside itself. Rejects with CodedErrors: the statement's own failure; `db-migration`, it ended after its call and
 * nothing is there, or it outlasts `patienceMs`.
 */
export async function runLong(db: Db, migration: LongMigration, limits: LongLimits): Promise<void> {
  const { clock, pollMs, patienceMs } = limits;
  const giveUpMs = clock.monotonicMs() + patienceMs;
  let tried: Tried | undefined;
  for (;;) {
    const isOver = !(await isRunning(db, migration));
    if (await isDone(db, migration)) return;
    if (isOver && tried !== undefined)
      throw new CodedError(
        "db-migration",
        `${migration.name} has ended (${tried.callEnded}) and what it was to do is not done: the database's log has the reason; mend it and run the migration again`,
      );
    if (isOver) tried = await startAlone(db, migration, limits);
    if (clock.monotonicMs() >= giveUpMs)
      throw new CodedError(
        "db-migration",
        `${migration.name} still runs after ${Math.round(patienceMs / 60_000)} minutes and goes on by itself: run the migration again, it waits for what runs`,
      );
    if (tried === undefined || tried.callEnded !== NO_ERROR) await sleep(clock, pollMs);
  }
}

interface Tried {
  /** `without an error`, or what the call ended with: the statement may go on. */
  readonly callEnded: string;
}

/** Undefined: another runner starts it just now. The lock is held while the call lasts; idle for less than the Data API's three minutes. */
async function startAlone(
  db: Db,
  migration: LongMigration,
  { callMs }: LongLimits,
): Promise<Tried | undefined> {
  let tried: Tried | undefined;
  const options = { waitMs: callMs, outlivesCall: true };
  const start = async (guard: Db): Promise<void> => {
    const lock = sql`SELECT pg_try_advisory_xact_lock(${LOCK}::bigint) AS mine`;
    const { mine } = await one(guard, lock, v.object({ mine: v.boolean() }));
    // A query with parameters keeps its snapshot until the next statement, and an index made concurrently waits for all older snapshots: without one that
    // needs none it would wait for this transaction, and this for it, until the call ends.
    await guard.execute(sql`SET LOCAL application_name = 'prosper migration'`);
    if (!mine || (await isRunning(db, migration)) || (await isDone(db, migration))) return;
    tried = { callEnded: NO_ERROR };
    // What a failed try has left behind: valid it would be done.
    if (migration.index !== undefined)
      await db.execute(
        {
          text: `${markerOf(migration.name)} DROP INDEX CONCURRENTLY IF EXISTS ${migration.index}`,
          values: [],
        },
        options,
      );
    await db.execute(migration.statement, options);
  };
  await db.transaction(start).catch((thrown: unknown) => {
    const isAway = thrown instanceof CodedError && thrown.code === "db-away";
    if (tried === undefined || !isAway) throw thrown;
    tried = { callEnded: coerceError(thrown).message.slice(0, 200) };
  });
  return tried;
}

async function isDone(db: Db, { done }: LongMigration): Promise<boolean> {
  return (await one(db, done, v.object({ done: v.boolean() }))).done;
}

/** Also of a runner that is gone: its statement is still in the list of what runs. */
async function isRunning(db: Db, { name }: LongMigration): Promise<boolean> {
  const { running } = await one(
    db,
    sql`SELECT count(*)::int AS running FROM pg_stat_activity WHERE datname = current_database() AND state = 'active'
      AND pid <> pg_backend_pid() AND position(${markerOf(name)} IN query) > 0`,
    v.object({ running: v.number() }),
  );
  return running > 0;
}

/** By it a statement is known among those that run: `pg_stat_activity` shows the first thousand bytes. */
function markerOf(name: string): string {
  return `/* prosper migration ${name} */`;
}
