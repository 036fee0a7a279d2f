/** The settings of an edge's container: its configuration file as one variable, and what the image promises. */

import { stringify } from "smol-toml";
import type { Role } from "../../shared/db/roles.ts";
import { TRY_KEYS } from "./devnet.ts";
import { HEALTH_PORT, STRATUM_PORT, STRATUM_TLS_PORT, type Stage, VPC_CIDR } from "./stages.ts";

/** What edge/Dockerfile makes. */
export const CONTAINER = {
  user: "10001:10001",
  dataDir: "/data",
  tableDir: "/table",
  healthCommand: ["node", "/app/edge/image/health.ts", `${HEALTH_PORT}`, "/livez"],
} as const;

/** The secret that the operator makes before the first deployment: esAddress, and with TLS tlsCert and tlsKey. */
export function edgeSecretName(stage: Stage): string {
  return `prosper/${stage.name}/edge`;
}

/** A password is sent to Aurora only where its certificate says that it is Aurora. */
export const DATABASE_VARIABLES = { DATABASE_SSLMODE: "verify-full" } as const;

/** Of one of the database's roles. */
export function databaseSecretName({ name }: Stage, role: Role): string {
  return `prosper/${name}/database-${role}`;
}

export interface EdgeSettings {
  readonly stage: Stage;
  readonly queueUrl: string;
  readonly authFunction: string;
  readonly region: string;
}

/** The variables of an edge's container; secrets come beside them. */
export function edgeEnvironment(settings: EdgeSettings): Record<string, string> {
  const { stage } = settings;
  return {
    PROSPER_CONFIG: stringify(edgeConfig(stage)),
    PROSPER_QUEUE_URL: settings.queueUrl,
    PROSPER_AUTH_FUNCTION: settings.authFunction,
    AWS_REGION: settings.region,
    ...DATABASE_VARIABLES,
    ...(stage.devnet === undefined ? {} : { PROSPER_ES_ADDRESS: TRY_KEYS.es }),
  };
}

/** Sections and keys as `prosper config` writes them. */
export function edgeConfig(stage: Stage): Record<string, Record<string, unknown>> {
  const { pool, edge, prices } = stage;
  return {
    aws: {
      stage: stage.name,
      databasesecret: databaseSecretName(stage, "edge"),
      ...(edge.hasTls ? { edgesecret: edgeSecretName(stage) } : {}),
    },
    app: { datadir: CONTAINER.dataDir, tabledir: CONTAINER.tableDir },
    factom: { factomdlocation: pool.factomd },
    pegnet: {
      blockperiod: `${pool.blockSeconds}s`,
      startheight: pool.startHeight,
      activation: pool.activation,
      lxrbits: pool.lxrBits,
    },
    polling: { staleduration: `${prices.staleSeconds}s`, rule: prices.rule },
    pool: {
      oprcoinbase: pool.coinbase,
      opridentity: pool.name,
      poolfeerate: pool.feeRate,
      registration: pool.registration,
    },
    stratum: {
      host: "0.0.0.0",
      stratumport: STRATUM_PORT,
      ...(edge.hasTls ? { tlsport: STRATUM_TLS_PORT } : {}),
      proxysources: VPC_CIDR,
      maxconnections: edge.maxConnections,
      // The pages run elsewhere and cannot look into an edge's files, which die with its task.
      sharehistory: "0s",
    },
    roots: { publish: stage.roots === undefined ? "off" : "on" },
    web: { host: "0.0.0.0", port: HEALTH_PORT },
  };
}
