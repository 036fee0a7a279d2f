/** From the configuration to the edge's stratum settings: listeners, limits, certificate. */

import { readFileSync, statSync } from "node:fs";
import type { EdgeOptions } from "../../edge/edge.ts";
import type { Listening, TlsKeys } from "../../edge/stratum/listener.ts";
import type { StratumSettings } from "../../edge/stratum/settings.ts";
import type { Clock } from "../../shared/clock.ts";
import { CodedError, coerceError } from "../../shared/errors.ts";
import type { Logger } from "../../shared/logger.ts";
import { runEvery } from "../../shared/run-every.ts";
import type { Config } from "../config/schema.ts";

type StratumOptions = Pick<EdgeOptions, "listen" | "listenTls" | "stratum" | "guesses">;

/** Throws CodedError `config` where a file of the certificate is missing or not named. */
export function stratumOptions(config: Config): StratumOptions {
  const { stratum } = config;
  const tls = readTlsKeys(config);
  const shared = { host: stratum.host, proxies: stratum.proxysources };
  return {
    listen: { ...shared, port: stratum.stratumport },
    ...(tls === undefined ? {} : { listenTls: { ...shared, port: stratum.tlsport, tls } }),
    stratum: limits(config),
    guesses: { free: stratum.loginfailures, everyMs: stratum.loginlockout },
  };
}

function limits({ stratum }: Config): Partial<StratumSettings> {
  return {
    welcomeMessage: stratum.welcomemessage,
    maxConnections: stratum.maxconnections,
    maxConnectionsPerAddress: stratum.maxperaddress,
    // A balancer's own connections are health checks.
    exemptAddresses: [...stratum.exemptaddresses, ...stratum.proxysources],
    lineDeadlineMs: stratum.linedeadline,
    authorizeDeadlineMs: stratum.authorizedeadline,
    idleMs: stratum.idletimeout,
    sharelessMs: stratum.sharelesstimeout,
    heartbeatMs: stratum.heartbeat,
    maxUnsentBytes: stratum.maxunsent,
    stuckMs: stratum.stucktimeout,
    maxInFlight: stratum.maxinflight,
    linesPerSecond: stratum.linespersecond,
    lineBurst: stratum.lineburst,
    userSharesPerSecond: stratum.usersharespersecond,
    malformedLimit: stratum.malformedlimit,
    invalidWindow: stratum.invalidwindow,
    banMs: stratum.banduration,
  };
}

/** The certificate and key that the configuration names; undefined where it names none. */
export function readTlsKeys({ stratum }: Config): TlsKeys | undefined {
  const { tlscert, tlskey } = stratum;
  if (tlscert === "" && tlskey === "") return undefined;
  if (tlscert === "" || tlskey === "")
    throw new CodedError(
      "config",
      `stratum.${tlscert === "" ? "tlscert" : "tlskey"} is not set: TLS needs a certificate and its key`,
    );
  return { cert: readPem("tlscert", tlscert), key: readPem("tlskey", tlskey) };
}

function readPem(setting: string, file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (thrown) {
    throw new CodedError("config", `stratum.${setting} = ${file}: ${coerceError(thrown).message}`, {
      cause: thrown,
    });
  }
}

const LOOK_AGAIN_MS = 60_000;

/**
 * Gives the listener the certificate's files again when they change, until the signal. Files that do not work
 * leave the certificate before them in use.
 */
export function renewCertificate(
  config: Config,
  listening: Listening | undefined,
  modules: { readonly clock: Clock; readonly logger: Logger; readonly signal: AbortSignal },
): Promise<void> {
  if (listening === undefined) return Promise.resolve();
  const { tlscert, tlskey } = config.stratum;
  const changedMs = (): number => Math.max(...[tlscert, tlskey].map((file) => statSync(file).mtimeMs));
  let usedMs = changedMs();
  return runEvery(
    {
      name: "certificate",
      everyMs: LOOK_AGAIN_MS,
      run: async () => {
        const nowMs = changedMs();
        const keys = nowMs === usedMs ? undefined : readTlsKeys(config);
        if (keys === undefined) return;
        listening.renew(keys);
        usedMs = nowMs;
        modules.logger.info("the TLS certificate was renewed", { file: tlscert });
      },
    },
    modules,
  );
}
