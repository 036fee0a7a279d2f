import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { exampleConfig } from "../../../infra/config/example.ts";
import { loadConfig } from "../../../infra/config/load.ts";

describe("the configuration file", () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "prosper-config-"));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const load = (text: string, required = true) => {
    const file = join(folder, "pool.toml");
    writeFileSync(file, text);
    return loadConfig(file, { required });
  };

  it("may be missing: the defaults stand", () => {
    const config = loadConfig(join(folder, "none.toml"), { required: false });

    expect(config.stratum.stratumport).toBe(1234);
    expect(config.pegnet.pollingperiod).toBe(2000);
  });

  it("that is asked for and missing is an error that says how to make one", () => {
    expect(() => loadConfig(join(folder, "none.toml"), { required: true })).toThrow(
      /prosper config .*none\.toml/,
    );
  });

  it("as the example writes it gives the defaults", () => {
    expect(load(exampleConfig())).toEqual(loadConfig(join(folder, "none.toml"), { required: false }));
  });

  it("takes the Go pool's keys in any case", () => {
    const config = load('[Pool]\nPoolFeeRate = "0.01"\n[OracleDataSources]\nCoinGecko = 3\n');

    expect(config.pool.poolfeerate).toBe("0.01");
    expect(config.oracledatasources).toEqual({ coingecko: 3 });
  });

  it.each([
    ['[pool]\npoolfeerat = "0.1"', /pool\.poolfeerat is not a setting\. Did you mean poolfeerate\?/],
    ["[stratm]\nport = 1", /\[stratm\] is not a section\. Did you mean stratum\?/],
    ["[web]\nport = 70000", /web\.port = 70000: expected a whole number from 0 to 65535/],
    ['[web]\nport = "7070"', /web\.port = "7070": expected a whole number/],
    ['[pool]\npoolfeerate = "0"', /pool\.poolfeerate = "0"/],
    ['[pool]\npoolfeerate = "0.0"', /zero is ambiguous/],
    ['[pool]\npoolfeerate = "1.99"', /pool\.poolfeerate/],
    ['[pool]\npoolfeerate = "0.123456789"', /at most 8 decimals/],
    ['[pool]\noprcoinbase = "FA123"', /pool\.oprcoinbase.*FA…/],
    ['[pegnet]\npollingperiod = "2 seconds"', /pegnet\.pollingperiod.*expected a duration/],
    ["[oracledatasources]\ncoingecko = 1.5", /oracledatasources\.coingecko = 1\.5/],
    ['[stratum]\nproxysources = "10.0.0.0/8, balancer"', /stratum\.proxysources.*CIDR ranges/],
    ['[stratum]\nexemptaddresses = "10.0.0.0/33"', /stratum\.exemptaddresses/],
    ["[stratum]\nbanduration = 180", /stratum\.banduration.*expected a duration/],
    ["port = 1", /port stands outside a section/],
    ["[web\nport = 1", /:1:\d+: not valid TOML/],
  ])("with the mistake in %j names the key", (text, message) => {
    expect(() => load(text)).toThrow(message);
  });

  const KEY = "Es3LB2YW9bpdWmMnNQYb31kyPzqnecsNqmg5W4K7FKp4UP6omRTa";

  it.each([
    ["a list for a key", `[pool]\nesaddress = ["${KEY}"]`],
    ["a table for a key", `[pool.esaddress]\nkey = "${KEY}"`],
    ["a key where something else is expected", `[pool]\npoolfeerate = "${KEY}"`],
    ["a key for a name", `[pool]\n${KEY} = 1`],
    ["a key for a section", `[${KEY}]\nport = 1`],
    ["a key outside a section", `${KEY} = 1`],
    ["a line that is no TOML beside a key", `[pool]\nesaddress = "${KEY}" what`],
    ["a key without its quotes", `[pool]\nesaddress = ${KEY}`],
    ["a list for a password", `[database]\npassword = ["${KEY.slice(3)}"]`],
    ["a number for an API key", `[oracle]\ncoincapkey = ["${KEY.slice(3)}"]`],
    ["an address with a password", `[factom]\nfactomdlocation = "ftp://pool:${KEY.slice(3)}@node/v2"`],
    [
      "a list of addresses with a password",
      `[database]\nurl = ["postgres://pool:${KEY.slice(3)}@host/pool"]`,
    ],
  ])("with %s shows none of it, in its message or anywhere in the error", (_what, text) => {
    const thrown = ((): unknown => {
      try {
        return load(text);
      } catch (error) {
        return error;
      }
    })();

    expect(thrown).toMatchObject({ code: "config" });
    expect(inspect(thrown, { depth: 10, showHidden: true })).not.toContain(KEY.slice(3));
  });

  it("lists every problem at once", () => {
    expect(() => load('[web]\nport = -1\n[app]\nloglevel = "loud"')).toThrow(/loglevel[\s\S]*web\.port/);
  });

  it("gives way to flags, whose errors name the flag", () => {
    const file = join(folder, "none.toml");
    const port = (value: unknown) =>
      loadConfig(file, {
        required: false,
        overrides: [{ section: "stratum", key: "stratumport", value, from: "--sport" }],
      });

    expect(port(4444).stratum.stratumport).toBe(4444);
    expect(() => port(-4)).toThrow(/--sport = -4: expected a whole number/);
  });
});
