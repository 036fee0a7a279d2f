/** A migrated database of one's own for a test file, in the run's PostgreSQL, over the driver that the run is about. */

import { randomBytes } from "node:crypto";
import pg from "pg";
import { inject } from "vitest";
import { type DataApiServer, startDataApiServer } from "../../infra/emulator/data-api/server.ts";
import { systemClock, systemRandom } from "../../shared/clock.ts";
import { openDataApi } from "../../shared/db/drivers/data-api.ts";
import { openPg } from "../../shared/db/drivers/pg.ts";
import type { Db } from "../../shared/db/port.ts";
import { type Role, roleName } from "../../shared/db/roles.ts";
import { SILENT } from "../../shared/logger.ts";
import { TEMPLATE } from "./global-postgres.ts";

export interface TestDatabase {
  db: Db;
  url: string;
  /** The same database for who has only this role's rights. */
  as(role: Role): Promise<Db>;
  drop(): Promise<void>;
}

export type TestDriver = "pg" | "data-api";

declare module "vitest" {
  export interface ProvidedContext {
    /** Absent: pg. */
    databaseDriver: TestDriver;
  }
}

/** Call in beforeAll; call `drop()` in afterAll. Without a driver it is the run's (pg, but for test:data-api). */
export async function createTestDatabase(
  options: { migrated?: boolean; driver?: TestDriver } = {},
): Promise<TestDatabase> {
  const adminUrl = inject("postgresUrl");
  const name = `test_${randomBytes(8).toString("hex")}`;
  const isMigrated = options.migrated !== false;
  await admin(adminUrl, `CREATE DATABASE ${name}${isMigrated ? ` TEMPLATE ${TEMPLATE}` : ""}`);
  const url = adminUrl.replace(/[^/]+$/, name);
  const driver = options.driver ?? inject("databaseDriver") ?? "pg";
  const opened: OpenDatabase[] = [];
  const open = async (address: string): Promise<Db> => {
    const one = driver === "pg" ? overPg(address) : await overDataApi(address);
    opened.push(one);
    return one.db;
  };
  return {
    db: await open(url),
    url,
    as: (role) => open(asRole(url, role)),
    async drop() {
      await Promise.all(opened.map(({ close }) => close()));
      await admin(adminUrl, `DROP DATABASE ${name} WITH (FORCE)`);
    },
  };
}

/** The database's address for who begins as this role. */
export function asRole(url: string, role: Role): string {
  return `${url}?options=${encodeURIComponent(`-c role=${roleName(role)} -c timezone=UTC`)}`;
}

interface OpenDatabase {
  db: Db;
  close(): Promise<void>;
}

function overPg(url: string): OpenDatabase {
  const db = openPg({ url });
  return { db, close: () => db.close() };
}

async function overDataApi(url: string): Promise<OpenDatabase> {
  const server: DataApiServer = await startDataApiServer(
    { databaseUrl: url },
    { clock: systemClock, random: systemRandom, logger: SILENT },
  );
  const db = openLocalDataApi({ endpoint: server.url, database: new URL(url).pathname.slice(1) });
  return {
    db,
    async close() {
      await db.close();
      await server.close();
    },
  };
}

/** The driver against a local Data API server, with credentials that nobody checks. */
export function openLocalDataApi(options: { endpoint: string; database: string; timeoutMs?: number }): Db {
  return openDataApi(
    {
      ...options,
      region: "us-east-1",
      credentials: { accessKeyId: "test", secretAccessKey: "test" },
      resourceArn: "arn:aws:rds:us-east-1:000000000000:cluster:test",
      secretArn: "arn:aws:secretsmanager:us-east-1:000000000000:secret:test",
    },
    { clock: systemClock },
  );
}

async function admin(url: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(statement).finally(() => client.end());
}
