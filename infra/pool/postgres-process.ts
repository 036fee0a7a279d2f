/** The processes of a PostgreSQL cluster as the system shows them: whether its server lives, how it ended, and what a killed one left behind. */

import {
  closeSync,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  readSync,
  realpathSync,
  rmSync,
} from "node:fs";
import { endianness } from "node:os";
import { basename, join } from "node:path";
import { type Clock, sleep } from "../../shared/clock.ts";
import { CodedError } from "../../shared/errors.ts";

/** `stopped`: by a stop in good order, which somebody wanted. `killed`: in any other way. */
export type ServerState = "running" | "stopped" | "killed";

/**
 * Backends end by themselves when they see that their server is gone. One that is stopped, or busy for longer
 * than this, does not.
 */
const GRACE_MS = 2_000;
const LOOK_MS = 50;

/**
 * Where pg_control has the cluster's state: after three numbers of 8, 4 and 4 bytes. The same since
 * PostgreSQL 8.
 */
const STATE_OFFSET = 16;
const SHUT_DOWN = 1;

export function serverState(data: string): ServerState {
  if (livePid(data) !== undefined) return "running";
  return clusterState(data) === SHUT_DOWN ? "stopped" : "killed";
}

/**
 * The server's process; undefined where none lives. After its end, its number may still stand in
 * postmaster.pid, and may already be another process's.
 */
export function livePid(data: string): number | undefined {
  const pid = pidInFile(data);
  if (pid === undefined || !isThere(pid)) return undefined;
  return process.platform !== "linux" || isPostgresOf(pid, data) ? pid : undefined;
}

/**
 * Makes room for a new server where one was killed with -9. Ends backends that still hold its shared memory,
 * because a new server would refuse to start. Removes a postmaster.pid if another process has its number, or
 * if its process has ended and nobody has waited for it. On systems other than Linux it does nothing and
 * leaves this to PostgreSQL's own checks. Throws CodedError `postgres-start` where a process cannot be ended.
 */
export async function clearRemains(data: string, clock: Clock): Promise<void> {
  if (process.platform !== "linux" || !existsSync(data)) return;
  const giveUpMs = clock.monotonicMs() + 2 * GRACE_MS;
  const killMs = clock.monotonicMs() + GRACE_MS;
  for (let left = processesOf(data); left.length > 0; left = processesOf(data)) {
    // A server without its pid file: it ends by itself, and PostgreSQL knows how to refuse a second one.
    if (left.some((pid) => isServer(pid, left))) return;
    if (clock.monotonicMs() > giveUpMs)
      throw new CodedError(
        "postgres-start",
        `processes of a killed PostgreSQL on ${data} cannot be ended: ${left.join(", ")}; end them, then start again`,
      );
    if (clock.monotonicMs() > killMs) for (const pid of left) end(pid);
    await sleep(clock, LOOK_MS);
  }
  const pid = pidInFile(data);
  if (pid !== undefined && isThere(pid) && livePid(data) === undefined)
    rmSync(join(data, "postmaster.pid"), { force: true });
}

function pidInFile(data: string): number | undefined {
  const text = readText(join(data, "postmaster.pid"));
  const pid = Number(text?.split("\n")[0] || Number.NaN);
  return Number.isInteger(pid) && pid > 1 ? pid : undefined;
}

function clusterState(data: string): number | undefined {
  const bytes = Buffer.alloc(STATE_OFFSET + 4);
  const file = openSync(join(data, "global", "pg_control"), "r");
  try {
    if (readSync(file, bytes) < bytes.length) return undefined;
  } finally {
    closeSync(file);
  }
  return endianness() === "LE" ? bytes.readUInt32LE(STATE_OFFSET) : bytes.readUInt32BE(STATE_OFFSET);
}

function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (thrown) {
    return thrown instanceof Error && "code" in thrown && thrown.code === "EPERM";
  }
}

/**
 * Servers and backends have the data folder as working directory. A process that has ended has none, even
 * where nobody has waited for it.
 */
function isPostgresOf(pid: number, data: string): boolean {
  try {
    const program = basename(readlinkSync(`/proc/${pid}/exe`));
    return readlinkSync(`/proc/${pid}/cwd`) === realpathSync(data) && /^postgres\b/.test(program);
  } catch {
    return false;
  }
}

function processesOf(data: string): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => isPostgresOf(pid, data));
}

/**
 * A backend calls itself `postgres: …`, but keeps its server's command line for its first moments: a server is what has backends, or
 * what a person runs with `--single`.
 */
function isServer(pid: number, all: readonly number[]): boolean {
  const line = readText(`/proc/${pid}/cmdline`);
  if (line === undefined || line.startsWith("postgres: ")) return false;
  return line.includes("\0--single\0") || all.some((other) => parentOf(other) === pid);
}

function parentOf(pid: number): number | undefined {
  // Behind the name in brackets, which may hold anything: the state, then the parent.
  const [, parent] = readText(`/proc/${pid}/stat`)?.split(") ").at(-1)?.split(" ") ?? [];
  return parent === undefined ? undefined : Number(parent);
}

function end(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended meanwhile.
  }
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
