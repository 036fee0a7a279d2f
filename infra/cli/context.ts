/**
 * What every command is given: configuration, logger, folders, and ways to open the database, the table and factomd. What opens them is loaded when
 * it is needed: `--help` stays quick, and `prosper up` comes sooner to starting its PostgreSQL.
 */

import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import type { Command } from "commander";
import type { AwsOptions } from "../../shared/aws/call.ts";
import { systemClock } from "../../shared/clock.ts";
import type { Migration } from "../../shared/db/migrate.ts";
import type { Db } from "../../shared/db/port.ts";
import { CodedError } from "../../shared/errors.ts";
import type { LxrPool } from "../../shared/hash/pool.ts";
import type { SharedTable } from "../../shared/hash/shared-table.ts";
import type { Logger } from "../../shared/logger.ts";
import { loadConfig, type Override } from "../config/load.ts";
import type { Config } from "../config/schema.ts";
import { createLogger, type LogLevel } from "../pino-logger.ts";
import { readPasswordFile, withPassword } from "../pool/database-password.ts";
import { startPostgres } from "../pool/embedded-postgres.ts";
import { keepPostgres } from "../pool/postgres-keeper.ts";
import { databasePlace, type WhichPool, whichPool, whichPoolLines } from "../pool/which-pool.ts";
import type { ShownTableModules } from "./open-table.ts";

/** The flags of the reference that every command takes, as commander parsed them. */
export interface GlobalFlags {
  config?: string;
  log?: string;
  phost?: string;
  pport?: number;
  fhost?: string;
  sport?: number;
  rauth?: boolean;
  checkallshares?: boolean;
  testing?: boolean;
  act?: number;
  profile?: boolean;
}

/** Flag, section and key of the setting it overrides. */
const FLAG_SETTINGS: [keyof GlobalFlags, string, string][] = [
  ["log", "app", "loglevel"],
  ["phost", "database", "host"],
  ["pport", "database", "port"],
  ["fhost", "factom", "factomdlocation"],
  ["sport", "stratum", "stratumport"],
  ["rauth", "stratum", "requireauth"],
  ["checkallshares", "stratum", "validateallshares"],
];

/** Variable, section and key of the setting it overrides; a flag for it would win. */
const ENV_SETTINGS: [string, string, string][] = [
  ["PROSPER_QUEUE_URL", "aws", "queueurl"],
  ["PROSPER_AUTH_FUNCTION", "aws", "authfunction"],
  ["PROSPER_SMTP", "alerts", "smtp"],
  ["PROSPER_HEARTBEAT", "alerts", "heartbeaturl"],
  ["PROSPER_ARCHIVE", "archive", "folder"],
  ["AWS_REGION", "archive", "region"],
];

export const PROSPER_HOME = join(homedir(), ".prosper");
export const DEFAULT_CONFIG = join(PROSPER_HOME, "prosper-pool.toml");
/** Where `prosper up` keeps its devnet pool. */
export const DEFAULT_DATA_DIR = join(PROSPER_HOME, "devnet");
/** Where `prosper edge` keeps its journal, unless `app.datadir` names another. */
export const EDGE_DATA_DIR = join(PROSPER_HOME, "data");

/**
 * What is done about the database's schema when it is opened: brought to this version, only checked (CodedError `db-migration` where something
 * is missing), or left to the command.
 */
export type SchemaCare = "migrate" | "check" | "leave";

export interface OpenDatabaseOptions {
  readonly owned?: boolean;
  /** Undefined: checked over the Data API, else migrated. */
  readonly schema?: SchemaCare;
  readonly announce?: (pool: WhichPool) => void;
}

/** For a person, and beside what a program reads from standard output. */
export function announcePool(pool: WhichPool): void {
  for (const line of whichPoolLines(pool)) process.stderr.write(`${line}\n`);
}

/** For what runs until it is stopped: lines of its log. */
export function logPool(logger: Logger): (pool: WhichPool) => void {
  return (pool) => {
    for (const line of whichPoolLines(pool)) logger.info(line, { ...pool });
  };
}

/** What each group of commands is built with. */
export interface ProgramParts {
  /** The context of a command that is running, from the flags of the whole tree. */
  contextOf(command: Command): CliContext;
}

export class CliContext {
  readonly config: Config;
  readonly env: NodeJS.ProcessEnv;

