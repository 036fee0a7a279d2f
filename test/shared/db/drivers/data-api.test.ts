import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import * as v from "valibot";
import { afterEach, describe, expect, it } from "vitest";
import { openDataApi } from "../../../../shared/db/drivers/data-api.ts";
import { mapSqlCode, splitStatements } from "../../../../shared/db/drivers/sql-text.ts";
import { type Db, sql } from "../../../../shared/db/port.ts";
import { eagerClock } from "../../../support/eager-clock.ts";

describe("the Data API driver", () => {
  let service: Server;
  let paths: string[];
  afterEach(() => new Promise((resolve) => service.close(resolve)));

  /** A service that answers every call so; `undefined`: it never answers. */
  async function open(
    answer: (path: string, call: number) => { error?: string; body: object } | undefined,
  ): Promise<Db> {
    paths = [];
    service = createServer((request, response) => {
      const path = request.url ?? "";
      const reply = answer(path, paths.push(path));
      request.resume();
      if (reply === undefined) return;
      const headers = { "content-type": "application/json", connection: "close" };
      if (reply.error === undefined) response.writeHead(200, headers);
      else response.writeHead(400, { ...headers, "x-amzn-errortype": reply.error });
      response.end(JSON.stringify(reply.body));
    });
    await new Promise<void>((resolve) => service.listen(0, "127.0.0.1", resolve));
    // A listening TCP server has an address of its own.
    const { port } = service.address() as AddressInfo;
    return openDataApi(
      {
        ...{ resourceArn: "arn:cluster", secretArn: "arn:secret", database: "pool", region: "us-east-1" },
        ...{ endpoint: `http://127.0.0.1:${port}`, credentials: { accessKeyId: "a", secretAccessKey: "b" } },
        ...{ timeoutMs: 200, resumeMs: 5000 },
      },
      { clock: eagerClock() },
    );
  }
  const resuming = {
    error: "DatabaseResumingException",
    body: { message: "The Aurora DB instance is resuming" },
  };
  const updated = { body: { numberOfRecordsUpdated: 1 } };

  it("waits for a cluster that wakes up", async () => {
    const db = await open((_, call) => (call < 4 ? resuming : updated));

    expect(await db.execute(sql`UPDATE t SET n = 1`)).toBe(1);
    expect(paths).toHaveLength(4);
  });

  it("says db-away when a cluster does not wake up in time", async () => {
    const db = await open(() => resuming);

    await expect(db.execute(sql`UPDATE t SET n = 1`)).rejects.toMatchObject({ code: "db-away" });
    expect(paths).toHaveLength(6);
  });

  it("never sends a call twice whose outcome it does not know", async () => {
    const db = await open(() => undefined);

    await expect(db.execute(sql`UPDATE t SET n = 1`)).rejects.toMatchObject({ code: "db-away" });
    service.closeAllConnections();
    expect(paths).toEqual(["/Execute"]);
  });

  it.each([
    ["ThrottlingException", "db-away"],
    ["InternalServerErrorException", "db-away"],
    ["ServiceUnavailableError", "db-away"],
    ["DatabaseUnavailableException", "db-away"],
    ["StatementTimeoutException", "db-away"],
    ["TransactionNotFoundException", "db-away"],
    ["AccessDeniedException", "db-error"],
    ["InvalidSecretException", "db-error"],
    ["HttpEndpointNotEnabledException", "db-error"],
    ["UnsupportedResultException", "db-error"],
    ["BadRequestException", "db-error"],
  ])("takes %s for %s", async (error, code) => {
    const db = await open(() => ({ error, body: { message: "some words" } }));

    await expect(db.execute(sql`SELECT 1`)).rejects.toMatchObject({
      code,
      message: expect.stringContaining("some words"),
    });
  });

  it("reads PostgreSQL's code from a detailed message", async () => {
    const message =
      'ERROR: duplicate key value violates unique constraint "u"\n  Detail: Key (a)=(1) exists.; SQLState: 23505';
    const db = await open(() => ({ error: "BadRequestException", body: { message } }));

    await expect(db.execute(sql`SELECT 1`)).rejects.toMatchObject({
      code: "db-conflict",
      data: { sqlstate: "23505" },
    });
  });

  it.each(["", "; SQLState: 28P01"])(
    "takes a login that is refused for a database that is away: the password is being changed%s",
    async (state) => {
      const message = `FATAL: password authentication failed for user "prosper_poll"${state}`;
      const db = await open(() => ({ error: "BadRequestException", body: { message } }));

      await expect(db.execute(sql`SELECT 1`)).rejects.toMatchObject({
        code: "db-away",
        data: { sqlstate: "28P01" },
      });
    },
  );

  it("refuses integers that lost digits on the way, and arrays", async () => {
    const fields = [
      '{"longValue": 9007199254740993}',
      '{"arrayValue": {"longValues": [1]}}',
      '{"longValue": 5}',
    ];
    const db = await open((_, call) => ({
      body: {
        records: [[JSON.parse(fields[call - 1] ?? "")]],
        columnMetadata: [{ label: "n", typeName: "int8" }],
      },
    }));
    const read = (): Promise<unknown> => db.query(sql`SELECT n FROM t`, v.unknown());

    await expect(read()).rejects.toThrow("select it as text (n::text)");
    await expect(read()).rejects.toThrow("select it as text (n::text)");
    expect(await read()).toEqual([{ n: "5" }]);
  });

  it("says db-away for an unknown end of a commit, after trying to roll back", async () => {
    const db = await open((path) =>
      path === "/BeginTransaction"
        ? { body: { transactionId: "id" } }
        : path === "/Execute"
          ? updated
          : { error: "ServiceUnavailableError", body: {} },
    );

    await expect(db.transaction((tx) => tx.execute(sql`UPDATE t SET n = 1`))).rejects.toMatchObject({
      code: "db-away",
    });
    expect(paths).toEqual(["/BeginTransaction", "/Execute", "/CommitTransaction", "/RollbackTransaction"]);
  });
});

describe("SQL text", () => {
  it("is cut into statements at semicolons that are neither quoted nor in comments", () => {
    const text = `-- one; two
CREATE FUNCTION f() RETURNS text AS $$ SELECT ';'; $$ LANGUAGE sql;
/* none; */ ; SELECT 'a;''b', E'\\';', "c;d", $x$ $$;$$ $x$;
-- the end;`;

    expect(splitStatements(text)).toEqual([
      "-- one; two\nCREATE FUNCTION f() RETURNS text AS $$ SELECT ';'; $$ LANGUAGE sql",
      `SELECT 'a;''b', E'\\';', "c;d", $x$ $$;$$ $x$`,
    ]);
  });

  it("is rewritten in its code only", () => {
    const text = `SELECT a, 'a', "a", $$a$$ -- a\n, a`;

    expect(mapSqlCode(text, (code) => code.replaceAll("a", "b"))).toBe(`SELECT b, 'a', "a", $$a$$ -- a\n, b`);
  });
});
