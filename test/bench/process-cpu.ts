/** What processes have used of the CPU: steadier than wall time on a busy machine. Linux only; 0 elsewhere. */

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { type Db, sql } from "../../shared/db/port.ts";
import { text } from "../support/books.ts";

/** What /proc/PID/stat counts in. */
const TICK_MS = 10;

/** The process of a PostgreSQL on this machine that all of its others are children of. */
export async function serverPid(db: Db): Promise<number> {
  return Number(await text(db, sql`SELECT split_part(pg_read_file('postmaster.pid'), E'\n', 1)`));
}

/** CPU time that these processes, those they started, and those among them that have ended used so far. */
export function cpuSecondsOf(roots: readonly number[]): number {
  if (!existsSync("/proc/self/stat")) return 0;
  const wanted = new Set(roots);
  const stats = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => statOf(Number(name)));
  // A parent's number is mostly lower than its child's, but not always: go on until nothing is added.
  for (let before = -1; before !== wanted.size; ) {
    before = wanted.size;
    for (const { pid, parent } of stats) if (wanted.has(parent)) wanted.add(pid);
  }
  return stats.reduce((sum, { pid, ticks }) => sum + (wanted.has(pid) ? (ticks * TICK_MS) / 1000 : 0), 0);
}

function statOf(pid: number): { pid: number; parent: number; ticks: number }[] {
  try {
    // Behind the name in brackets, which may hold anything: state, parent, …; user, system, and both of the children waited for.
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
      .replace(/^.*\) /s, "")
      .split(" ")
      .map(Number);
    const ticks = fields.slice(11, 15).reduce((sum, one) => sum + one, 0);
    return [{ pid, parent: fields[1] ?? 0, ticks }];
  } catch {
    return [];
  }
}
