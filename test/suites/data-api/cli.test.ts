/** The command line outside of a cluster's network: over the RDS Data API, as its variables say. */

import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type DataApiServer, startDataApiServer } from "../../../infra/emulator/data-api/server.ts";
import { systemClock, systemRandom } from "../../../shared/clock.ts";
import { sql } from "../../../shared/db/port.ts";
import { SILENT } from "../../../shared/logger.ts";
import { text } from "../../support/books.ts";
import { createTestDatabase, type TestDatabase } from "../../support/database.ts";
import { bookEverything } from "../../support/replayed-pool.ts";

const MAIN = fileURLToPath(new URL("../../../infra/cli/main.ts", import.meta.url));
let database: TestDatabase;
let server: DataApiServer;
beforeAll(async () => {
  database = await createTestDatabase();
  await bookEverything(database.db);
  server = await startDataApiServer(
    { databaseUrl: database.url },
    { clock: systemClock, random: systemRandom, logger: SILENT },
  );
});
afterAll(async () => {
  await server.close();
  await database.drop();
});

function tables({ db }: TestDatabase): Promise<string | null> {
  return text(db, sql`SELECT count(*) FROM pg_tables WHERE schemaname = 'public'`);
}

async function prosper(args: string[], env: Record<string, string> = {}): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, [MAIN, ...args], {
    env: {
      PATH: process.env["PATH"],
      HOME: "/nowhere",
      AWS_REGION: "us-east-1",
      AWS_ACCESS_KEY_ID: "test",
      AWS_SECRET_ACCESS_KEY: "test",
      AWS_ENDPOINT_URL_RDS_DATA: server.url,
      DATABASE_CLUSTER_ARN: "arn:aws:rds:us-east-1:000000000000:cluster:prosper",
      DATABASE_NAME: database.url.replace(/.*\//, ""),
      DATABASE_SECRET_ARN: "arn:aws:secretsmanager:us-east-1:000000000000:secret:prosper",
      ...env,
    },
  });
  return stdout;
}

describe("prosper over the Data API", () => {
  it("audits and replays the books", async () => {
    const audit = JSON.parse(await prosper(["audit", "--json"]));
    const replay = await prosper(["audit", "--replay"]);

    expect(audit).toMatchObject({ conserved: true });
    expect(audit.blocks).toBeGreaterThan(0);
    expect(replay).toMatch(/Identical/);
  });

  it("makes an administrator and an invite code", async () => {
    const admin = await prosper(["db", "admin", "ann", "--yes"]);
    const code = await prosper(["db", "code"]);

    expect(admin).toMatch(/ann/);
    expect(code).toMatch(/[a-z0-9]{5}-[a-z0-9]{5}-[a-z0-9]{5}/);
  });

  it("leaves the schema to `prosper db migrate`: every other command only checks it", async () => {
    const empty = await createTestDatabase({ migrated: false, driver: "pg" });
    const env = { DATABASE_NAME: empty.url.replace(/.*\//, "") };
    try {
      await expect(prosper(["audit"], env)).rejects.toMatchObject({
        stderr: expect.stringMatching(/the database is older than this version.*prosper db migrate/),
      });
      expect(await tables(empty)).toBe("0");

      expect(await prosper(["db", "migrate"], env)).toMatch(/^Ran 0001_pool\.sql\n/);
      expect(await prosper(["audit"], env)).toMatch(/0 blocks|conserved/i);
    } finally {
      await empty.drop();
    }
  });

  it("says what is missing where one of the two is not set", async () => {
    await expect(prosper(["audit"], { DATABASE_SECRET_ARN: "" })).rejects.toMatchObject({
      stderr: expect.stringMatching(/DATABASE_CLUSTER_ARN and DATABASE_SECRET_ARN: expected both or neither/),
    });
  });
});
