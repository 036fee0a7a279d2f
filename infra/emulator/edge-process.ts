/** An edge beside the emulator: `prosper edge` as a process, as its container runs it, with the deployed queue and auth function. */

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { stringify } from "smol-toml";
import * as v from "valibot";
import { roleName } from "../../shared/db/roles.ts";
import { factoidAddress } from "../pool/key-addresses.ts";
import type { Cloud } from "./cloud.ts";
import { emulatorEnvironment } from "./deploy.ts";
import { firstLine, jsonLine, type Program } from "./process.ts";

export interface EdgeProcessOptions {
  readonly cloud: Cloud;
  readonly dataDir: string;
  readonly port: number;
  readonly blockSeconds: number;
  readonly lxrBits: number;
  readonly path: string;
  readonly home: string;
  readonly onLine?: (line: string) => void;
  /** A second port with TLS; the certificate as its container would get it, and the secret that a renewed one comes from. */
  readonly tls?: {
    readonly port: number;
    readonly cert: string;
    readonly key: string;
    readonly secret: string;
    /** How often the secret is looked at. */
    readonly every: string;
  };
}

export interface EdgeProcess {
  /** `host:port` */
  readonly stratum: string;
  readonly program: Program;
}

const PROSPER = join(import.meta.dirname, "../cli/main.ts");
const READY_MS = 60_000;
const ready = v.object({ event: v.literal("ready"), stratum: v.string() });

/** Resolves when it takes miners. Throws CodedError `program` with its last lines. */
export async function startEdgeProcess(options: EdgeProcessOptions): Promise<EdgeProcess> {
  const { cloud, dataDir, path, home } = options;
  mkdirSync(dataDir, { recursive: true });
  const config = join(dataDir, "prosper-pool.toml");
  writeFileSync(config, stringify(configOf(options)), { mode: 0o600 });
  const { program, value } = await firstLine(
    {
      name: "prosper edge",
      command: process.execPath,
      args: [PROSPER, "edge", "--json", "--config", config],
      env: {
        ...emulatorEnvironment(cloud.emulator.endpoint),
        PATH: path,
        HOME: home,
        DATABASE_URL: asEdge(cloud.databaseUrl),
        PROSPER_QUEUE_URL: cloud.outputs.QueueUrl,
        PROSPER_AUTH_FUNCTION: cloud.outputs.AuthFunction,
      },
      ...(options.onLine === undefined ? {} : { onLine: options.onLine }),
    },
    jsonLine(ready),
    READY_MS,
  );
  return { stratum: value.stratum, program };
}

/** With no more rights than an edge has on AWS. */
function asEdge(databaseUrl: string): string {
  const url = new URL(databaseUrl);
  url.searchParams.set("options", `-c role=${roleName("edge")}`);
  return url.href;
}

function configOf(options: EdgeProcessOptions): Record<string, Record<string, unknown>> {
  const { cloud, blockSeconds, lxrBits, dataDir, tls } = options;
  const [tlscert, tlskey] = ["cert.pem", "key.pem"].map((name) => join(dataDir, name));
  if (tls !== undefined) {
    writeFileSync(join(dataDir, "cert.pem"), tls.cert);
    writeFileSync(join(dataDir, "key.pem"), tls.key, { mode: 0o600 });
  }
  return {
    app: { datadir: dataDir, loglevel: "info" },
    aws: { drain: "1s", ...(tls && { edgesecret: tls.secret, edgesecretevery: tls.every }) },
    factom: { factomdlocation: cloud.devnet.factomd },
    pegnet: { blockperiod: `${blockSeconds}s`, startheight: 1000, activation: 0, lxrbits: lxrBits },
    pool: {
      esaddress: cloud.keys.es,
      oprcoinbase: factoidAddress(cloud.keys.fs),
      opridentity: "ProsperLocal",
    },
    stratum: {
      ...{ host: "127.0.0.1", stratumport: options.port },
      ...(tls && { tlsport: tls.port, tlscert, tlskey }),
    },
    roots: { publish: "on" },
    submit: { "ema-n": 6 },
    // Several edges are on this machine.
    web: { host: "127.0.0.1", port: 0 },
  };
}
