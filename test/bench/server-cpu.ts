/** What a PostgreSQL on this machine has used of the CPU: steadier than wall time on a busy one. Linux only; 0 elsewhere. */

import { readdirSync, readFileSync } from "node:fs";
import { type Db, sql } from "../../shared/db/port.ts";
import { text } from "../support/books.ts";

const TICKS_A_SECOND = 100;

/** The process that all of the server's others are children of. */
export async function serverPid(db: Db): Promise<number> {
  return Number(await text(db, sql`SELECT split_part(pg_read_file('postmaster.pid'), E'\n', 1)`));
}

/** CPU seconds of the server and its children, those that ended too. */
export function serverSeconds(pid: number): number {
  if (process.platform !== "linux") return 0;
  let ticks = 0;
  for (const name of readdirSync("/proc").filter((entry) => /^\d+$/.test(entry))) {
    const fields = statOf(name);
    if (Number(name) !== pid && Number(fields[1]) !== pid) continue;
    ticks += Number(fields[11]) + Number(fields[12]);
    if (Number(name) === pid) ticks += Number(fields[13]) + Number(fields[14]);
  }
  return ticks / TICKS_A_SECOND;
}

/** From the state on; nothing where the process has ended meanwhile. */
function statOf(pid: string): string[] {
  try {
    return readFileSync(`/proc/${pid}/stat`, "utf8")
      .replace(/^.*\) /, "")
      .split(" ");
  } catch {
    return [];
  }
}
