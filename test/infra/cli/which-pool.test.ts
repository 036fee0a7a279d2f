/** Every command on a pool's records says first which pool it is, and finds it by one rule. */

import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CliContext, DEFAULT_DATA_DIR } from "../../../infra/cli/context.ts";
import { runPool } from "../../../infra/cli/services/pool-view.ts";
import { databasePlace, whichPool, whichPoolLines } from "../../../infra/pool/which-pool.ts";
import { loadMigrations, migrate } from "../../../shared/db/migrate.ts";
import { SILENT } from "../../../shared/logger.ts";
import { addBlock, addJob, addUsers } from "../../support/books.ts";
import { createTestDatabase, type TestDatabase } from "../../support/database.ts";

const MAIN = resolve(import.meta.dirname, "../../../infra/cli/main.ts");

let folder: string;
let database: TestDatabase;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "prosper-which-"));
  database = await createTestDatabase({ driver: "pg" });
  await addUsers(database.db, "ann");
  await addJob(database.db, 207_000);
  await addBlock(database.db, 207_000, 0n);
});
afterAll(async () => {
  await database.drop();
  rmSync(folder, { recursive: true });
});

interface Ended {
  code: number;
  stdout: string;
  stderr: string;
}

/** The command as its own process, in a home without any pool. */
function prosper(args: string[], env: Record<string, string> = {}): Promise<Ended> {
  return new Promise((done) => {
    const whole = { PATH: process.env["PATH"] ?? "", HOME: folder, ...env };
    const child = execFile(
      process.execPath,
      [MAIN, ...args],
      { env: whole, cwd: folder },
      (error, stdout, stderr) => done({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
    );
    child.stdin?.end();
  });
}

describe("which pool it is", () => {
  it("is told by every command on its records, on standard error, without the password", async () => {
    const config = join(folder, "named.toml");
    writeFileSync(config, '[pool]\nopridentity = "Aurora"\n');
    const name = database.url.replace(/.*\//, "");
    const { host, password } = new URL(database.url);
    const commands = [
      ["audit", "--json"],
      ["db", "migrate", "--dry-run"],
      ["db", "code"],
      ["payout", "list", "--json"],
    ];
    for (const args of commands) {
      const ended = await prosper([...args, "--config", config], { DATABASE_URL: database.url });

      expect(ended.code, args.join(" ")).toBe(0);
      expect(ended.stderr).toBe(`Pool Aurora: database ${name} at ${host}, block 207000\n`);
      expect(ended.stdout).not.toContain("Pool Aurora");
      expect(password).not.toBe("");
      expect(ended.stderr).not.toContain(password);
    }
  });

  it("is told of a database that has no block or no table yet, before it is changed", async () => {
    const fresh = await createTestDatabase({ migrated: false });
    const seen = await whichPool(fresh.db, { name: "P", where: "here" });
    const tables = await fresh.db.execute({
      text: "SELECT 1 FROM pg_tables WHERE schemaname = 'public'",
      values: [],
    });
    await fresh.drop();

    expect(seen).toEqual({ pool: "P", database: "here", height: undefined, changes: [] });
    expect(whichPoolLines(seen)).toEqual(["Pool P: database here, no block yet"]);
    expect(tables).toBe(0);
  });

  it("says which migrations an older version's database gets, and that a backup keeps it as it was, before it gets them", async () => {
    const old = await createTestDatabase({ driver: "pg", migrated: false });
    const known = loadMigrations();
    await migrate(old.db, known.slice(0, -2));
    const missing = known.slice(-2).map(({ name }) => name);
    const env = { DATABASE_URL: old.url };
    const backup = join(folder, "before");

    const taken = await prosper(["backup", backup, "--data-dir", folder], env);
    expect(taken).toMatchObject({ code: 0 });
    expect(taken.stderr).not.toContain("older version");
    const manifest = readFileSync(join(backup, "manifest.json"), "utf8");
    for (const name of missing) expect(manifest).not.toContain(name);

    const [, said, ...more] = (await prosper(["db", "code"], env)).stderr.trim().split("\n");
    expect(said).toContain(`Changed in it now: ${missing.join(", ")}.`);
    expect(said).toContain("prosper backup FOLDER");
    expect(more).toEqual([]);
    expect((await prosper(["db", "code"], env)).stderr).not.toContain("older version");
    await old.drop();
  });

  it("names the folder of an embedded server", () => {
    expect(databasePlace("postgres://prosper:secret@127.0.0.1:5433/prosper", "/data")).toBe(
      "prosper at 127.0.0.1:5433 in /data",
    );
  });
});

describe("the folder of a pool", () => {
  const context = (env: Record<string, string>, config = ""): CliContext => {
    const file = join(folder, `${Math.random()}.toml`);
    writeFileSync(file, config);
    return new CliContext({ config: file }, env);
  };
  const withPostgres = (name: string): string => {
    const dir = join(folder, name);
    mkdirSync(join(dir, "postgres"), { recursive: true });
    return dir;
  };

  it("is that of PROSPER_DATA_DIR for every command, relative ones too", () => {
    const named = context({ PROSPER_DATA_DIR: "some/where" });

    expect([named.poolFolder(), named.edgeFolder(), named.ownFolder()]).toEqual(
      Array(3).fill(resolve("some/where")),
    );
  });

  it("is the edge's where only that one has a pool, so that no payout is looked for in the devnet's", () => {
    const dir = withPostgres("edge-only");

    expect(context({}, `[app]\ndatadir = "${dir}"\n`).poolFolder()).toBe(dir);
  });

  it("is the devnet's where there is no other, or a database is configured", () => {
    const dir = withPostgres("beside");
    const config = `[app]\ndatadir = "${dir}"\n[database]\nurl = "postgres://a:b@localhost/c"\n`;

    expect(context({}, `[app]\ndatadir = "${join(folder, "empty")}"\n`).poolFolder()).toBe(DEFAULT_DATA_DIR);
    expect(context({}, config).poolFolder()).toBe(DEFAULT_DATA_DIR);
  });

  it("is the edge's where a database is configured and that edge uses it", () => {
    const dir = join(folder, "edge-elsewhere");
    mkdirSync(join(dir, "edge"), { recursive: true });
    const config = `[app]\ndatadir = "${dir}"\n`;
    const env = { DATABASE_URL: "postgres://a:b@localhost/c" };

    expect(context(env, config).poolFolder()).toBe(dir);

    // Its own embedded server has its books: the database is another pool's.
    mkdirSync(join(dir, "postgres"));
    expect(context(env, config).poolFolder()).toBe(DEFAULT_DATA_DIR);
  });

  it("takes the database's password from a file where one is named, with any characters", () => {
    const file = join(folder, "password");
    writeFileSync(file, "50 %/of:it@home?\n");
    const database = (more: string) => `[database]\npasswordfile = "${file}"\n${more}`;
    const expected = "postgres://a:50%20%25%2Fof%3Ait%40home%3F@localhost";

    expect(context({ DATABASE_URL: "postgres://a:b@localhost/c" }, database("")).databaseUrl()).toBe(
      `${expected}/c`,
    );
    expect(context({}, database('host = "localhost"\nusername = "a"\ndbname = "c"\n')).databaseUrl()).toBe(
      `${expected}:5432/c`,
    );
    expect(() =>
      context({}, `[database]\nurl = "postgres://a@localhost/c"\npasswordfile = "/nowhere"\n`).databaseUrl(),
    ).toThrow(/^database.passwordfile: there is no such file/);
  });

  it("is asked for where there are two and nothing says which", async () => {
    for (const name of ["data", "devnet"])
      mkdirSync(join(folder, ".prosper", name, "postgres"), { recursive: true });

    const ended = await prosper(["audit"]);
    rmSync(join(folder, ".prosper"), { recursive: true });

    expect(ended).toMatchObject({ code: 1, stdout: "" });
    expect(ended.stderr).toMatch(
      /there is a pool in \S+\/data and one in \S+\/devnet: .*--data-dir or PROSPER_DATA_DIR/,
    );
  });

  it("is told by name where PROSPER_DATA_DIR has no pool", async () => {
    const ended = await prosper(["db", "payout"], { PROSPER_DATA_DIR: join(folder, "nothing") });

    expect(ended.stderr).toContain(`there is no pool in ${join(folder, "nothing")}`);
  });
});

describe("the lines that pay", () => {
  const shown = async (poolFlags?: string): Promise<string[]> => {
    const lines: string[] = [];
    const stop = new AbortController();
    const ready = { web: "w", stratum: "s", factomd: "f", admin: undefined, inviteCode: "i" };
    const running = runPool(
      poolFlags === undefined ? { json: false, bits: 30 } : { json: false, bits: 30, poolFlags },
      { print: (line) => lines.push(line), logger: SILENT, signal: stop.signal },
      async () => ({ ...ready, stop: async () => undefined }),
    );
    await Promise.resolve();
    stop.abort();
    await running;
    return lines.flatMap((line) => /^ {2}npx (prosper (?:db|payout|audit).*)/.exec(line)?.[1] ?? []);
  };

  it("are shown with the flags that find the pool that was started", async () => {
    expect(await shown(" --data-dir '/my pool'")).toEqual([
      "prosper db payout pay.json --data-dir '/my pool'",
      "prosper payout pay pay.json --data-dir '/my pool'",
      "prosper db record pay.receipt.json --data-dir '/my pool'",
      "prosper audit --data-dir '/my pool'",
    ]);
    expect(await shown()).toEqual([]);
  });
});

describe("--version", () => {
  it("prints the version and ends, and leaves `grade --version` alone", async () => {
    const { default: manifest } = await import("../../../package.json", { with: { type: "json" } });

    expect(await prosper(["--version"])).toEqual({ code: 0, stdout: `${manifest.version}\n`, stderr: "" });
    const grade = await prosper(["grade", "no-such-file", "--version", "2"]);
    expect(grade).toMatchObject({ code: 1, stdout: "" });
    expect(grade.stderr).toContain("no-such-file");
  });
});
