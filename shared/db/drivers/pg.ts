/** The `pg` driver behind the database port. */

import pg from "pg";
import { CodedError, coerceError } from "../../errors.ts";
import type { Db, ExecuteOptions, Sql, SqlValue } from "../port.ts";
import { codeOfSqlState, type DbErrorCode, isAwayErrno, WRONG_PASSWORD } from "./failures.ts";
import { parseRows } from "./rows.ts";
import { createStatementQueue } from "./statement-queue.ts";

const { Pool, types } = pg;
/** Columns that come as numbers, booleans and bytes; every other type comes as PostgreSQL writes it, as over the Data API. */
const PARSED = new Set<number>([
  types.builtins.BOOL,
  types.builtins.BYTEA,
  types.builtins.INT2,
  types.builtins.INT4,
  types.builtins.FLOAT4,
  types.builtins.FLOAT8,
]);

export interface PgOptions {
  /** `postgres://user:password@host:port/database` */
  url: string;
  /** The address again, asked where PostgreSQL refuses its password: with another one the call is made once more. */
  renew?: () => Promise<string>;
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
      getTypeParser: (oid, format) => (PARSED.has(oid) ? types.getTypeParser(oid, format) : String),
    },
  });
  // An idle connection that breaks is replaced at its next use; without a listener the process would die.
  pool.on("error", ignoreBroken);
  /** A refused login has done nothing yet, so the work may be done again. */
  const letIn = async <T>(work: () => Promise<T>): Promise<T> => {
    const used = pool.options.connectionString;
    try {
      return await work();
    } catch (thrown) {
      if (options.renew === undefined || !isRefused(thrown)) throw thrown;
      // New connections are made by it; those that are open stay.
      pool.options.connectionString = await options.renew();
      if (pool.options.connectionString === used) throw thrown;
      return work();
    }
  };
  return {
    ...statements((statement, more) => letIn(() => run(pool, statement, more))),
    // Text without values is sent as a simple query.
    takesScripts: true,
    async transaction(work) {
      const client = await letIn(() =>
        pool.connect().catch((error: unknown) => Promise.reject(translate(error))),
      );
      // Between two statements nobody else listens: a connection that breaks then would end the process.
      client.on("error", ignoreBroken);
      const queue = createStatementQueue();
      try {
        await run(client, { text: "BEGIN", values: [] });
        const result = await work({
          ...statements((statement, options) => queue.run(() => run(client, statement, options))),
          transaction: () => Promise.reject(new CodedError("db-error", "transactions do not nest")),
          close: () => Promise.resolve(),
        });
        await queue.run(() => run(client, { text: "COMMIT", values: [] }));
        giveBack(client);
        return result;
      } catch (error) {
        await queue.end();
        await client.query("ROLLBACK").then(
          () => giveBack(client),
          () => giveBack(client, true),
        );
        throw error;
      }
    },
    close: () => pool.end(),
  };
}

function isRefused(thrown: unknown): boolean {
  return thrown instanceof CodedError && thrown.data["sqlstate"] === WRONG_PASSWORD;
}

function ignoreBroken(): void {}

function giveBack(client: pg.PoolClient, isBroken = false): void {
  client.off("error", ignoreBroken);
  client.release(isBroken);
}

type Runner = (statement: Sql, options?: ExecuteOptions) => Promise<pg.QueryResult<Record<string, unknown>>>;

function statements(runStatement: Runner): Pick<Db, "query" | "execute"> {
  return {
    query: async (statement, row) => parseRows(statement, (await runStatement(statement)).rows, row),
    async execute(statement, options) {
      return (await runStatement(statement, options)).rowCount ?? 0;
    },
  };
}

async function run(
  client: pg.Pool | pg.PoolClient,
  statement: Sql,
  { waitMs }: ExecuteOptions = {},
): Promise<pg.QueryResult<Record<string, unknown>>> {
  const { text, values } = statement;
  // A server goes on with what its client no longer waits for, by itself.
  const limit = waitMs === undefined ? {} : { query_timeout: waitMs };
  try {
    return await client.query({ text, values: values.map(bind), ...limit });
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

function codeOf(sqlstate: string, message: string): DbErrorCode {
  if (isAwayErrno(sqlstate)) return "db-away";
  if (sqlstate !== "") return codeOfSqlState(sqlstate);
  return /timeout|terminated|Connection|not queryable/i.test(message) ? "db-away" : "db-error";
}
