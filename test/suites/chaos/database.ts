/** The PostgreSQL of the chaos run: embedded, killed at once and started again on the same port. */

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import * as v from "valibot";
import { type Postgres, startPostgres } from "../../../infra/pool/embedded-postgres.ts";
import { sleep, systemClock } from "../../../shared/clock.ts";
import { openPg } from "../../../shared/db/drivers/pg.ts";
import { one, sql } from "../../../shared/db/port.ts";

export class Database {
  #postgres: Postgres | undefined;
  readonly #dir: string;
  #pidFile = "";

  constructor(dir: string) {
    this.#dir = dir;
  }

  get url(): string {
    return this.#postgres?.url ?? "";
  }

  async start(): Promise<void> {
    const port = this.#postgres === undefined ? 0 : Number(new URL(this.#postgres.url).port);
    this.#postgres = await startPostgres({ dir: this.#dir, port });
    const db = openPg({ url: this.url, size: 1 });
    const { folder } = await one(
      db,
      sql`SELECT setting AS folder FROM pg_settings WHERE name = 'data_directory'`,
      v.object({ folder: v.string() }),
    );
    await db.close();
    this.#pidFile = join(folder, "postmaster.pid");
  }

  /** SIGKILL for the server and every process of it, as when the machine's memory runs out: it recovers at the next start. */
  async kill(): Promise<void> {
    const pid = Number((await readFile(this.#pidFile, "utf8")).split("\n")[0]);
    const pids = [pid, ...(await childrenOf(pid))];
    for (const one of pids) killHard(one);
    for (let waited = 0; waited < 10_000 && pids.some(isAlive); waited += 20) await sleep(systemClock, 20);
  }

  async stop(): Promise<void> {
    await this.#postgres?.stop();
  }
}

/** As Linux tells them. */
async function childrenOf(pid: number): Promise<number[]> {
  const list = await readFile(`/proc/${pid}/task/${pid}/children`, "utf8");
  return list.split(" ").filter(Boolean).map(Number);
}

/** One that has ended by itself is as good as killed. */
function killHard(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if (!(error instanceof Error) || !("code" in error) || error.code !== "ESRCH") throw error;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
