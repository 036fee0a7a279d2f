/** From the configuration to the edge's stratum settings: listeners, limits, the certificate at the start. */

import { readFileSync } from "node:fs";
import type { EdgeOptions } from "../../edge/edge.ts";
import type { TlsKeys } from "../../edge/stratum/listener.ts";
import type { StratumSettings } from "../../edge/stratum/settings.ts";
import { CodedError } from "../../shared/errors.ts";
import type { Config } from "../config/schema.ts";
import { whyUnread } from "../durable-file.ts";

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
    throw new CodedError("config", `stratum.${setting} = ${file}: ${whyUnread(thrown)}`, {
      cause: thrown,
    });
  }
}
