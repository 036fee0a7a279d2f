import * as v from "valibot";
import { afterEach, describe, expect, inject, it } from "vitest";
import {
  AWS_LIMITS,
  type DataApiServer,
  startDataApiServer,
} from "../../../../infra/emulator/data-api/server.ts";
import { systemRandom } from "../../../../shared/clock.ts";
import { sql } from "../../../../shared/db/port.ts";
import { SILENT } from "../../../../shared/logger.ts";
import { openLocalDataApi } from "../../../support/database.ts";
import { type ManualClock, manualClock } from "../../../support/manual-clock.ts";

interface Answer {
  status: number;
  error: string | null;
  body: Record<string, unknown>;
}

const ARNS = { resourceArn: "arn:cluster", secretArn: "arn:secret" };

describe("the local Data API", () => {
  let server: DataApiServer;
  let clock: ManualClock;
  const start = async (limits = {}): Promise<void> => {
    clock = manualClock();
    server = await startDataApiServer(
      { databaseUrl: inject("postgresUrl"), limits },
      { clock, random: systemRandom, logger: SILENT },
    );
  };
  afterEach(() => server.close());

  async function post(path: string, body: object): Promise<Answer> {
    const response = await fetch(`${server.url}${path}`, {
      method: "POST",
      body: JSON.stringify({ ...ARNS, ...body }),
    });
    return {
      status: response.status,
      error: response.headers.get("x-amzn-errortype"),
      body: v.parse(v.record(v.string(), v.unknown()), await response.json()),
    };
  }
  const execute = (statement: string, more: object = {}): Promise<Answer> =>
    post("/Execute", { sql: statement, ...more });
  const begin = async (): Promise<string> =>
    String((await post("/BeginTransaction", {})).body["transactionId"]);

  describe("refuses", () => {
    it("arrays, as AWS does for PostgreSQL", async () => {
      await start();

      expect(
        await execute("SELECT :list", {
          parameters: [{ name: "list", value: { arrayValue: { longValues: [1] } } }],
        }),
      ).toMatchObject({
        status: 400,
        error: "BadRequestException",
        body: { message: expect.stringContaining("Array") },
      });
    });

    it("text where another type is wanted: nothing is guessed from its place", async () => {
      await start();
      const parameters = [{ name: "n", value: { stringValue: "1" } }];

      expect(await execute("SELECT 1 WHERE 1 = :n", { parameters })).toMatchObject({
        error: "DatabaseErrorException",
        body: { message: expect.stringMatching(/^ERROR: operator does not exist[\s\S]*; SQLState: 42883$/) },
      });
      expect(await execute("SELECT 1 WHERE 1 = :n::int", { parameters })).toMatchObject({ status: 200 });
      expect(
        await execute("SELECT 1 WHERE 1 = :n", { parameters: [{ ...parameters[0], typeHint: "DECIMAL" }] }),
      ).toMatchObject({ status: 200 });
    });

    it("two statements in one call, unknown parameters and malformed requests", async () => {
      await start();

      expect(await execute("SELECT 1; SELECT 2")).toMatchObject({ error: "ValidationException" });
      expect(await execute("SELECT ';' /* ; */ ;")).toMatchObject({ status: 200 });
      expect(await execute("SELECT :missing")).toMatchObject({
        error: "BadRequestException",
        body: { message: "Cannot find parameter: missing" },
      });
      expect(await post("/Execute", {})).toMatchObject({ error: "BadRequestException" });
      expect(await execute("SELECT 1", { secretArn: "" })).toMatchObject({ error: "BadRequestException" });
      expect(await post("/Drop", {})).toMatchObject({ status: 404, error: "UnknownOperationException" });
      expect(await execute("SELECT 1", { database: "nowhere" })).toMatchObject({
        error: "DatabaseNotFoundException",
      });
    });

    it("a row above 64 KB, and takes one of 64 KB", async () => {
      await start();

      expect(await execute(`SELECT repeat('x', ${AWS_LIMITS.rowBytes})`)).toMatchObject({ status: 200 });
      expect(await execute(`SELECT repeat('x', ${AWS_LIMITS.rowBytes}), 'y'`)).toMatchObject({
        error: "BadRequestException",
      });
    });

    it("an answer above 1 MiB", async () => {
      await start();
      const rows = (n: number): string => `SELECT repeat('x', 1000) FROM generate_series(1, ${n})`;

      expect(await execute(rows(1000))).toMatchObject({ status: 200 });
      expect(await execute(rows(1050))).toMatchObject({
        error: "BadRequestException",
        body: { message: "Database returned more than the allowed response size limit" },
      });
    });

    it("a request above 4 MiB", async () => {
      await start();
      const parameters = (bytes: number): object => ({
        parameters: [{ name: "x", value: { stringValue: "x".repeat(bytes) } }],
      });

      expect(await execute("SELECT length(:x)", parameters(4_100_000))).toMatchObject({ status: 200 });
      expect(await execute("SELECT length(:x)", parameters(4_194_304))).toMatchObject({ status: 413 });
    });

    it("result types that the service does not know", async () => {
      await start();

      expect(await execute("SELECT 'a'::name")).toMatchObject({ error: "UnsupportedResultException" });
      expect(await execute("SELECT interval '1 s'")).toMatchObject({ error: "UnsupportedResultException" });
    });

    it("a statement that takes too long", async () => {
      await start({ statementMs: 30 });

      expect(await execute("SELECT 1 FROM pg_sleep(5)")).toMatchObject({
        error: "StatementTimeoutException",
      });
    });
  });

  it("lets a statement go on after its call where it is told to, and ends it with the call where not", async () => {
    await start();
    const running = async (statement: string): Promise<number> => {
      const parameters = [{ name: "like", value: { stringValue: `${statement}%` } }];
      const { body } = await execute(
        "SELECT 1 FROM pg_stat_activity WHERE state = 'active' AND query LIKE :like",
        { parameters },
      );
      return v.parse(v.array(v.unknown()), body["records"]).length;
    };
    const going = execute("SELECT 'goes on' FROM pg_sleep(1)", { continueAfterTimeout: true });
    await expect.poll(() => running("SELECT 'goes on'")).toBe(1);
    clock.advance(AWS_LIMITS.statementMs);

    expect(await going).toMatchObject({ status: 400, error: "StatementTimeoutException" });
    expect(await running("SELECT 'goes on'")).toBe(1);
    await expect.poll(() => running("SELECT 'goes on'")).toBe(0);

    await server.close();
    await start({ statementMs: 50 });
    expect(await execute("SELECT 'ends' FROM pg_sleep(1)")).toMatchObject({
      error: "StatementTimeoutException",
    });
    expect(await running("SELECT 'ends'")).toBe(0);
  });

  describe("ends a transaction", () => {
    const goneWith = { status: 404, error: "TransactionNotFoundException" };
    const openTransactions = async (): Promise<unknown> =>
      (
        await execute(
          "SELECT count(*)::int FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in transaction%'",
        )
      ).body["records"];

    it("after three minutes without a call, each call beginning them anew", async () => {
      await start();
      const transactionId = await begin();
      clock.advance(AWS_LIMITS.idleTransactionMs - 1);
      expect(await execute("SELECT 1", { transactionId })).toMatchObject({ status: 200 });
      clock.advance(AWS_LIMITS.idleTransactionMs - 1);
      expect(await execute("SELECT 1", { transactionId })).toMatchObject({ status: 200 });

      clock.advance(AWS_LIMITS.idleTransactionMs);

      expect(await execute("SELECT 1", { transactionId })).toMatchObject(goneWith);
      expect(await post("/CommitTransaction", { transactionId })).toMatchObject(goneWith);
    });

    it("after 24 hours, however busy", async () => {
      await start({ idleTransactionMs: AWS_LIMITS.transactionMs * 2 });
      const transactionId = await begin();
      clock.advance(AWS_LIMITS.transactionMs);

      expect(await execute("SELECT 1", { transactionId })).toMatchObject(goneWith);
    });

    it("at its first failing statement", async () => {
      await start();
      const transactionId = await begin();

      expect(await execute("SELECT 1 / 0", { transactionId })).toMatchObject({
        error: "DatabaseErrorException",
        body: { message: "ERROR: division by zero; SQLState: 22012" },
      });
      expect(await execute("SELECT 1", { transactionId })).toMatchObject(goneWith);
      expect(await openTransactions()).toEqual([[{ longValue: 0 }]]);
    });

    it("once: by commit or rollback", async () => {
      await start();
      const committed = await begin();
      const undone = await begin();

      expect(await post("/CommitTransaction", { transactionId: committed })).toMatchObject({
        body: { transactionStatus: "Transaction Committed" },
      });
      expect(await post("/RollbackTransaction", { transactionId: undone })).toMatchObject({
        body: { transactionStatus: "Rollback Complete" },
      });
      expect(await post("/CommitTransaction", { transactionId: committed })).toMatchObject(goneWith);
      expect(await post("/RollbackTransaction", { transactionId: undone })).toMatchObject(goneWith);
      expect(clock.pending()).toBe(0);
    });

    it("not for a second call while one is under way, which it refuses", async () => {
      await start();
      const transactionId = await begin();
      const slow = (): Promise<Answer> => execute("SELECT 1 FROM pg_sleep(0.2)", { transactionId });

      const answers = await Promise.all([slow(), slow()]);

      expect(answers.map(({ body }) => body["message"])).toEqual(
        expect.arrayContaining(["Transaction is still running a query", undefined]),
      );
      expect(await post("/CommitTransaction", { transactionId })).toMatchObject({ status: 200 });
    });
  });

  it("tells the driver of every failure by the port's codes", async () => {
    await start({ statementMs: 1_000 });
    const database = new URL(inject("postgresUrl")).pathname.slice(1);
    const db = openLocalDataApi({ endpoint: server.url, database });
    const lost = openLocalDataApi({ endpoint: server.url, database: "nowhere" });

    await expect(db.execute(sql`SELECT 1 FROM pg_sleep(5)`)).rejects.toMatchObject({ code: "db-away" });
    await expect(db.query(sql`SELECT repeat('x', 70000)`, v.unknown())).rejects.toMatchObject({
      code: "db-error",
    });
    await expect(lost.execute(sql`SELECT 1`)).rejects.toMatchObject({
      code: "db-error",
      data: { sqlstate: "3D000" },
    });
    await Promise.all([db.close(), lost.close()]);
  });
});
