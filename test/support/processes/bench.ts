/** What a test file leaves behind: processes, PostgreSQL servers and folders, all gone when its tests are over. */

import { type ChildProcess, execFileSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, mkdtempSync, readFileSync, readlinkSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll } from "vitest";
import { until } from "../until.ts";

const children = new Set<ChildProcess>();
const folders: string[] = [];

/** A new folder that PostgreSQL's own user can enter, as below a real home. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "prosper-start-"));
  chmodSync(folder, 0o755);
  folders.push(folder);
  return folder;
}

/** Kills the process at the end, if it has not ended by itself. */
export function tidied<Child extends ChildProcess>(child: Child): Child {
  children.add(child);
  child.once("exit", () => children.delete(child));
  return child;
}

/** The process of the PostgreSQL of a pool's folder; undefined when none runs. */
export function postgresPid(dataDir: string): number | undefined {
  const file = join(dataDir, "postgres", "data", "postmaster.pid");
  if (!existsSync(file)) return undefined;
  const pid = Number(readFileSync(file, "utf8").split("\n")[0]);
  return Number.isInteger(pid) && isAlive(pid) ? pid : undefined;
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  // A process that nobody has waited for is over all the same.
  const stat = existsSync(`/proc/${pid}/stat`) ? readFileSync(`/proc/${pid}/stat`, "utf8") : "";
  return !/^\d+ \(.*\) Z/s.test(stat);
}

/** `pg_ctl stop`: returns when it is down. What it returns starts the server again as it was. */
export async function stopPostgres(dataDir: string): Promise<() => void> {
  const pid = postgresPid(dataDir);
  if (pid === undefined) throw new Error(`no PostgreSQL runs in ${dataDir}`);
  const control = join(dirname(readlinkSync(`/proc/${pid}/exe`)), "pg_ctl");
  const cluster = join(dataDir, "postgres", "data");
  const { uid, gid } = statSync(cluster);
  process.kill(pid, "SIGINT");
  await until("PostgreSQL's stop", () => !isAlive(pid));
  return () => {
    const owner = process.getuid?.() === uid ? {} : { uid, gid };
    // Without a running server it starts one, with the flags of the last.
    const args = ["restart", "-w", "-s", "-D", cluster, "-l", join(cluster, "server.log")];
    execFileSync(control, args, { cwd: "/", stdio: "ignore", ...owner });
  };
}

/** Ends the server at once, as a power cut would. */
export function killPostgres(dataDir: string): void {
  const pid = postgresPid(dataDir);
  if (pid !== undefined) process.kill(pid, "SIGQUIT");
}

/** The server and its connections' processes. */
export function postgresPids(dataDir: string): number[] {
  const pid = postgresPid(dataDir);
  return pid === undefined ? [] : [pid, ...childrenOf(pid)];
}

/** Processes that this one has started. */
export function childrenOf(pid: number): number[] {
  const list = `/proc/${pid}/task/${pid}/children`;
  if (!existsSync(list)) return [];
  return readFileSync(list, "utf8").split(" ").filter(Boolean).map(Number);
}

/** Those too that were started by processes it has started. */
export function descendantsOf(pid: number): number[] {
  return childrenOf(pid).flatMap((child) => [child, ...descendantsOf(child)]);
}

/** Ends everything, also what a failed test has left standing still. */
function killAll(): void {
  for (const child of children) child.kill("SIGKILL");
  for (const folder of folders) {
    for (const pid of postgresPids(folder)) process.kill(pid, "SIGCONT");
    killPostgres(folder);
  }
}

afterAll(async () => {
  const dying = [...children].map((child) => once(child, "exit"));
  killAll();
  await Promise.all(dying);
  for (const folder of folders.splice(0)) {
    await until("PostgreSQL's end", () => postgresPid(folder) === undefined);
    rmSync(folder, { recursive: true, force: true });
  }
});
process.once("exit", killAll);
