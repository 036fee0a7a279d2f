/** A migrated database of one's own for a test, in the run's PostgreSQL, over the driver that the run is about. */

import { afterAll, inject } from "vitest";
import { type DataApiServer, startDataApiServer } from "../../infra/emulator/data-api/server.ts";
import { systemClock, systemRandom } from "../../shared/clock.ts";
import { openDataApi } from "../../shared/db/drivers/data-api.ts";
import { openPg } from "../../shared/db/drivers/pg.ts";
import type { Db } from "../../shared/db/port.ts";
import { type Role, roleName } from "../../shared/db/roles.ts";
import { SILENT } from "../../shared/logger.ts";
import { MadeDatabase } from "./made-database.ts";

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

/** What this file's earlier tests were done with. */
const spare: MadeDatabase[] = [];
afterAll(async () => {
  for (const made of spare.splice(0)) await made.drop();
});

/**
 * Call in beforeAll or beforeEach; call `drop()` in afterAll or afterEach. Without a driver it is the run's (pg, but for test:data-api). One that a
 * test has dropped is the next test's, as empty as a new one.
 */
export async function createTestDatabase(
  options: { migrated?: boolean; driver?: TestDriver } = {},
): Promise<TestDatabase> {
  const isMigrated = options.migrated !== false;
  const made = await take(isMigrated);
  const { url } = made;
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
      const emptying = inject("emptying");
      if (isMigrated && emptying !== undefined && (await made.isReusable(emptying))) spare.push(made);
      else await made.drop();
    },
  };
}

async function take(isMigrated: boolean): Promise<MadeDatabase> {
  const emptying = inject("emptying");
  const made = isMigrated && emptying !== undefined ? spare.pop() : undefined;
  if (made === undefined) return MadeDatabase.make(inject("postgresUrl"), isMigrated);
  await made.empty(emptying);
  return made;
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
