/** Books under test: a PostgreSQL of their own, started as the pool starts it, so that what is committed is on the disk. */

import { join } from "node:path";
import { startPostgres } from "../../infra/pool/embedded-postgres.ts";
import { openPg } from "../../shared/db/drivers/pg.ts";
import { migrate } from "../../shared/db/migrate.ts";
import type { Db } from "../../shared/db/port.ts";
import { cpuSecondsOf, serverPid } from "./process-cpu.ts";
import type { Room } from "./room.ts";

/** Seeding takes long statements. */
const TIMEOUT_MS = 600_000;

export interface BooksUnderTest {
  readonly db: Db;
  /** CPU time of PostgreSQL so far; 0 where there is no /proc. */
  cpuSeconds(): number;
  /** Nobody may be asking anything. Its CPU time begins anew. */
  restart(): Promise<void>;
}

/** In a folder of its own that goes with the room, unless one is given. */
export async function openBooks(room: Room, folder = room.folder()): Promise<BooksUnderTest> {
  const postgres = await startPostgres({ dir: join(folder, "postgres") });
  room.onTidy(() => postgres.stop());
  const db = openPg({ url: postgres.url, timeoutMs: TIMEOUT_MS });
  room.onTidy(() => db.close());
  await migrate(db);
  let pid = await serverPid(db);
  return {
    db,
    cpuSeconds: () => cpuSecondsOf([pid]),
    async restart() {
      await postgres.stop();
      await postgres.startAgain();
      pid = await serverPid(db);
    },
  };
}
