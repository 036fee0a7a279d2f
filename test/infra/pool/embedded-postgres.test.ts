/** The embedded PostgreSQL killed from outside, as a kernel short of memory does it: a real server, real signals. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import pg from "pg";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type Postgres, startPostgres } from "../../../infra/pool/embedded-postgres.ts";
import { keepPostgres, type PostgresKeeper } from "../../../infra/pool/postgres-keeper.ts";
import { clearRemains, livePid } from "../../../infra/pool/postgres-process.ts";
import { systemClock } from "../../../shared/clock.ts";
import { SILENT } from "../../../shared/logger.ts";

const dir = mkdtempSync(join(tmpdir(), "prosper-pg-kill-"));
const pidFile = join(dir, "data", "postmaster.pid");
let server: Postgres;
let keeper: PostgresKeeper;
let said: string[] = [];

const pidOf = (): number => Number(readFileSync(pidFile, "utf8").split("\n")[0]);

/** A connection that does not mind being killed. */
async function connected(): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: server.url });
  client.on("error", () => undefined);
  await client.connect();
  return client;
}

async function ask(text: string): Promise<unknown[]> {
  const client = await connected();
  try {
    return (await client.query(text)).rows;
  } finally {
    await client.end();
  }
}

beforeAll(async () => {
  server = await startPostgres({ dir });
  await ask("CREATE TABLE kept (n int)");
});
afterAll(async () => {
  await server.stop();
  rmSync(dir, { recursive: true, force: true });
});
beforeEach(() => {
  said = [];
  const logger = {
    ...SILENT,
    warn: (message: string) => void said.push(`warn: ${message}`),
    error: (message: string) => void said.push(`error: ${message}`),
  };
  keeper = keepPostgres(server, { clock: systemClock, logger });
});
afterEach(() => keeper.stop());

const KILLED = "error: the embedded PostgreSQL was killed: it is started again";
const RUNS = "warn: the embedded PostgreSQL runs again";

describe("an embedded PostgreSQL killed with -9", () => {
  it("is started again on its port with what was committed, though a backend that hangs holds its memory", async () => {
    await ask("INSERT INTO kept VALUES (1)");
    const client = await connected();
    const { rows } = await client.query("SELECT pg_backend_pid() AS pid");
    const backend = Number(rows[0].pid);
    const killed = pidOf();
    process.kill(backend, "SIGSTOP");

    process.kill(killed, "SIGKILL");

    await expect.poll(() => said).toEqual([KILLED, RUNS]);
    expect(pidOf()).not.toBe(killed);
    expect(await ask("SELECT n FROM kept")).toEqual([{ n: 1 }]);
  });

  it("is tried again until its port is free, and says why once", async () => {
    const port = Number(new URL(server.url).port);
    const killed = pidOf();
    process.kill(killed, "SIGKILL");
    await expect.poll(() => livePid(join(dir, "data"))).toBeUndefined();
    const other = await listenOnceFree(port);

    await expect.poll(() => said).toHaveLength(2);
    await pause(2_500);
    other.close();

    await expect.poll(() => said.at(-1)).toBe(RUNS);
    expect(said).toEqual([
      KILLED,
      "error: the embedded PostgreSQL could not be started; it is tried again",
      RUNS,
    ]);
    expect(await ask("SELECT 1 AS up")).toEqual([{ up: 1 }]);
  });

  it("is started though another process has its number by now", async () => {
    const killed = pidOf();
    process.kill(killed, "SIGSTOP");
    const text = readFileSync(pidFile, "utf8");
    writeFileSync(pidFile, text.replace(/^\d+/, `${process.pid}`));
    process.kill(killed, "SIGKILL");

    await expect.poll(() => said).toEqual([KILLED, RUNS]);
    expect(await ask("SELECT 1 AS up")).toEqual([{ up: 1 }]);
  });

  it("leaves no process behind that had not named itself yet, and no single-user session is ended", async () => {
    const data = join(dir, "data");
    const program = join(dir, "postgres");
    // A shell by the name of the server's program, in its folder: what a backend looks like in its first moments.
    copyFileSync("/bin/sh", program);
    const run = (...flags: string[]) => spawn(program, ["-c", "read line; exit", ...flags], { cwd: data });
    await keeper.stop();
    await server.stop();
    const nameless = run("-D", data);
    const ended = once(nameless, "exit");

    await clearRemains(data, systemClock);
    expect(await ended).toEqual([null, "SIGKILL"]);

    const repair = run("--single", "-D", data);
    await clearRemains(data, systemClock);
    expect(repair.exitCode).toBeNull();
    repair.stdin.end("done\n");
    await once(repair, "exit");
    await server.startAgain();
  });

  it("is left alone where it was stopped in good order", async () => {
    const stopped = pidOf();
    process.kill(stopped, "SIGINT");
    await expect.poll(() => server.state()).toBe("stopped");

    await pause(2_500);

    expect(said).toEqual([]);
    expect(server.state()).toBe("stopped");
    await server.startAgain();
    expect(await ask("SELECT 1 AS up")).toEqual([{ up: 1 }]);
  });
});

/** The killed server's children hold its port for some milliseconds more. */
async function listenOnceFree(port: number): Promise<Server> {
  const server = createServer();
  await expect
    .poll(
      async () => {
        const outcome = once(server, "listening").then(
          () => "listening",
          (error: unknown) => error,
        );
        server.listen(port, "127.0.0.1");
        return await outcome;
      },
      { interval: 10 },
    )
    .toBe("listening");
  return server;
}
