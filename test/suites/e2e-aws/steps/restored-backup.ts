/** A backup restored into a database of its own, which takes the place of the pool's. */

import { join } from "node:path";
import * as v from "valibot";
import { expect } from "vitest";
import { auditBooks } from "../../../../shared/audit/audit.ts";
import { openPg } from "../../../../shared/db/drivers/pg.ts";
import { one, sql } from "../../../../shared/db/port.ts";
import { LedgerMiner, openKernel } from "../../../support/processes/ledger-miner.ts";
import { until } from "../../../support/until.ts";
import { type DeployedPool, LXR_BITS } from "../deployed-pool.ts";
import { prosper } from "../prosper.ts";

const NAME = "prosper";
const RESTORED = "prosper_restored";

export async function restoreBackup(pool: DeployedPool): Promise<void> {
  const { cloud, web } = pool;
  for (const { program } of pool.edges.values()) await program.stop(60_000);
  const owed = async (): Promise<string> =>
    v.parse(v.object({ owed: v.string() }), JSON.parse((await web.send("GET", "/api/me")).body)).owed;
  const before = await owed();
  await restoreBeside(pool);
  await pool.db.close();
  await rename(cloud.databaseUrl, NAME, "prosper_old");
  await rename(cloud.databaseUrl, RESTORED, NAME);
  pool.db = openPg({ url: cloud.databaseUrl });
  expect(await owed()).toBe(before);
  await mineOn(pool);
  pool.step("a backup was restored beside the pool, compared row by row, given its name, and mined on");
}

/** Makes the new database of a backup, and compares it with the old one. */
async function restoreBeside(pool: DeployedPool): Promise<void> {
  const backup = join(pool.dataDir, "backup");
  const { sha256 } = v.parse(
    v.object({ sha256: v.string() }),
    await prosper(pool, NAME, "backup", backup, "--json"),
  );
  await administer(pool.cloud.databaseUrl, `CREATE DATABASE ${RESTORED}`);
  await prosper(pool, RESTORED, "restore", backup, "--yes", "--sha256", sha256, "--json");
  await prosper(pool, RESTORED, "db", "migrate", "--roles", "--json");

  // The whole replay with no more rights than an edge has, as its task runs it on AWS.
  const replay = ["audit", "--replay", "--json"];
  const [old, now] = [await prosper(pool, NAME, ...replay), await prosper(pool, RESTORED, ...replay)].map(
    (said) =>
      v.parse(v.object({ replay: v.object({ differences: v.literal(0), booksSha256: v.string() }) }), said),
  );
  expect(now).toEqual(old);
}

/** An edge and a miner of before, on the restored books. */
async function mineOn(pool: DeployedPool): Promise<void> {
  const { db, miners } = pool;
  const miner = miners[0];
  if (miner === undefined) throw new Error("there is no miner");
  const edge = await pool.startEdge(0);
  const again = new LedgerMiner(miner.user, edge.stratum, await openKernel(LXR_BITS));
  miners.push(again);
  await again.start();
  await until("a share on the restored books", () => again.acknowledged > 0, { withinMs: 60_000 });
  await again.stop();
  const latest = sql`SELECT count(*)::int AS n FROM deltas WHERE applied_at > clock_timestamp() - interval '1 minute'`;
  const row = v.object({ n: v.number() });
  await until("a summary in the restored books", async () => (await one(db, latest, row)).n > 0, {
    withinMs: 60_000,
    everyMs: 200,
  });
  expect((await auditBooks(db)).problems).toEqual([]);
}

async function administer(databaseUrl: string, statement: string): Promise<void> {
  const url = new URL(databaseUrl);
  url.pathname = "/postgres";
  const admin = openPg({ url: url.href });
  await admin.execute({ text: statement, values: [] }).finally(() => admin.close());
}

/** A database that somebody uses has no other name: functions come again each minute. */
function rename(databaseUrl: string, database: string, to: string): Promise<unknown> {
  const sessions = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${database}'`;
  return until(`database ${database} to be renamed`, async () => {
    await administer(databaseUrl, sessions);
    return administer(databaseUrl, `ALTER DATABASE ${database} RENAME TO ${to}`).then(
      () => true,
      () => false,
    );
  });
}
