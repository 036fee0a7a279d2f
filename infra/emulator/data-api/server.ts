/**
 * The RDS Data API over a PostgreSQL of one's own, for tests and the local emulator: its operations, its errors as the SDK parses them,
 * and its limits (AWS documents: 1 MiB an answer, 64 KB a row, 4 MiB a request, 45 s a statement, 3 idle minutes and 24 h a transaction).
 */

import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import pg from "pg";
import * as v from "valibot";
import { toHex } from "../../../shared/bytes.ts";
import type { Clock, Random } from "../../../shared/clock.ts";
import { CodedError } from "../../../shared/errors.ts";
import type { Logger } from "../../../shared/logger.ts";
import { readBody } from "../../../shared/read-body.ts";
import { DataApiFailure, failureOf } from "./failure.ts";
import { bindSql, fieldOf, rowBytes, sqlParameter, typeNameOf } from "./sql.ts";
import { DataApiTransactions } from "./transactions.ts";

export interface DataApiServerOptions {
  /** `postgres://…` of the server; a request may name another database of it. */
  databaseUrl: string;
  host?: string;
  /** 0 picks a free one. */
  port?: number;
  limits?: Partial<DataApiLimits>;
  /** The role that a secret's user has; undefined: the address's own user. Nobody's password is checked. */
  roleOf?: (secretArn: string) => string | undefined;
}

export interface DataApiLimits {
  requestBytes: number;
  responseBytes: number;
  rowBytes: number;
  statementMs: number;
  idleTransactionMs: number;
  transactionMs: number;
  /** Connections to one database. */
  connections: number;
}

export const AWS_LIMITS: DataApiLimits = {
  requestBytes: 4 * 1024 * 1024,
  responseBytes: 1024 * 1024,
  rowBytes: 64 * 1024,
  statementMs: 45_000,
  idleTransactionMs: 3 * 60_000,
  transactionMs: 24 * 3_600_000,
  connections: 20,
};

export interface DataApiServerModules {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

export interface DataApiServer {
  /** `http://host:port` */
  readonly url: string;
  /** Rolls back what is open and closes every connection. */
  close(): Promise<void>;
}

const arn = v.pipe(v.string(), v.nonEmpty());
const arns = { resourceArn: arn, secretArn: arn };
const databaseName = v.optional(v.pipe(v.string(), v.regex(/^\w{1,63}$/)));
const executeRequest = v.object({
  ...arns,
  database: databaseName,
  sql: v.pipe(v.string(), v.nonEmpty()),
  parameters: v.optional(v.array(sqlParameter), []),
  transactionId: v.optional(v.string()),
  includeResultMetadata: v.optional(v.boolean(), false),
  continueAfterTimeout: v.optional(v.boolean(), false),
});
const beginRequest = v.object({ ...arns, database: databaseName });
const endRequest = v.object({ ...arns, transactionId: v.string() });

/** Every value as PostgreSQL writes it. */
const TEXT = { getTypeParser: () => String };
const CHANGES = new Set(["INSERT", "UPDATE", "DELETE", "MERGE"]);

/** Starts it. Rejects with CodedError `port` when the port is taken. */
export async function startDataApiServer(
  options: DataApiServerOptions,
  modules: DataApiServerModules,
): Promise<DataApiServer> {
  const limits = { ...AWS_LIMITS, ...options.limits };
  const service = new Service(options, limits, modules);
  const server = createServer(
    (request, response) => void answer(service, limits, modules, request, response),
  );
  // Longer than any client keeps an idle connection. Closing one just when the client asks would look like an outage.
  server.keepAliveTimeout = 60_000;
  const host = options.host ?? "127.0.0.1";
  const port = await listen(server, host, options.port ?? 0);
  return {
    url: `http://${host}:${port}`,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await service.close();
    },
  };
}

function listen(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", (error) =>
      reject(new CodedError("port", `the Data API cannot listen on ${host}:${port}: ${error.message}`)),
    );
    server.listen(port, host, () => {
      const address = server.address();
      resolve(typeof address === "object" && address !== null ? address.port : port);
    });
  });
}

async function answer(
  service: Service,
  limits: DataApiLimits,
  modules: DataApiServerModules,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  try {
    const body = await readRequest(request, limits.requestBytes);
    const text = JSON.stringify(await service.run(request.url ?? "", body));
    if (Buffer.byteLength(text) > limits.responseBytes)
      throw new DataApiFailure(
        "BadRequestException",
        "Database returned more than the allowed response size limit",
      );
    response.writeHead(200, { "content-type": "application/json" }).end(text);
  } catch (thrown) {
    const failure = failureOf(thrown);
    modules.logger.debug("the Data API refuses a request", { name: failure.name, message: failure.message });
    response
      .writeHead(failure.status, { "content-type": "application/json", "x-amzn-errortype": failure.name })
      .end(JSON.stringify({ message: failure.message }));
  }
}

async function readRequest(request: IncomingMessage, limit: number): Promise<unknown> {
  const headerBytes = request.rawHeaders.reduce((sum, header) => sum + header.length, 0);
  const limits = { maxBytes: limit - headerBytes, drainBytes: Number.POSITIVE_INFINITY };
  const body = await readBody(request, limits);
  if (body === undefined)
    throw new DataApiFailure("RequestEntityTooLargeException", `Request exceeds ${limit} bytes`);
  try {
    return JSON.parse(body.toString("utf8"));
  } catch {
    throw new DataApiFailure("BadRequestException", "The request is not JSON");
  }
}

/** What a request says of where it goes. */
interface Target {
  readonly secretArn: string;
  readonly database?: string | undefined;
}

