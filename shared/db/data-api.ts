/**
 * The RDS Data API driver behind the database port, for Lambdas without a network of their own. Limits of the service that a statement
 * must respect: no arrays, rows of 64 KB, answers of 1 MiB, requests of 4 MiB, 45 s a statement, 3 idle minutes a transaction.
 */

import {
  BeginTransactionCommand,
  CommitTransactionCommand,
  ExecuteStatementCommand,
  type ExecuteStatementCommandOutput,
  RDSDataClient,
  RollbackTransactionCommand,
} from "@aws-sdk/client-rds-data";
import { type Clock, sleep } from "../clock.ts";
import { CodedError } from "../errors.ts";
import { isResuming, translateDataApi } from "./data-api-errors.ts";
import { readRows, toNamed, toParameter } from "./data-api-values.ts";
import type { Db, Sql } from "./port.ts";
import { parseRows } from "./rows.ts";

export interface DataApiOptions {
  /** The cluster, and the secret with its user and password. */
  resourceArn: string;
  secretArn: string;
  database: string;
  /** A call without an answer for this long fails with `db-away`; what it did is unknown. */
  timeoutMs?: number;
  /** How long a paused cluster is waited for. */
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
/** The service hangs up on idle connections; a Lambda that was frozen cannot know. */
const IDLE_MS = 4000;

/** Opens a client. Nothing connects before the first statement. */
export function openDataApi(options: DataApiOptions, modules: DataApiModules): Db {
  const caller = new Caller(options, modules);
  const execute = (statement: Sql, transactionId?: string): Promise<ExecuteStatementCommandOutput> =>
    caller.execute(statement, transactionId);
  return {
    ...statements((statement) => execute(statement)),
    async transaction(work) {
      const transaction = new Transaction(caller, await caller.begin());
      try {
        const result = await work(transaction.db());
        await transaction.commit();
        return result;
      } catch (error) {
        await transaction.rollback();
        throw error;
      }
    },
    close: async () => caller.close(),
  };
}

function statements(
  run: (statement: Sql) => Promise<ExecuteStatementCommandOutput>,
): Pick<Db, "query" | "execute"> {
  return {
    query: async (statement, row) => parseRows(statement, readRows(await run(statement), statement), row),
    async execute(statement) {
      const { numberOfRecordsUpdated, records } = await run(statement);
      return numberOfRecordsUpdated || (records?.length ?? 0);
    },
  };
}

/** One transaction; its statements go one after the other, since the service refuses two at a time. */
class Transaction {
  readonly #caller: Caller;
  readonly #id: string;
  #last: Promise<unknown> = Promise.resolve();
  #failed = false;

  constructor(caller: Caller, id: string) {
    this.#caller = caller;
    this.#id = id;
  }

  db(): Db {
    return {
      ...statements((statement) => this.#execute(statement)),
      transaction: () => Promise.reject(new CodedError("db-error", "transactions do not nest")),
      close: () => Promise.resolve(),
    };
  }

  async commit(): Promise<void> {
    await this.#last.catch(() => undefined);
    this.#refuseFailed();
    await this.#caller.commit(this.#id);
  }

  /** Never rejects: a transaction that cannot be rolled back ends by itself. */
  async rollback(): Promise<void> {
    await this.#last.catch(() => undefined);
    await this.#caller.rollback(this.#id).catch(() => undefined);
  }

  #execute(statement: Sql): Promise<ExecuteStatementCommandOutput> {
    const answer = this.#last
      .catch(() => undefined)
      .then(() => {
        this.#refuseFailed();
        return this.#caller.execute(statement, this.#id);
      });
    this.#last = answer;
    return answer.catch((error: unknown) => {
      this.#failed = true;
      throw error;
    });
  }

  /** The service ends a transaction at its first failing statement. */
  #refuseFailed(): void {
    if (!this.#failed) return;
    throw new CodedError(
      "db-error",
      "the transaction was rolled back, a statement in it failed: let its error reach the end of the transaction",
    );
  }
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
      // A second try could do a thing twice: only callers know whether they may.
      maxAttempts: 1,
      requestHandler: {
        requestTimeout: timeoutMs,
        connectionTimeout: timeoutMs,
        throwOnRequestTimeout: true,
      },
    });
  }

  execute(statement: Sql, transactionId: string | undefined): Promise<ExecuteStatementCommandOutput> {
    return this.#call(
      () =>
        this.#client.send(
          new ExecuteStatementCommand({
            ...this.#target(),
            transactionId,
            sql: toNamed(statement.text),
            parameters: statement.values.map(toParameter),
            includeResultMetadata: true,
          }),
        ),
      statement,
    );
  }

  async begin(): Promise<string> {
    const { transactionId } = await this.#call(() =>
      this.#client.send(new BeginTransactionCommand(this.#target())),
    );
    if (transactionId !== undefined) return transactionId;
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
