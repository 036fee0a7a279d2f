/**
 * The RDS Data API driver behind the database port, for Lambdas without a network of their own. Limits of the service that a statement
 * must respect: no arrays, rows of 64 KB, answers of 1 MiB, requests of 4 MiB, 45 s a statement, 3 idle minutes a transaction.
 */

import {
  BeginTransactionCommand,
  CommitTransactionCommand,
  ExecuteStatementCommand,
  RDSDataClient,
  RollbackTransactionCommand,
} from "@aws-sdk/client-rds-data";
import { type Clock, sleep } from "../../clock.ts";
import { CodedError } from "../../errors.ts";
import type { Db, ExecuteOptions, Sql } from "../port.ts";
import { isResuming, translateDataApi } from "./data-api-errors.ts";
import { parseAnswer, readRows, type StatementAnswer, toNamed, toParameter } from "./data-api-values.ts";
import { parseRows } from "./rows.ts";
import { createStatementQueue } from "./statement-queue.ts";

export interface DataApiOptions {
  /** The cluster, and the secret with its user and password. */
  resourceArn: string;
  secretArn: string;
  database: string;
  /** A call without an answer for this long fails with `db-away`; what it did is unknown. */
  timeoutMs?: number;
  /** How long to wait for a paused cluster. */
  resumeMs?: number;
  /** Defaults to the region's own service and the role's credentials. */
  region?: string;
  endpoint?: string;
  credentials?: { accessKeyId: string; secretAccessKey: string };
}

export interface DataApiModules {
  readonly clock: Clock;
}

/** Pause between two questions to a cluster that is waking up. */
const RESUME_POLL_MS = 1000;
/** The service hangs up on idle connections: one that was idle for this long is not used again. */
const IDLE_MS = 4000;
/** Its timeout ends idle connections only. */
const AGENT = { keepAlive: true, timeout: IDLE_MS, maxSockets: 50 };

/** Opens a client. Nothing connects before the first statement. */
export function openDataApi(options: DataApiOptions, modules: DataApiModules): Db {
  const caller = new Caller(options, modules);
  return {
    ...statements((statement, options) => caller.execute(statement, options)),
    async transaction(work) {
      const id = await caller.begin();
      // The service refuses two statements at a time.
      const queue = createStatementQueue();
      try {
        const result = await work({
          ...statements((statement, options) => queue.run(() => caller.execute(statement, options, id))),
          transaction: () => Promise.reject(new CodedError("db-error", "transactions do not nest")),
          close: () => Promise.resolve(),
        });
        await queue.run(() => caller.commit(id));
        return result;
      } catch (error) {
        await queue.end();
        // A transaction that cannot be rolled back ends by itself.
        await caller.rollback(id).catch(() => undefined);
        throw error;
      }
    },
    close: async () => caller.close(),
  };
}

function statements(
  run: (statement: Sql, options?: ExecuteOptions) => Promise<StatementAnswer>,
): Pick<Db, "query" | "execute"> {
  return {
    query: async (statement, row) => parseRows(statement, readRows(await run(statement), statement), row),
    async execute(statement, options) {
      const { numberOfRecordsUpdated, records } = await run(statement, options);
      return numberOfRecordsUpdated || records.length;
    },
  };
}

/** The service's operations on one database; failures as CodedErrors. */
class Caller {
  readonly #options: DataApiOptions;
  readonly #clock: Clock;
  readonly #client: RDSDataClient;
  #underWay = 0;
  #lastUsedMs: number;

  constructor(options: DataApiOptions, modules: DataApiModules) {
    const timeoutMs = options.timeoutMs ?? 10_000;
    this.#options = options;
    this.#clock = modules.clock;
    this.#lastUsedMs = modules.clock.monotonicMs();
    const { region, endpoint, credentials } = options;
    this.#client = new RDSDataClient({
      ...(region === undefined ? {} : { region }),
      ...(endpoint === undefined ? {} : { endpoint }),
      ...(credentials === undefined ? {} : { credentials }),
      // A second try could do something twice: only the caller knows whether that is safe.
      maxAttempts: 1,
      requestHandler: {
        requestTimeout: timeoutMs,
        connectionTimeout: timeoutMs,
        throwOnRequestTimeout: true,
        httpAgent: AGENT,
        httpsAgent: AGENT,
      },
    });
  }

  async execute(
    statement: Sql,
    { waitMs, outlivesCall }: ExecuteOptions = {},
    transactionId?: string,
  ): Promise<StatementAnswer> {
    const output = await this.#call(
      () =>
        this.#client.send(
          new ExecuteStatementCommand({
            ...this.#target(),
            transactionId,
            sql: toNamed(statement.text),
            parameters: statement.values.map(toParameter),
            includeResultMetadata: true,
            ...(outlivesCall === true ? { continueAfterTimeout: true } : {}),
          }),
          waitMs === undefined ? {} : { requestTimeout: waitMs },
        ),
      statement,
    );
    return parseAnswer(output);
  }

  async begin(): Promise<string> {
    const { transactionId } = await this.#call(() =>
      this.#client.send(new BeginTransactionCommand(this.#target())),
    );
    if (typeof transactionId === "string") return transactionId;
    throw new CodedError("db-error", "database: BeginTransaction answered without a transaction id");
  }

  async commit(transactionId: string): Promise<void> {
    await this.#call(() =>
      this.#client.send(new CommitTransactionCommand({ ...this.#arns(), transactionId })),
    );
  }

  async rollback(transactionId: string): Promise<void> {
    await this.#call(() =>
      this.#client.send(new RollbackTransactionCommand({ ...this.#arns(), transactionId })),
    );
  }

  close(): void {
    this.#client.destroy();
  }

  #arns(): { resourceArn: string; secretArn: string } {
    const { resourceArn, secretArn } = this.#options;
    return { resourceArn, secretArn };
  }

  #target(): { resourceArn: string; secretArn: string; database: string } {
    return { ...this.#arns(), database: this.#options.database };
  }

  async #call<Output>(send: () => Promise<Output>, statement?: Sql): Promise<Output> {
    const clock = this.#clock;
    const giveUpMs = clock.monotonicMs() + (this.#options.resumeMs ?? 20_000);
    for (;;) {
      // If the Lambda was frozen meanwhile, its timers did not fire.
      if (this.#underWay === 0 && clock.monotonicMs() - this.#lastUsedMs > IDLE_MS) this.#client.destroy();
      this.#underWay++;
      try {
        return await send();
      } catch (error) {
        if (!isResuming(error) || clock.monotonicMs() >= giveUpMs) throw translateDataApi(error, statement);
      } finally {
        this.#underWay--;
        this.#lastUsedMs = clock.monotonicMs();
      }
      await sleep(clock, RESUME_POLL_MS);
    }
  }
}
