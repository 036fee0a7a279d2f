/** A PostgreSQL for one load program, gone with it. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startPostgres } from "../../../infra/pool/embedded-postgres.ts";
import { openPg } from "../../../shared/db/drivers/pg.ts";
import { migrate } from "../../../shared/db/migrate.ts";
import type { Db } from "../../../shared/db/port.ts";

/** `forget`: the server is started again, so that it has no page in memory. */
export async function withDatabase(
  work: (db: Db, url: string, forget: () => Promise<void>) => Promise<void>,
): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), "prosper-load-"));
  const postgres = await startPostgres({ dir, unsafeFast: true });
  const db = openPg({ url: postgres.url, size: 20, timeoutMs: 60_000 });
  try {
    await migrate(db);
    await work(db, postgres.url, async () => {
      await postgres.stop();
      await postgres.startAgain();
    });
  } finally {
    await db.close();
    await postgres.stop();
    rmSync(dir, { recursive: true, force: true });
  }
}
