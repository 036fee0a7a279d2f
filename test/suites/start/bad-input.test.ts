/** What a user gets wrong: one clear message that says what to do, an exit code, and nothing lost. */

import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync, writeSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { audit } from "../../support/processes/audit.ts";
import { postgresPid, temporaryFolder } from "../../support/processes/bench.ts";
import { Pool, startUp } from "../../support/processes/pool.ts";
import { type Ended, prosper } from "../../support/processes/prosper.ts";

const folder = temporaryFolder();

/** A file in this test's folder. */
function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

/** Nothing on standard output, exit code 1, and no more than a message (no stack, no log line). */
function expectRefusal({ code, stdout, stderr }: Ended, message: RegExp): void {
  expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
  expect(toldIn(stderr)).toMatch(message);
  expect(stderr.trimEnd().split("\n").length).toBeLessThanOrEqual(2);
  expect(stderr).not.toMatch(/\n +at |a bug|\{"level"/);
}

/** The message as a person reads it: under `--json` it is in the event. */
function toldIn(stderr: string): string {
  return stderr.startsWith("{") ? `prosper: ${JSON.parse(stderr).message}\n` : stderr;
}

describe("the command line", () => {
  it.each([
    [["fly"], /^error: unknown command 'fly'/],
    [["up", "--colour"], /^error: unknown option '--colour'/],
    [["up", "--block-seconds", "soon"], /'soon' is invalid\. expected seconds from 0\.2 to 86400/],
    [["up", "--web-port", "http"], /'http' is invalid\. expected a whole number/],
    [["hash", "--bits", "31"], /from 8 to 30, got 31/],
    [["miner"], /^prosper: --user is missing: give it, or set PROSPER_MINER_USER/],
    [["miner", "--user", "a", "--worker", "b", "--connect", "X"], /expected the 16 letters .* got "X"/],
    [["miner", "--user", "a", "--worker", "b", "--host", "pool"], /expected HOST:PORT .* got "pool"/],
    [
      ["audit", "--data-dir", "/nowhere/at/all"],
      /no pool in \/nowhere\/at\/all .* `prosper up`.* --data-dir/,
    ],
    [["db", "record", "/no/such/receipt.json", "--data-dir", "/nowhere"], /no pool in \/nowhere/],
    [["grade", "/no/such/block.json"], /\/no\/such\/block\.json/],
  ])("refuses %j by a message that names what is wrong", async (args, message) => {
    expectRefusal(await prosper(args), message);
  });

  it("names the line of input that is no hex, after the hashes of those before it", async () => {
    const { code, stdout, stderr } = await prosper(["hash", "--bits", "8"], { input: "00\nxyz\n" });
    expect(code).toBe(1);
    expect(stdout).toMatch(/^[0-9a-f]{64}\n$/);
    expect(stderr).toMatch(/^line 2: .*\n$/);
  });
});

describe("the configuration", () => {
  it.each([
    [
      "a key that is none",
      "[pool]\npoolfeerat = '0.1'\n",
      /pool\.poolfeerat is not a setting\. Did you mean poolfeerate\?/,
    ],
    ["a section that is none", "[pools]\n", /\[pools\] is not a section\. Did you mean pool\?/],
    [
      "a value of another kind",
      "[web]\nport = 'http'\n",
      /web\.port = "http": expected a whole number from 0 to 65535/,
    ],
    ["a fee of 0", "[pool]\npoolfeerate = '0'\n", /pool\.poolfeerate = "0": .*ambiguous.*-1.* no fee/],
    ["no TOML", "[pool\n", /:1:\d+: not valid TOML/],
  ])("is refused for %s, by file and key", async (name, text, message) => {
    const path = file(`${name}.toml`, text);
    const ended = await prosper(["--config", path, "up", "--json", "--data-dir", join(folder, "never")]);
    expectRefusal(ended, message);
    expect(toldIn(ended.stderr)).toContain(path);
  });

  it("is refused where its file is missing, with a way to an example that works", async () => {
    const path = join(folder, "missing.toml");
    expectRefusal(
      await prosper(["audit", "--config", path]),
      /`prosper config .*missing\.toml` writes an example/,
    );
    expect((await prosper(["config", path])).code).toBe(0);
    expectRefusal(await prosper(["config", path]), /exists already/);
    expectRefusal(
      await prosper(["audit", "--config", path, "--data-dir", "/nowhere"]),
      /no pool in \/nowhere/,
    );
  });
});

describe("a database of one's own", () => {
  it.each([
    [
      "that is away",
      "postgres://a:b@127.0.0.1:1/pool",
      /ECONNREFUSED 127\.0\.0\.1:1[\s\S]*Start the database server, or correct DATABASE_URL/,
    ],
    ["whose address is none", "my database", /DATABASE_URL: expected an address like postgres:/],
  ])("%s is told by every command", async (_name, url, message) => {
    const env = { DATABASE_URL: url };
    expectRefusal(await prosper(["audit", "--json"], { env }), message);
    expectRefusal(await prosper(["db", "payout"], { env }), message);
    expectRefusal(await startUp({ dataDir: temporaryFolder() }, { env }).ended, message);
  });

  it("that asks for another password is told, without the wrong one", async () => {
    const dataDir = temporaryFolder();
    const pool = await Pool.start({ dataDir, miners: 0 });
    const port = readFileSync(join(dataDir, "postgres/data/postmaster.pid"), "utf8").split("\n")[3];
    const env = { DATABASE_URL: `postgres://prosper:guessed@127.0.0.1:${port}/prosper` };
    const ended = await prosper(["audit"], { env });
    expectRefusal(
      ended,
      /password authentication failed[\s\S]*Correct the user, password and database name in DATABASE_URL/,
    );
    expect(ended.stderr).not.toContain("guessed");
    await pool.kill("SIGINT");
  });
});

describe("a pool that cannot start", () => {
  const dataDir = temporaryFolder();
  const taken = createServer();
  afterAll(() => taken.close());

  it("tells which port is taken and how to choose another, and leaves nothing running", async () => {
    const port = await listening(taken);
    for (const [ports, message] of [
      [
        { webPort: port },
        new RegExp(`^prosper: web.*:${port}: is taken by another program; .*--web-port\\n$`),
      ],
      [
        { stratumPort: port },
        new RegExp(`^prosper: stratum.*:${port} is in use by another program\\..*\\n$`),
      ],
    ] as const) {
      expectRefusal(await startUp({ dataDir, miners: 0, ...ports }).ended, message);
      expect(postgresPid(dataDir)).toBeUndefined();
    }
    // The first start that works still names the administrator.
    const pool = await Pool.start({ dataDir, miners: 0 });
    expect(pool.ready.adminUser?.password.length).toBeGreaterThanOrEqual(12);
    await pool.kill("SIGINT");
    await audit(dataDir);
  });

  it("makes a damaged table again, says so, and keeps the damaged file", async () => {
    const tables = join(folder, "tables");
    mkdirSync(tables);
    const config = file("tables.toml", `[app]\ntabledir = ${JSON.stringify(tables)}\n`);
    const hash = (): Promise<Ended> =>
      prosper(["--config", config, "hash", "--bits", "16"], { input: "00\n" });
    const right = await hash();
    expect(right.stderr).toBe("");
    const path = join(tables, "lxrhash-seed-fafaececfafaecec-passes-5-size-16.dat");
    const whole = readFileSync(path);
    const table = openSync(path, "r+");
    writeSync(table, Buffer.from([(whole[1000] ?? 0) ^ 1]), 0, 1, 1000);
    closeSync(table);

    const pool = await Pool.start({ dataDir, miners: 0, flags: ["--config", config] });
    expect(pool.running.stderr()).toMatch(
      /^warning: The LXR table's file is damaged: moved aside, making it again .*\n$/,
    );
    await pool.kill("SIGINT");

    expect(readFileSync(path).equals(whole)).toBe(true);
    expect(readFileSync(`${path}.corrupt`).length).toBe(whole.length);
    expect(await hash()).toMatchObject({ stdout: right.stdout, stderr: "" });
  });
});

function listening(server: Server): Promise<number> {
  return new Promise((resolve) => {
    server.listen(0, "0.0.0.0", () => {
      const address = server.address();
      resolve(typeof address === "object" && address !== null ? address.port : 0);
    });
  });
}
