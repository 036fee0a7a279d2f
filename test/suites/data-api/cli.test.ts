/** The command line outside of a cluster's network: over the RDS Data API, as its variables say. */

import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type DataApiServer, startDataApiServer } from "../../../infra/emulator/data-api/server.ts";
import { systemClock, systemRandom } from "../../../shared/clock.ts";
import { SILENT } from "../../../shared/logger.ts";
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
    const admin = await prosper(["db", "admin", "ann"]);
    const code = await prosper(["db", "code"]);

    expect(admin).toMatch(/ann/);
    expect(code).toMatch(/[a-z0-9]{5}-[a-z0-9]{5}-[a-z0-9]{5}/);
  });

  it("says what is missing where one of the two is not set", async () => {
    await expect(prosper(["audit"], { DATABASE_SECRET_ARN: "" })).rejects.toMatchObject({
      stderr: expect.stringMatching(/DATABASE_CLUSTER_ARN and DATABASE_SECRET_ARN: expected both or neither/),
    });
  });
});
