/** The `pg` driver behind the database port. */

import pg from "pg";
import * as v from "valibot";
import { CodedError, coerceError } from "../errors.ts";
import type { Db, Sql, SqlValue } from "./port.ts";

const { Pool, types } = pg;
const INT8 = 20;
const NUMERIC = 1700;

/** SQLSTATE classes and codes that mean "the server is away or busy; the same call may pass later". */
const AWAY = /^(08|53|57P|40001$|40P01$|55P03$)/;
const AWAY_ERRNO = new Set(["ECONNREFUSED", "ECONNRESET", "EPIPE", "ETIMEDOUT", "ENOTFOUND", "EHOSTUNREACH"]);

export interface PgOptions {
  /** `postgres://user:password@host:port/database` */
  url: string;
  /** Connections at most. */
  size?: number;
  /** A statement or a wait for a connection longer than this fails with `db-away`. */
  timeoutMs?: number;
}

/** Opens a pool. Nothing connects before the first statement. */
export function openPg(options: PgOptions): Db {
  const timeoutMs = options.timeoutMs ?? 10_000;
  const pool = new Pool({
    connectionString: options.url,
    max: options.size ?? 8,
    connectionTimeoutMillis: timeoutMs,
    query_timeout: timeoutMs,
    keepAlive: true,
    types: {
      getTypeParser: (oid, format) =>
        oid === INT8 || oid === NUMERIC ? String : types.getTypeParser(oid, format),
    },
  });
  // An idle connection that breaks is replaced at its next use; without a listener the process would die.
  pool.on("error", () => undefined);
  return {
    ...statements((statement) => run(pool, statement)),
    async transaction(work) {
      const client = await pool.connect().catch((error) => Promise.reject(translate(error)));
      try {
        await run(client, { text: "BEGIN", values: [] });
        const result = await work(nested(client));
        await run(client, { text: "COMMIT", values: [] });
        client.release();
        return result;
      } catch (error) {
        await client.query("ROLLBACK").then(
          () => client.release(),
          () => client.release(true),
        );
        throw error;
      }
    },
    close: () => pool.end(),
  };
}

type Runner = (statement: Sql) => Promise<pg.QueryResult<Record<string, unknown>>>;

function statements(runStatement: Runner): Pick<Db, "query" | "execute"> {
  return {
    async query(statement, row) {
      const { rows } = await runStatement(statement);
      return rows.map((raw) => {
        const parsed = v.safeParse(row, raw);
        if (parsed.success) return parsed.output;
        const path = v.getDotPath(parsed.issues[0]) ?? "row";
        throw new CodedError(
          "db-error",
          `unexpected ${path}: ${parsed.issues[0].message} in: ${statement.text.slice(0, 200)}`,
        );
      });
    },
    async execute(statement) {
      return (await runStatement(statement)).rowCount ?? 0;
    },
  };
}

function nested(client: pg.PoolClient): Db {
  return {
    ...statements((statement) => run(client, statement)),
    transaction: () => Promise.reject(new CodedError("db-error", "transactions do not nest")),
    close: () => Promise.resolve(),
  };
}

async function run(
  client: pg.Pool | pg.PoolClient,
  statement: Sql,
): Promise<pg.QueryResult<Record<string, unknown>>> {
  try {
    return await client.query(statement.text, statement.values.map(bind));
  } catch (error) {
    throw translate(error, statement);
  }
}

function bind(value: SqlValue): unknown {
  if (typeof value === "bigint") return value.toString();
  if (value instanceof Uint8Array) return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  return value;
}

function translate(thrown: unknown, statement?: Sql): CodedError {
  const error = coerceError(thrown);
  const sqlstate = "code" in error && typeof error.code === "string" ? error.code : "";
  const where = statement === undefined ? "" : ` in: ${statement.text.trim().slice(0, 200)}`;
  const code = codeOf(sqlstate, error.message);
  return new CodedError(code, `database: ${error.message}${where}`, { cause: error, data: { sqlstate } });
}

function codeOf(sqlstate: string, message: string): string {
  if (sqlstate === "23505") return "db-conflict";
  if (AWAY.test(sqlstate) || AWAY_ERRNO.has(sqlstate)) return "db-away";
  return /timeout|terminated|Connection|not queryable/i.test(message) && sqlstate === ""
    ? "db-away"
    : "db-error";
}