  constructor(flags: GlobalFlags, env: NodeJS.ProcessEnv) {
    this.env = env;
    const overrides: Override[] = [];
    for (const [name, section, key] of ENV_SETTINGS) {
      const value = env[name];
      if (value !== undefined && value !== "") overrides.push({ section, key, value, from: name });
    }
    for (const [flag, section, key] of FLAG_SETTINGS) {
      const value = flags[flag];
      if (value !== undefined) overrides.push({ section, key, value, from: `--${flag}` });
    }
    if (flags.testing)
      overrides.push({ section: "pegnet", key: "activation", value: flags.act ?? 0, from: "--act" });
    this.config = loadConfig(resolve(flags.config ?? DEFAULT_CONFIG), {
      required: flags.config !== undefined,
      overrides,
    });
  }

  logger(file?: string): Logger {
    const level: LogLevel = this.config.app.loglevel;
    return createLogger(file === undefined ? { level } : { level, file });
  }

  /**
   * A cluster on AWS behind the RDS Data API, for use outside its network. Named by the functions' variables.
   */
  #dataApi(): { resourceArn: string; secretArn: string; database: string } | undefined {
    const {
      DATABASE_CLUSTER_ARN: resourceArn = "",
      DATABASE_SECRET_ARN: secretArn = "",
      DATABASE_NAME: database = "prosper",
    } = this.env;
    if (resourceArn === "" && secretArn === "") return undefined;
    if (resourceArn !== "" && secretArn !== "") return { resourceArn, secretArn, database };
    throw new CodedError(
      "config",
      "DATABASE_CLUSTER_ARN and DATABASE_SECRET_ARN: expected both or neither (the stack Prosper-STAGE-data prints them)",
    );
  }

  /** Where AWS's services are: by the variables that AWS's own clients read. */
  aws(): AwsOptions {
    const { AWS_REGION: region = "us-east-1", AWS_ENDPOINT_URL: endpoint } = this.env;
    return { region, endpoint };
  }

  /** Whether a server is configured. If not, the embedded one is used. */
  hasDatabase(): boolean {
    return this.#dataApi() !== undefined || this.databaseUrl() !== undefined;
  }

  /** Address of a server that the operator runs; undefined for the embedded one. */
  databaseUrl(): string | undefined {
    const address = this.#databaseAddress();
    const { passwordfile: file } = this.config.database;
    return address === undefined || file === "" ? address : withPassword(address, readPasswordFile(file));
  }

  #databaseAddress(): string | undefined {
    const { url, host, port, dbname, username, password } = this.config.database;
    const fromEnv = this.env["DATABASE_URL"];
    if (url !== "") return postgresUrl(url, "database.url");
    if (host !== "") {
      const account = `${encodeURIComponent(username)}:${encodeURIComponent(password)}`;
      return `postgres://${account}@${host}:${port}/${encodeURIComponent(dbname)}`;
    }
    return fromEnv === undefined || fromEnv === "" ? undefined : postgresUrl(fromEnv, "DATABASE_URL");
  }

  /**
   * Folder of the pool that a command reads or changes, where no flag names one. Throws CodedError `which-pool` where there are two and nothing
   * says which: a payout of the wrong one would be looked for in vain.
   */
  poolFolder(): string {
    const named = this.#namedFolder();
    if (named !== undefined) return named;
    const [edge, devnet] = [this.edgeFolder(), DEFAULT_DATA_DIR];
    // A server of its own has the books; the rest of that pool is where an edge is, and no embedded server.
    if (this.hasDatabase())
      return [edge, devnet].find((dir) => existsSync(join(dir, "edge")) && !hasPostgres(dir)) ?? devnet;
    if (!hasPostgres(edge)) return devnet;
    if (this.config.app.datadir !== "" || !hasPostgres(devnet)) return edge;
    throw new CodedError(
      "which-pool",
      `there is a pool in ${edge} and one in ${devnet}: name the folder of the one you mean with --data-dir or PROSPER_DATA_DIR`,
    );
  }

  /** Folder of `prosper edge` and its parts, where no flag names one. */
  edgeFolder(): string {
    return this.#namedFolder() ?? resolve(this.config.app.datadir || EDGE_DATA_DIR);
  }

  /** Folder of `prosper up`, and of what an offline machine remembers, where no flag names one. */
  ownFolder(): string {
    return this.#namedFolder() ?? DEFAULT_DATA_DIR;
  }

  #namedFolder(): string | undefined {
    const { PROSPER_DATA_DIR: folder = "" } = this.env;
    return folder === "" ? undefined : resolve(folder);
  }

  /**
   * The pool's database: the cluster behind the Data API, whose schema is only checked, since its deployment changes it; the configured
   * server, else the embedded one under `dataDir`, migrated. An embedded server that ran already is left running, unless it is `owned`. Before anything is changed `announce` is told
   * which pool it is; by default standard error is.
   */
  async openDatabase(
    dataDir: string,
    logger: Logger,
    { owned = false, schema, announce = announcePool }: OpenDatabaseOptions = {},
  ): Promise<{ db: Db; url: string; close: () => Promise<void> }> {
    const dataApi = this.#dataApi();
    const begin = async (db: Db, where: string): Promise<void> => {
      const care = schema ?? (dataApi === undefined ? "migrate" : "check");
      const { loadMigrations } = await import("../../shared/db/migrate.ts");
      const known = loadMigrations();
      const migrations = care === "migrate" ? known : [];
      announce(await whichPool(db, { name: this.config.pool.opridentity, where, migrations }));
      await careFor(db, care, known);
    };
    if (dataApi !== undefined) {
      const { openDataApi } = await import("../../shared/db/drivers/data-api.ts");
      const db = openDataApi(dataApi, { clock: systemClock });
      await begin(db, `${dataApi.database} of ${dataApi.resourceArn}`);
      return { db, url: dataApi.resourceArn, close: async () => db.close() };
    }
    const { openRenewed } = await import("../pool/renewed-database.ts");
    const url = this.databaseUrl();
    const embedded = url === undefined ? await startPostgres({ dir: join(dataDir, "postgres") }) : undefined;
    const address = url ?? embedded?.url ?? "";
    if (embedded?.adopted) logger.debug("using the PostgreSQL that runs already");
    const ours = embedded !== undefined && (owned || !embedded.adopted) ? embedded : undefined;
    const keeper = ours === undefined ? undefined : keepPostgres(ours, { clock: systemClock, logger });
    const db = openRenewed(this.config, address, { aws: this.aws(), clock: systemClock, logger });
    await begin(db, databasePlace(address, url === undefined ? dataDir : undefined)).catch(
      async (error: unknown) => {
        await keeper?.stop();
        await db.close();
        throw error;
      },
    );
    const close = async (): Promise<void> => {
      await db.close();
      await keeper?.stop();
      await ours?.stop();
    };
    return { db, url: address, close };
  }

  /** The LXR table, made with a progress bar the first time. */
  async openTable(bits: number, modules: ShownTableModules): Promise<SharedTable> {
    const { openShownTable } = await import("./open-table.ts");
    const { tabledir } = this.config.app;
    return openShownTable({ bits, dir: tabledir, native: this.env["PROSPER_NATIVE"] }, modules);
  }

  /** A pool of hashing threads over the table. */
  async openHasher(
    bits: number,
    threads: number,
    modules: { logger: Logger; signal?: AbortSignal },
  ): Promise<LxrPool> {
    const table = await this.openTable(bits, modules);
    const { LxrPool } = await import("../../shared/hash/pool.ts");
    return new LxrPool({ table, threads }, modules);
  }
}

/** True where an embedded server has its cluster below the folder. */
export function hasPostgres(dataDir: string): boolean {
  return existsSync(join(dataDir, "postgres"));
}

async function careFor(db: Db, care: SchemaCare, migrations: readonly Migration[]): Promise<void> {
  if (care === "leave") return;
  const { migrate } = await import("../../shared/db/migrate.ts");
  if (care === "migrate") return void (await migrate(db, migrations));
  const { checkSchema } = await import("../../shared/db/schema-check.ts");
  await checkSchema(db, migrations);
}

/** The address as it is. Throws CodedError `config`, without the password that may stand in it. */
function postgresUrl(url: string, from: string): string {
  const parsed = URL.parse(url);
  if (parsed?.protocol === "postgres:" || parsed?.protocol === "postgresql:") return url;
  throw new CodedError("config", `${from}: expected an address like postgres://user:password@host:5432/name`);
}
