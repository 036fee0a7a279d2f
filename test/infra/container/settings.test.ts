import { parse } from "smol-toml";
import { describe, expect, it } from "vitest";
import { containerSettings } from "../../../infra/container/settings.ts";

const read = (env: Record<string, string>) => {
  const settings = containerSettings(env, "/data");
  const text = settings.files.find(({ path }) => path === settings.configFile)?.text ?? "";
  return { ...settings, config: parse(text) };
};

/** The image's own folders and ports. */
const IMAGE = {
  app: { datadir: "/data", tabledir: "/table" },
  stratum: { host: "::", stratumport: 3333 },
};

describe("an edge's container", () => {
  it("keeps what the configuration says, in any case of its letters", () => {
    const { config } = read({
      PROSPER_CONFIG: '[Stratum]\nStratumPort = 9\n[APP]\nTableDir = "/elsewhere"\n',
    });
    expect(config).toEqual({
      Stratum: { StratumPort: 9, host: "::" },
      APP: { TableDir: "/elsewhere", datadir: "/data" },
    });
  });

  it("runs with defaults and a database address alone", () => {
    const { config, databaseUrl, files } = read({ DATABASE_URL: "postgres://u:p@db/pool" });
    expect(config).toEqual(IMAGE);
    expect(databaseUrl).toBe("postgres://u:p@db/pool");
    expect(files).toHaveLength(1);
  });

  it("puts together the database's address from the fields of its secret", () => {
    const { databaseUrl } = read({
      DATABASE_HOST: "books.example",
      DATABASE_PORT: "5432",
      DATABASE_USER: "prosper",
      DATABASE_PASSWORD: "a/b:c@d e%",
      DATABASE_NAME: "prosper",
    });
    expect(databaseUrl).toBe("postgres://prosper:a%2Fb%3Ac%40d%20e%25@books.example:5432/prosper");
    expect(new URL(databaseUrl ?? "").hostname).toBe("books.example");
  });

  it("asks for an encrypted connection where it is told to", () => {
    const { databaseUrl } = read({
      ...{ DATABASE_HOST: "db", DATABASE_USER: "u", DATABASE_PASSWORD: "p", DATABASE_NAME: "n" },
      DATABASE_SSLMODE: "no-verify",
    });

    expect(databaseUrl).toBe("postgres://u:p@db:5432/n?sslmode=no-verify");
  });

  it("adds the secrets to the settings, the certificate as files", () => {
    const { config, files } = read({
      PROSPER_CONFIG: '[pool]\nopridentity = "Prosper"\n',
      PROSPER_ES_ADDRESS: "Es-key",
      STRATUM_TLS_CERT: "CERT",
      STRATUM_TLS_KEY: "KEY",
    });
    expect(config).toEqual({
      app: IMAGE.app,
      pool: { opridentity: "Prosper", esaddress: "Es-key" },
      stratum: { ...IMAGE.stratum, tlscert: "/data/tls-cert.pem", tlskey: "/data/tls-key.pem" },
    });
    expect(files.slice(1)).toEqual([
      { path: "/data/tls-cert.pem", text: "CERT" },
      { path: "/data/tls-key.pem", text: "KEY" },
    ]);
  });

  it.each([
    [{ PROSPER_CONFIG: "[pool\nes = Es-secret" }, /^PROSPER_CONFIG is no TOML: line 1/],
    [{ PROSPER_CONFIG: "pool = 1" }, /^PROSPER_CONFIG: pool: expected a section like \[pool\]$/],
    [{ STRATUM_TLS_CERT: "CERT" }, /expected both or neither/],
    [
      {
        DATABASE_HOST: "d",
        DATABASE_USER: "u",
        DATABASE_PASSWORD: "secret",
        DATABASE_NAME: "n",
        DATABASE_SSLMODE: "x",
      },
      /^DATABASE_SSLMODE: expected one of disable, no-verify, verify-full$/,
    ],
    [{ DATABASE_HOST: "db" }, /^DATABASE_HOST is set, DATABASE_USER is not$/],
  ])("refuses %o with a message that repeats no secret", (env, message) => {
    expect(() => read(env)).toThrow(message);
    expect(() => read(env)).toThrow(expect.not.stringContaining("secret"));
  });
});
