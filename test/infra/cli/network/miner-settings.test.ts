/** The miner's settings: which source wins, what is refused and how it is named, and the file that is written. */

import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { minerFile, writeMinerFile } from "../../../../infra/cli/network/miner-file.ts";
import { type MinerSettingFlags, readMinerSettings } from "../../../../infra/cli/network/miner-settings.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "prosper-settings-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

function fileOf(text: string): string {
  const file = join(folder, "miner.toml");
  writeFileSync(file, text);
  return file;
}
const NAMED: MinerSettingFlags = { user: "ann", worker: "rig" };

describe("a miner's settings", () => {
  it("without anything else are one pool on this machine", () => {
    expect(readMinerSettings(NAMED, {})).toEqual({
      pools: [{ host: "localhost", port: 1234, tls: false, user: "ann", worker: "rig" }],
      ...{ threads: undefined, duty: 1, bits: undefined, http: undefined, token: undefined, plain: false },
      ...{ account: undefined, accountToken: undefined },
    });
  });

  it("are a flag's before the environment's before the file's", () => {
    const settings = fileOf(
      'user = "file"\nworker = "file"\nthreads = 1\nduty = 0.25\nhttp = "127.0.0.1:1"\n',
    );
    const env = { PROSPER_MINER_USER: "env", PROSPER_MINER_THREADS: "2", PROSPER_MINER_PLAIN: "true" };
    expect(readMinerSettings({ settings, threads: 3 }, env)).toMatchObject({
      pools: [{ user: "env", worker: "file" }],
      ...{ threads: 3, duty: 0.25, plain: true, http: { host: "127.0.0.1", port: 1 } },
    });
  });

  it("have a list of pools, each with names of its own where it has them", () => {
    const settings = fileOf(
      [
        'user = "ann"\nworker = "shed"',
        '[[pools]]\nurl = "stratum+ssl://one.example:1235"',
        '[[pools]]\nurl = "[2001:db8::1]:1234"\nuser = "bob"\nworker = ""',
      ].join("\n"),
    );
    expect(readMinerSettings({ settings }, {}).pools).toEqual([
      { host: "one.example", port: 1235, tls: true, user: "ann", worker: "shed" },
      { host: "2001:db8::1", port: 1234, tls: false, user: "bob", worker: "" },
    ]);
    // A flag holds for all; the list is taken whole from one source.
    expect(readMinerSettings({ settings, worker: "x" }, {}).pools.map(({ worker }) => worker)).toEqual([
      "x",
      "x",
    ]);
    const env = { PROSPER_MINER_URL: "a.example:1, stratum+ssl://b.example:2" };
    expect(readMinerSettings({ settings }, env).pools.map(({ host, tls }) => [host, tls])).toEqual([
      ["a.example", false],
      ["b.example", true],
    ]);
    expect(readMinerSettings({ settings, host: "c.example:3", tls: true }, env).pools).toMatchObject([
      { host: "c.example", port: 3, tls: true },
    ]);
    // --tls is for addresses that do not say.
    expect(
      readMinerSettings({ ...NAMED, tls: true, url: ["a.example:1", "stratum+tcp://b.example:2"] }, {}).pools,
    ).toMatchObject([{ tls: true }, { tls: false }]);
  });

  it.each<[MinerSettingFlags, NodeJS.ProcessEnv, RegExp]>([
    [{ host: "nowhere" }, {}, /^--host: expected HOST:PORT .*, got "nowhere"$/],
    [{ host: "h:0" }, {}, /^--host: expected HOST:PORT/],
    [{ host: "h:1", url: ["h:1"] }, {}, /^--host and --url: give one of them/],
    [{ url: ["http://h:1"] }, {}, /^--url: expected HOST:PORT/],
    [{ threads: 0 }, {}, /^--threads: expected a whole number from 1 to 61, got 0$/],
    [{ duty: 2 }, {}, /^--duty: expected a number above 0 and up to 1, got 2$/],
    [{ duty: Number.NaN }, {}, /^--duty: expected a number above 0/],
    [{ user: "a b" }, {}, /^--user: expected 1 to 254 visible ASCII/],
    [{ worker: "a,b" }, {}, /^--worker: expected at most 64/],
    [{ http: "8080" }, {}, /^--http: expected HOST:PORT such as 127\.0\.0\.1:8080/],
    [{ account: "pool" }, {}, /^--account: expected the address of the pool's pages/],
    [{ account: "https://p.example" }, {}, /with both: the address \(--account\) and a token/],
    [
      {},
      { PROSPER_MINER_THREADS: "many" },
      /^PROSPER_MINER_THREADS: expected a whole number .*, got "many"$/,
    ],
    [{}, { PROSPER_MINER_TOKEN: "x".repeat(1_001) }, /^PROSPER_MINER_TOKEN: it is too long$/],
  ])("are refused by name: %j %j", (flags, env, message) => {
    expect(() => readMinerSettings({ ...NAMED, ...flags }, env)).toThrow(message);
  });

  it("are missing by name, and all that is wrong is said at once", () => {
    expect(() => readMinerSettings({ threads: 99 }, {})).toThrow(
      /^--user is missing: .*PROSPER_MINER_USER.*\n--worker is missing: .*\n--threads: expected/,
    );
  });

  it.each([
    ['usr = "ann"', /miner\.toml: usr is not a setting\. Did you mean user\?/],
    ['[[pools]]\nurl = "h:1"\ntls = true', /pools\[1\]: tls is not a setting/],
    ["[[pools]]\nuser = 1", /pools\[1\]: url: expected HOST:PORT/],
    ['pools = "h:1"', /pools: expected \[\[pools\]\]/],
    ["threads = four", /miner\.toml:\d+:\d+: not valid TOML/],
    ['accounttoken = ""\naccount = "https://p.example"', /accounttoken: it is empty$/],
  ])("in a file are refused by their place: %j", (text, message) => {
    expect(() => readMinerSettings({ ...NAMED, settings: fileOf(text) }, {})).toThrow(message);
  });

  it("are asked for where the file is not there", () => {
    expect(() => readMinerSettings({ settings: join(folder, "none.toml") }, {})).toThrow(
      /there is no such file.*--write-config .*none\.toml writes an example/,
    );
  });
});

describe("the file that is written", () => {
  it.each<[string, MinerSettingFlags, NodeJS.ProcessEnv]>([
    ["little", NAMED, {}],
    [
      "everything",
      {
        ...{
          url: ["one.example:1", "stratum+ssl://[::1]:2"],
          user: "ann",
          worker: "",
          threads: 2,
          duty: 0.5,
        },
        ...{ bits: 20, http: "[::1]:8080", plain: true, account: "https://pool.example/" },
      },
      { PROSPER_MINER_TOKEN: 'a"b\\c', PROSPER_MINER_ACCOUNT_TOKEN: "pt_1" },
    ],
  ])("holds %s as it was, and is its owner's", (name, flags, env) => {
    const [held, file] = [readMinerSettings(flags, env), join(folder, `${name}.toml`)];
    writeMinerFile(file, minerFile(held));
    expect(readMinerSettings({ settings: file }, {})).toEqual(held);
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  it("keeps names that are one pool's", () => {
    const from = fileOf(
      'user = "a"\nworker = "w"\n[[pools]]\nurl = "h:1"\n[[pools]]\nurl = "i:2"\nuser = "b"\n',
    );
    const [held, file] = [readMinerSettings({ settings: from }, {}), join(folder, "names.toml")];
    writeMinerFile(file, minerFile(held));
    expect(readMinerSettings({ settings: file }, {})).toEqual(held);
  });

  it("replaces no file", () => {
    const file = join(folder, "there.toml");
    writeMinerFile(file, "# mine\n");
    expect(() => writeMinerFile(file, "")).toThrow(/there\.toml exists already: name a new file$/);
  });
});
