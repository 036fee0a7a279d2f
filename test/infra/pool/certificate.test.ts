import { mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect as connectTls } from "node:tls";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type Listening, listenStratum } from "../../../edge/stratum/listener.ts";
import { loadConfig } from "../../../infra/config/load.ts";
import { certificateSecret, watchCertificate } from "../../../infra/pool/certificate.ts";
import { type Logger, SILENT } from "../../../shared/logger.ts";
import { type ManualClock, manualClock } from "../../support/manual-clock.ts";
import { startHarness } from "../../support/stratum/harness.ts";
import { NEW_CERT, NEW_KEY, TEST_CERT, TEST_KEY } from "../../support/stratum/tls.ts";
import { settle } from "../../support/turns.ts";

const DAY_MS = 24 * 3_600_000;

describe("the certificate of a running listener", () => {
  let folder: string;
  let clock: ManualClock;
  let listening: Listening;
  let secrets: Server;
  let stored: string | undefined;
  const errors: string[] = [];
  const logger: Logger = { ...SILENT, error: (message) => void errors.push(message) };
  const stop = { controller: new AbortController(), running: Promise.resolve() };

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "prosper-certificate-"));
    writeFileSync(join(folder, "cert.pem"), TEST_CERT);
    writeFileSync(join(folder, "key.pem"), TEST_KEY);
    clock = manualClock();
    errors.length = 0;
    const tls = { cert: TEST_CERT, key: TEST_KEY };
    listening = await listenStratum({ host: "127.0.0.1", port: 0, tls }, startHarness().server);
    stop.controller = new AbortController();
    // Secrets Manager, as far as one secret needs it.
    secrets = createServer((request, response) => {
      request.resume();
      const isKnown = request.headers["x-amz-target"] === "secretsmanager.GetSecretValue";
      const isSigned = /^AWS4-HMAC-SHA256 .*\/us-east-1\/secretsmanager\//.test(
        request.headers.authorization ?? "",
      );
      if (stored === undefined || !isKnown || !isSigned)
        response.writeHead(400).end('{"__type":"ResourceNotFoundException"}');
      else response.end(JSON.stringify({ SecretString: stored }));
    });
    await new Promise<void>((resolve) => secrets.listen(0, "127.0.0.1", resolve));
    vi.stubEnv("AWS_ACCESS_KEY_ID", "a");
    vi.stubEnv("AWS_SECRET_ACCESS_KEY", "b");
  });
  afterEach(async () => {
    stop.controller.abort();
    await stop.running;
    listening.stop();
    secrets.close();
    vi.unstubAllEnvs();
    rmSync(folder, { recursive: true });
  });

  const config = () =>
    loadConfig("no-file", {
      required: false,
      overrides: [
        ...["cert", "key"].map((name) => ({
          ...{ section: "stratum", key: `tls${name}`, value: join(folder, `${name}.pem`), from: "test" },
        })),
        { section: "aws", key: "edgesecret", value: "prosper/prod/edge", from: "test" },
      ],
    });

  function watch(source?: ReturnType<typeof certificateSecret>) {
    const watched = watchCertificate(
      config(),
      listening,
      { clock, logger, signal: stop.controller.signal },
      source,
    );
    if (watched === undefined) throw new Error("nothing to watch");
    stop.running = watched.running;
    return watched.watch;
  }

  /** What a new connection is shown. */
  function shown(): Promise<string> {
    return new Promise((resolve, reject) => {
      const socket = connectTls({ host: "127.0.0.1", port: listening.port, rejectUnauthorized: false });
      socket.once("error", reject);
      socket.once("secureConnect", () => {
        const text = socket.getPeerX509Certificate()?.toString() ?? "";
        socket.destroy();
        resolve(text);
      });
    });
  }

  it("is another one for new connections when its files have changed, without a restart", async () => {
    const watched = watch();
    await settle();
    expect(await shown()).toBe(TEST_CERT);
    writeFileSync(join(folder, "cert.pem"), NEW_CERT);
    writeFileSync(join(folder, "key.pem"), NEW_KEY);
    utimesSync(join(folder, "cert.pem"), new Date(), new Date(Date.now() + 10_000));
    clock.advance(60_000);
    await settle();
    expect(await shown()).toBe(NEW_CERT);
    expect(errors).toEqual([]);
    expect(watched.daysLeft()).toBeGreaterThan(36_500);
  });

  it("is another one when the secret has another, and stays while the secret cannot be read", async () => {
    const { port } = secrets.address() as AddressInfo;
    const endpoint = `http://127.0.0.1:${port}`;
    stored = undefined;
    watch(certificateSecret(config(), { region: "us-east-1", endpoint }));
    await expect.poll(shown).toBe(TEST_CERT);
    stored = JSON.stringify({ esAddress: "Es…", tlsCert: NEW_CERT, tlsKey: NEW_KEY });
    await expect
      .poll(async () => {
        clock.advance(5 * 60_000);
        return shown();
      })
      .toBe(NEW_CERT);
    expect(errors).toEqual([]);
  });

  it("stays in use where the new one does not work, and that is told once", async () => {
    watch();
    await settle();
    writeFileSync(join(folder, "cert.pem"), NEW_CERT);
    for (const ahead of [10_000, 20_000]) {
      utimesSync(join(folder, "cert.pem"), new Date(), new Date(Date.now() + ahead));
      clock.advance(60_000);
      await settle();
    }
    expect(await shown()).toBe(TEST_CERT);
    expect(errors).toEqual(["the renewed TLS certificate does not work: the former one stays in use"]);
  });

  it("has days left by the wall clock, below 0 when it is over", async () => {
    const watched = watch();
    const before = watched.daysLeft();
    clock.advance(30 * DAY_MS);
    expect(before - watched.daysLeft()).toBeCloseTo(30, 6);
    clock.advance(before * DAY_MS);
    expect(watched.daysLeft()).toBeLessThan(0);
  });
});
