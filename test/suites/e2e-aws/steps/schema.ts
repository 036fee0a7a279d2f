/** The schema: migrated by the deployment itself, and deployed again with other migration files. */

import { readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import { expect } from "vitest";
import { one, sql } from "../../../../shared/db/port.ts";
import type { DeployedPool } from "../deployed-pool.ts";

export async function findSchema({ db }: DeployedPool): Promise<void> {
  const row = await one(
    db,
    sql`SELECT count(*)::int AS migrations FROM migrations`,
    v.object({ migrations: v.number() }),
  );
  expect(row.migrations).toBeGreaterThan(2);
}

export async function takeReleaseBack(pool: DeployedPool): Promise<void> {
  const { db, deployments } = pool;
  const query = sql`SELECT max(version)::int AS version FROM migrations`;
  const versions = async (): Promise<number> =>
    (await one(db, query, v.object({ version: v.number() }))).version;
  const newest = await versions();
  const last = (folder: string): string => join(folder, readdirSync(folder).sort().at(-1) ?? "");

  expect(await deployments.deploy(() => undefined)).toBe("UPDATE_COMPLETE");
  expect(await deployments.deploy((folder) => rmSync(last(folder)))).toBe("UPDATE_COMPLETE");
  expect(await deployments.deploy(() => undefined)).toBe("UPDATE_COMPLETE");
  // What is not the same release is refused, and CloudFormation goes back by itself.
  expect(await deployments.deploy((folder) => writeFileSync(last(folder), "SELECT 1"))).toBe(
    "UPDATE_ROLLBACK_COMPLETE",
  );
  expect(await versions()).toBe(newest);
  pool.step(
    "all migrations, without the last, with it again: three deployments; one with another file is taken back",
  );
}
