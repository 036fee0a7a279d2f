/** The certificate of the running TLS listener: renewed without a restart when its source has another, and known by the days that it has left. */

import { X509Certificate } from "node:crypto";
import { statSync } from "node:fs";
import * as v from "valibot";
import type { Listening, TlsKeys } from "../../edge/stratum/listener.ts";
import type { AwsOptions } from "../../shared/aws/call.ts";
import { readSecret } from "../../shared/aws/secret.ts";
import type { Clock } from "../../shared/clock.ts";
import { CodedError, coerceError } from "../../shared/errors.ts";
import type { Logger } from "../../shared/logger.ts";
import { runEvery } from "../../shared/run-every.ts";
import type { Config } from "../config/schema.ts";
import { readTlsKeys } from "./stratum-settings.ts";

/** Where the certificate comes from. */
export interface CertificateSource {
  readonly name: string;
  readonly everyMs: number;
  /** What it holds now; undefined: nothing, or nothing new. */
  read(): Promise<TlsKeys | undefined>;
}

export interface CertificateModules {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly signal: AbortSignal;
}

const DAY_MS = 24 * 3_600_000;
const LOOK_AGAIN_MS = 60_000;

/** The files that the configuration names; they are read when they have changed. Undefined without TLS. */
export function certificateFiles(config: Config): CertificateSource | undefined {
  const { tlscert, tlskey } = config.stratum;
  if (tlscert === "") return undefined;
  const changedMs = (): number => Math.max(...[tlscert, tlskey].map((file) => statSync(file).mtimeMs));
  let readMs = changedMs();
  return {
    name: tlscert,
    everyMs: LOOK_AGAIN_MS,
    read: async () => {
      const nowMs = changedMs();
      if (nowMs === readMs) return undefined;
      readMs = nowMs;
      return readTlsKeys(config);
    },
  };
}

const fields = v.pipe(v.string(), v.parseJson(), v.object({ tlsCert: v.string(), tlsKey: v.string() }));

/** The secret that the configuration names: its fields `tlsCert` and `tlsKey` are PEM texts. Undefined where none is named. */
export function certificateSecret({ aws }: Config, options: AwsOptions): CertificateSource | undefined {
  const { edgesecret: name, edgesecretevery: everyMs } = aws;
  if (name === "") return undefined;
  return {
    name,
    everyMs,
    read: async () => {
      const parsed = v.safeParse(fields, await readSecret(options, name));
      if (parsed.success) return { cert: parsed.output.tlsCert, key: parsed.output.tlsKey };
      throw new CodedError("config", `the secret ${name}: expected JSON with tlsCert and tlsKey`);
    },
  };
}

export class CertificateWatch {
  readonly #listening: Pick<Listening, "renew">;
  readonly #modules: CertificateModules;
  /** In use. */
  #used: TlsKeys;
  /** What was tried last, so that what does not work is told once. */
  #tried: TlsKeys;

  constructor(used: TlsKeys, listening: Pick<Listening, "renew">, modules: CertificateModules) {
    this.#used = used;
    this.#tried = used;
    this.#listening = listening;
    this.#modules = modules;
  }

  /** Until the certificate in use ends; negative after it. */
  daysLeft(): number {
    const endMs = new X509Certificate(this.#used.cert).validToDate.getTime();
    return (endMs - this.#modules.clock.wallMs()) / DAY_MS;
  }

  /** Looks until the signal. What does not work leaves the certificate in use as it is, and is an error told once. */
  run(source: CertificateSource): Promise<void> {
    const look = async (): Promise<void> => {
      const found = await source.read();
      if (found !== undefined) this.#take(found, source.name);
    };
    return runEvery({ name: "certificate", everyMs: source.everyMs, run: look }, this.#modules);
  }

  #take(found: TlsKeys, from: string): void {
    if (found.cert === this.#tried.cert && found.key === this.#tried.key) return;
    this.#tried = found;
    const { logger } = this.#modules;
    try {
      this.#listening.renew(found);
    } catch (thrown) {
      logger.error("the renewed TLS certificate does not work: the former one stays in use", {
        from,
        problem: coerceError(thrown).message,
      });
      return;
    }
    this.#used = found;
    logger.info("the TLS certificate was renewed", { from, days: Math.floor(this.daysLeft()) });
  }
}

/** Watches the listener's certificate until the signal; undefined without TLS. `source` in the place of the configuration's files. */
export function watchCertificate(
  config: Config,
  listening: Pick<Listening, "renew"> | undefined,
  modules: CertificateModules,
  source: CertificateSource | undefined = certificateFiles(config),
): { readonly watch: CertificateWatch; readonly running: Promise<void> } | undefined {
  const keys = listening === undefined ? undefined : readTlsKeys(config);
  if (listening === undefined || keys === undefined || source === undefined) return undefined;
  const watch = new CertificateWatch(keys, listening, modules);
  return { watch, running: watch.run(source) };
}
