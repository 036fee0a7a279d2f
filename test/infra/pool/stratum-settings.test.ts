import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { STRATUM_DEFAULTS } from "../../../edge/stratum/settings.ts";
import { loadConfig } from "../../../infra/config/load.ts";
import type { Config } from "../../../infra/config/schema.ts";
import { stratumOptions } from "../../../infra/pool/stratum-settings.ts";
import { TEST_CERT, TEST_KEY } from "../../support/stratum/tls.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "prosper-door-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

function configOf(stratum: string): Config {
  const file = join(folder, "pool.toml");
  writeFileSync(file, `[stratum]\n${stratum}`);
  return loadConfig(file, { required: true });
}

function withCertificate(): Config {
  writeFileSync(join(folder, "cert.pem"), TEST_CERT);
  writeFileSync(join(folder, "key.pem"), TEST_KEY);
  return configOf(
    `tlscert = "${join(folder, "cert.pem")}"\ntlskey = "${join(folder, "key.pem")}"\ntlsport = 0`,
  );
}

describe("the door's settings", () => {
  it("are the server's own defaults where the file says nothing, but for the smaller cap of connections", () => {
    const { stratum, listen, listenTls } = stratumOptions(configOf(""));

    expect({ ...STRATUM_DEFAULTS, ...stratum }).toEqual({
      ...STRATUM_DEFAULTS,
      welcomeMessage: "Welcome to Prosper Pool!",
      maxConnections: 10_000,
    });
    expect(listen).toEqual({ host: "::", port: 1234, proxies: [] });
    expect(listenTls).toBeUndefined();
  });

  it("reach every limit of the server from the file", () => {
    const door = stratumOptions(
      configOf(`maxconnections = 11
        maxperaddress = 12
        exemptaddresses = "192.0.2.0/24"
        proxysources = "10.0.0.1, 10.0.1.0/24"
        linedeadline = "13s"
        authorizedeadline = "14s"
        idletimeout = "15s"
        sharelesstimeout = "15m"
        heartbeat = "16s"
        maxunsent = 17000
        stucktimeout = "18s"
        maxinflight = 19
        linespersecond = 20
        lineburst = 21
        usersharespersecond = 22
        malformedlimit = 23
        invalidwindow = 24
        banduration = "25s"
        loginfailures = 26
        loginlockout = "27s"`),
    );

    expect(door.listen.proxies).toEqual(["10.0.0.1", "10.0.1.0/24"]);
    expect(door.guesses).toEqual({ free: 26, everyMs: 27_000 });
    expect(door.stratum).toEqual({
      welcomeMessage: "Welcome to Prosper Pool!",
      maxConnections: 11,
      maxConnectionsPerAddress: 12,
      exemptAddresses: ["192.0.2.0/24", "10.0.0.1", "10.0.1.0/24"],
      lineDeadlineMs: 13_000,
      authorizeDeadlineMs: 14_000,
      idleMs: 15_000,
      sharelessMs: 900_000,
      heartbeatMs: 16_000,
      maxUnsentBytes: 17_000,
      stuckMs: 18_000,
      maxInFlight: 19,
      linesPerSecond: 20,
      lineBurst: 21,
      userSharesPerSecond: 22,
      malformedLimit: 23,
      invalidWindow: 24,
      banMs: 25_000,
    });
  });

  it("open a TLS listener beside the plain one where a certificate and its key are named", () => {
    const { listen, listenTls } = stratumOptions(withCertificate());

    expect(listen.port).toBe(1234);
    expect(listenTls).toMatchObject({ port: 0, tls: { cert: TEST_CERT, key: TEST_KEY } });
  });

  it("name the setting whose file is missing or not named", () => {
    expect(() => stratumOptions(configOf('tlscert = "cert.pem"'))).toThrow("stratum.tlskey is not set");
    expect(() =>
      stratumOptions(configOf(`tlskey = "${folder}/no.pem"\ntlscert = "${folder}/none.pem"`)),
    ).toThrow(/stratum\.tlscert = .*none\.pem: there is no such file/);
  });
});
