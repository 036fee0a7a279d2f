import { describe, expect, it } from "vitest";
import { createMigrateHandler } from "../../../functions/migrate/handler.ts";
import { loadMigrations, migrate } from "../../../shared/db/migrate.ts";
import { CodedError } from "../../../shared/errors.ts";
import { SILENT } from "../../../shared/logger.ts";
import { createTestDatabase } from "../../support/database.ts";
import { manualClock } from "../../support/manual-clock.ts";

const REQUEST = {
  RequestType: "Create",
  ResponseURL: "https://cloudformation.example/answer?signature=abc",
  StackId: "arn:stack",
  RequestId: "request-1",
  LogicalResourceId: "Schema",
  ServiceToken: "arn:function",
  ResourceProperties: { schema: "1234" },
};

function open(migrate: () => Promise<string[]>, status = 200, awake = async () => undefined) {
  const clock = manualClock();
  const answers: { url: string; body: Record<string, unknown>; type: string | null }[] = [];
  const handler = createMigrateHandler({
    awake,
    migrate,
    clock,
    logger: SILENT,
    fetch: async (url, init) => {
      const headers = new Headers(init?.headers);
      answers.push({ url: `${url}`, body: JSON.parse(`${init?.body}`), type: headers.get("content-type") });
      return new Response(null, { status });
    },
  });
  return { handler, answers, clock };
}

describe("the migration of a deployment", () => {
  it("runs, and tells CloudFormation so at the address it gave", async () => {
    const { handler, answers } = open(async () => ["0001_pool.sql"]);
    await handler(REQUEST);
    expect(answers).toEqual([
      {
        url: REQUEST.ResponseURL,
        type: "",
        body: {
          Status: "SUCCESS",
          Reason: "",
          PhysicalResourceId: "database-schema",
          StackId: "arn:stack",
          RequestId: "request-1",
          LogicalResourceId: "Schema",
        },
      },
    ]);
  });

  it("that fails is told with its reason, so that the deployment is rolled back at once", async () => {
    const { handler, answers } = open(() => Promise.reject(new CodedError("db-migration", "0002 differs")));
    await handler({ ...REQUEST, RequestType: "Update", PhysicalResourceId: "database-schema" });
    expect(answers[0]?.body).toMatchObject({ Status: "FAILED", Reason: "0002 differs" });
  });

  it("waits for a cluster that is not there yet, three minutes at most", async () => {
    let tries = 0;
    const asleep = async (): Promise<undefined> => {
      tries++;
      throw new CodedError("db-away", "resuming");
    };
    const { handler, answers, clock } = open(async () => [], 200, asleep);
    const done = handler(REQUEST);
    for (let second = 0; answers.length === 0 && second < 400; second++) {
      await new Promise((resolve) => setImmediate(resolve));
      clock.advance(1_000);
    }
    await done;
    expect(answers[0]?.body).toMatchObject({ Status: "FAILED", Reason: "resuming" });
    expect(tries).toBeGreaterThan(50);
    expect(tries).toBeLessThan(70);
  });

  it("is not tried a second time, whatever it failed of: nobody knows what the first one did", async () => {
    let tries = 0;
    const { handler, answers } = open(async () => {
      tries++;
      throw new CodedError("db-away", "Request timed out");
    });

    await handler(REQUEST);

    expect([tries, answers[0]?.body["Status"], answers[0]?.body["Reason"]]).toEqual([
      1,
      "FAILED",
      "Request timed out",
    ]);
  });

  it("leaves the database alone when the stack is deleted", async () => {
    const { handler, answers } = open(() => Promise.reject(new Error("must not run")));
    await handler({ ...REQUEST, RequestType: "Delete", PhysicalResourceId: "database-schema" });
    expect(answers[0]?.body).toMatchObject({ Status: "SUCCESS" });
  });

  it("succeeds with all files, then as the release before, then as this one again: an update can be taken back", async () => {
    const database = await createTestDatabase({ migrated: false });
    const files = loadMigrations();
    const deploy = async (known: typeof files): Promise<unknown> => {
      const { handler, answers } = open(() => migrate(database.db, known));
      await handler({ ...REQUEST, RequestType: "Update", PhysicalResourceId: "database-schema" });
      return [answers[0]?.body["Status"], answers[0]?.body["Reason"]];
    };
    try {
      expect([await deploy(files), await deploy(files.slice(0, -1)), await deploy(files)]).toEqual([
        ["SUCCESS", ""],
        ["SUCCESS", ""],
        ["SUCCESS", ""],
      ]);
    } finally {
      await database.drop();
    }
  });

  it("rejects where CloudFormation does not take the answer", async () => {
    const { handler } = open(async () => [], 403);
    await expect(handler(REQUEST)).rejects.toMatchObject({ code: "cloudformation" });
  });
});