class Service {
  readonly #options: DataApiServerOptions;
  readonly #limits: DataApiLimits;
  readonly #modules: DataApiServerModules;
  readonly #transactions: DataApiTransactions;
  readonly #pools = new Map<string, pg.Pool>();
  /** Of statements that may go on after their call. */
  readonly #outliving = new Set<pg.Client>();

  constructor(options: DataApiServerOptions, limits: DataApiLimits, modules: DataApiServerModules) {
    this.#options = options;
    this.#limits = limits;
    this.#modules = modules;
    this.#transactions = new DataApiTransactions(limits, modules);
  }

  run(path: string, body: unknown): Promise<unknown> {
    switch (path) {
      case "/Execute":
        return this.#execute(parse(executeRequest, body));
      case "/BeginTransaction":
        return this.#begin(parse(beginRequest, body));
      case "/CommitTransaction":
        return this.#end(parse(endRequest, body), "COMMIT", "Transaction Committed");
      case "/RollbackTransaction":
        return this.#end(parse(endRequest, body), "ROLLBACK", "Rollback Complete");
      default:
        throw new DataApiFailure("UnknownOperationException", `No such operation: ${path}`);
    }
  }

  async close(): Promise<void> {
    await this.#transactions.close();
    await Promise.all([...this.#outliving].map((client) => client.end()));
    await Promise.all([...this.#pools.values()].map((pool) => pool.end()));
  }

  async #execute(request: v.InferOutput<typeof executeRequest>): Promise<object> {
    const { transactionId } = request;
    const query = (client: pg.Pool | pg.ClientBase): Promise<pg.QueryArrayResult> => {
      const { text, values } = bindSql(request.sql, request.parameters);
      return client.query({ text, values, rowMode: "array" });
    };
    const read = (result: pg.QueryArrayResult): object => this.#read(result, request.includeResultMetadata);
    if (transactionId !== undefined)
      return this.#transactions.use(transactionId, async (client) => read(await query(client)));
    return read(
      await (request.continueAfterTimeout ? this.#outlive(request, query) : query(this.#pool(request))),
    );
  }

  /** The call ends after `statementMs`, the statement by itself. */
  async #outlive(
    target: Target,
    query: (client: pg.Client) => Promise<pg.QueryArrayResult>,
  ): Promise<pg.QueryArrayResult> {
    const client = new pg.Client({ connectionString: this.#urlOf(target).href, types: TEXT });
    this.#outliving.add(client);
    client.on("error", (error) => this.#modules.logger.debug("an outliving connection broke", { error }));
    await client.connect();
    const running = query(client).finally(() => {
      this.#outliving.delete(client);
      void client.end();
    });
    const timeout = Promise.withResolvers<never>();
    const timer = this.#modules.clock.after(this.#limits.statementMs, () =>
      timeout.reject(new DataApiFailure("StatementTimeoutException", "Request timed out")),
    );
    // Nobody hears of it when it fails after the call.
    running.catch(() => undefined);
    return Promise.race([running, timeout.promise]).finally(() => timer.stop());
  }

  #urlOf({ database, secretArn }: Target): URL {
    const { databaseUrl, roleOf } = this.#options;
    const url = new URL(databaseUrl);
    if (database !== undefined) url.pathname = `/${database}`;
    const role = roleOf?.(secretArn);
    // The zone as on Aurora, whatever this machine's own is.
    if (!url.searchParams.has("options"))
      url.searchParams.set("options", `-c timezone=UTC${role === undefined ? "" : ` -c role=${role}`}`);
    return url;
  }

  #read(result: pg.QueryArrayResult, withMetadata: boolean): object {
    const { command, rowCount, rows, fields } = result;
    const columns = fields.map((column) => ({ ...column, typeName: typeNameOf(column) }));
    for (const row of rows)
      if (rowBytes(row) > this.#limits.rowBytes)
        throw new DataApiFailure(
          "BadRequestException",
          `Database returned a row of more than ${this.#limits.rowBytes} bytes`,
        );
    return {
      generatedFields: [],
      numberOfRecordsUpdated: CHANGES.has(command) && fields.length === 0 ? (rowCount ?? 0) : 0,
      ...(fields.length === 0
        ? {}
        : { records: rows.map((row) => columns.map((column, i) => fieldOf(row[i], column.dataTypeID))) }),
      ...(withMetadata
        ? { columnMetadata: columns.map(({ name, typeName }) => ({ name, label: name, typeName })) }
        : {}),
    };
  }

  async #begin(request: v.InferOutput<typeof beginRequest>): Promise<object> {
    const client = await this.#pool(request).connect();
    const transactionId = toHex(this.#modules.random(24));
    await this.#transactions.begin(transactionId, client);
    return { transactionId };
  }

  async #end(
    request: v.InferOutput<typeof endRequest>,
    command: "COMMIT" | "ROLLBACK",
    transactionStatus: string,
  ): Promise<object> {
    await this.#transactions.end(request.transactionId, command);
    return { transactionStatus };
  }

  #pool(target: Target): pg.Pool {
    const { href } = this.#urlOf(target);
    const known = this.#pools.get(href);
    if (known !== undefined) return known;
    const pool = new pg.Pool({
      connectionString: href,
      max: this.#limits.connections,
      connectionTimeoutMillis: 10_000,
      statement_timeout: this.#limits.statementMs,
      types: TEXT,
    });
    pool.on("error", (error) => this.#modules.logger.debug("an idle connection broke", { error }));
    this.#pools.set(href, pool);
    return pool;
  }
}

function parse<Schema extends v.GenericSchema>(schema: Schema, body: unknown): v.InferOutput<Schema> {
  const parsed = v.safeParse(schema, body);
  if (parsed.success) return parsed.output;
  const path = v.getDotPath(parsed.issues[0]) ?? "the request";
  throw new DataApiFailure("BadRequestException", `${path}: ${parsed.issues[0].message}`);
}
