import { X509Certificate } from "node:crypto";
import { writeFileSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { join } from "node:path";
import { TLSSocket } from "node:tls";
import { parse } from "smol-toml";
import { describe, expect, it } from "vitest";
import { containerSettings } from "../../../infra/container/settings.ts";
import { openPg } from "../../../shared/db/drivers/pg.ts";
import { sql } from "../../../shared/db/port.ts";
import { temporaryFolder } from "../../support/processes/bench.ts";
import { TEST_CERT, TEST_KEY } from "../../support/stratum/tls.ts";

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

  it("knows Aurora by the authorities of RDS, and gives nobody else its password", async () => {
    const { databaseUrl, files } = read({
      ...{ DATABASE_HOST: "prosper-prod.cluster-abc.us-east-1.rds.amazonaws.com", DATABASE_USER: "u" },
      ...{ DATABASE_PASSWORD: "p", DATABASE_NAME: "n", DATABASE_SSLMODE: "verify-full" },
    });
    const authorities = files.find(({ path }) => path === "/data/rds-authorities.pem")?.text ?? "";
    expect(databaseUrl).toMatch(/\?sslmode=verify-full&sslrootcert=%2Fdata%2Frds-authorities\.pem$/);
    const found = authorities.match(/-----BEGIN[^-]+-----[^-]+-----END[^-]+-----/g) ?? [];
    const ours = found
      .map((pem) => new X509Certificate(pem))
      .find(({ subject }) => subject.includes("Amazon RDS us-east-1 Root CA RSA2048 G1"));
    expect(ours?.validToDate.getFullYear()).toBeGreaterThan(2050);

    const stranger = await startStranger();
    const file = join(temporaryFolder(), "rds-authorities.pem");
    writeFileSync(file, authorities);
    const url = (databaseUrl ?? "")
      .replace(/@[^/]+/, `@127.0.0.1:${stranger.port}`)
      .replace(/sslrootcert=.*/, `sslrootcert=${encodeURIComponent(file)}`);
    const db = openPg({ url });
    await expect(db.execute(sql`SELECT 1`)).rejects.toThrow("self-signed certificate");
    expect(stranger.heard()).toBe("");
    await db.close();
    stranger.stop();
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

/** Says yes to TLS as PostgreSQL does, with a certificate of its own, and keeps what it is then told. */
async function startStranger(): Promise<{ port: number; heard: () => string; stop: () => void }> {
  let heard = "";
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    open.add(socket);
    socket.on("error", () => undefined);
    socket.once("data", () => {
      socket.write("S");
      const secure = new TLSSocket(socket, { isServer: true, key: TEST_KEY, cert: TEST_CERT });
      secure.on("error", () => undefined);
      secure.on("data", (bytes) => {
        heard += bytes.toString("latin1");
      });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : 0,
    heard: () => heard,
    stop: () => {
      for (const socket of open) socket.destroy();
      server.close();
    },
  };
}
