/** A miner's settings: what each may be, and the one that holds: a flag's, else the environment's, else the file's. */

import * as v from "valibot";
import type { PoolAddress } from "../../../edge/miner/dial.ts";
import { hostAndPort } from "../../../edge/stratum/listen-on.ts";
import { CodedError } from "../../../shared/errors.ts";
import { USER_NAME, WORKER_NAME } from "../../../shared/messages/stratum.ts";
import { nearest } from "../../config/nearest.ts";
import { readToml } from "../../config/toml.ts";
import { flag, whole } from "../../config/values.ts";

export interface MinerSettings {
  readonly pools: readonly [PoolSettings, ...PoolSettings[]];
  /** Undefined: one for each core. */
  readonly threads: number | undefined;
  readonly duty: number;
  /** Table size; the pool's unless given. */
  readonly bits: number | undefined;
  /** Where the HTTP interface listens; port 0 picks a free one. */
  readonly http: { readonly host: string; readonly port: number } | undefined;
  readonly token: string | undefined;
  readonly plain: boolean;
  /** Address of the pool's pages, and a token that reads there what the user is owed. */
  readonly account: URL | undefined;
  readonly accountToken: string | undefined;
}

export interface PoolSettings extends PoolAddress {
  readonly user: string;
  readonly worker: string;
}

/** As commander gives them. */
export interface MinerSettingFlags {
  host?: string;
  url?: string[];
  tls?: boolean;
  user?: string;
  worker?: string;
  threads?: number;
  duty?: number;
  bits?: number;
  http?: string;
  plain?: boolean;
  account?: string;
  /** The file. */
  settings?: string;
}

const MOST_POOLS = 16;
const DEFAULT_POOL = "localhost:1234";
const POOL = /^(?:stratum\+(tcp|ssl):\/\/)?(?:\[([0-9a-f:]+)\]|([^:/[\]]+)):(\d{1,5})\/?$/i;
const POOL_EXPECTED = "expected HOST:PORT such as pool.example.com:1234, or stratum+ssl://HOST:PORT";

/** `tls` is undefined where the address does not say. */
const poolUrl = v.pipe(
  v.string(POOL_EXPECTED),
  v.rawTransform(({ dataset, addIssue, NEVER }) => {
    const [, scheme, v6, name = "", digits] = POOL.exec(dataset.value) ?? [];
    const port = Number(digits);
    if (port >= 1 && port <= 65_535)
      return { host: v6 ?? name, port, tls: scheme === undefined ? undefined : /ssl/i.test(scheme) };
    addIssue({ message: POOL_EXPECTED });
    return NEVER;
  }),
);
const LISTEN_EXPECTED = "expected HOST:PORT such as 127.0.0.1:8080 (port 0 picks a free one)";
const listenAddress = v.pipe(
  v.string(LISTEN_EXPECTED),
  v.rawTransform(({ dataset, addIssue, NEVER }) => {
    const [, scheme, v6, name = "", digits] = POOL.exec(dataset.value) ?? [];
    const port = Number(digits);
    if (scheme === undefined && port <= 65_535) return { host: v6 ?? name, port };
    addIssue({ message: LISTEN_EXPECTED });
    return NEVER;
  }),
);
const webAddress = v.pipe(
  v.string("expected the address of the pool's pages, https://…"),
  v.check(
    (text) => /^https?:$/.test(URL.parse(text)?.protocol ?? ""),
    "expected the address of the pool's pages, https://…",
  ),
  v.transform((text) => new URL(text)),
);
const userName = v.pipe(
  v.string("expected text"),
  v.regex(USER_NAME, "expected 1 to 254 visible ASCII characters without a comma"),
);
const workerName = v.pipe(
  v.string("expected text"),
  v.regex(WORKER_NAME, "expected at most 64 visible ASCII characters without a comma"),
);
const part = v.pipe(
  v.number("expected a number above 0 and up to 1"),
  v.gtValue(0, "expected a number above 0 and up to 1"),
  v.maxValue(1, "expected a number above 0 and up to 1"),
);
const token = v.pipe(
  v.string("expected text"),
  v.minLength(1, "it is empty"),
  v.maxLength(1_000, "it is too long"),
);

/** One setting; its key in the file is its name in small letters. */
interface Row {
  readonly schema: v.GenericSchema;
  readonly env: string;
  readonly help: string;
  /** What the example shows where nothing is set. */
  readonly example: string | number | boolean;
  /** No message shows it, and no flag takes it. */
  readonly isSecret?: true;
}

/** In the order of the file. */
export const ROWS = {
  user: {
    ...{ schema: userName, env: "PROSPER_MINER_USER", example: "ann" },
    help: "The account that is credited",
  },
  worker: { schema: workerName, env: "PROSPER_MINER_WORKER", example: "rig1", help: "This machine's name" },
  threads: {
    ...{ schema: whole(1, 61), env: "PROSPER_MINER_THREADS", example: 4 },
    help: "Hashing threads; without it one for each core",
  },
  duty: {
    ...{ schema: part, env: "PROSPER_MINER_DUTY", example: 1 },
    help: "Part of the time each thread computes, above 0 and up to 1",
  },
  bits: {
    ...{ schema: whole(8, 30), env: "PROSPER_MINER_BITS", example: 30 },
    help: "Table size, 8 to 30; without it what the pool tells, else 30",
  },
  http: {
    ...{ schema: listenAddress, env: "PROSPER_MINER_HTTP", example: "127.0.0.1:8080" },
    help: "Figures for rig managers are answered there, as xmrig does",
  },
  token: {
    ...{ schema: token, env: "PROSPER_MINER_TOKEN", example: "a long secret", isSecret: true },
    help: "Who has it may read these figures, and pause, resume and stop the miner; without it everybody may read",
  },
  plain: {
    ...{ schema: flag, env: "PROSPER_MINER_PLAIN", example: true },
    help: "Lines on a terminal too",
  },
  account: {
    ...{ schema: webAddress, env: "PROSPER_MINER_ACCOUNT", example: "https://pool.example.com" },
    help: "The pool's pages: there the miner asks each minute what you are owed, and shows it",
  },
  accountToken: {
    ...{ schema: token, env: "PROSPER_MINER_ACCOUNT_TOKEN", example: "pt_…", isSecret: true },
    help: "A token for that, of the page Account; it can only read",
  },
} as const satisfies Record<string, Row>;

type Name = keyof typeof ROWS;
const NAMES = Object.keys(ROWS) as Name[];

const FILE_KEYS = [...NAMES.map((name) => name.toLowerCase()), "pools"];
const POOL_KEYS = ["url", "user", "worker"];

/** Where a value came from, for messages: `--threads`, a variable, or a key of the file. */
interface Found {
  readonly from: string;
  readonly value: unknown;
}

/** Throws CodedError `config` with a line for each problem. Reads the file that the flags name, if any. */
export function readMinerSettings(flags: MinerSettingFlags, env: NodeJS.ProcessEnv): MinerSettings {
  const problems: string[] = [];
  const file = flags.settings ?? "";
  const tree =
    file === ""
      ? {}
      : (readToml(file, { required: true, advice: `--write-config ${file} writes an example` }) ?? {});
  rejectUnknown(tree, FILE_KEYS, `${file}:`, problems);
  const at = (name: Name): Found | undefined => find(name, { flags, env, tree, file });
  // One that is a flag or a variable holds at every pool, whatever the file says of each.
  const outside = { flags, env, tree: {}, file };
  const fixed = { user: find("user", outside), worker: find("worker", outside) };
  const pools = foundPools({ flags, env, tree, file }, problems).map((pool) => {
    const own = (name: "user" | "worker"): string => {
      const found = fixed[name] ?? pool[name] ?? inFile(name, tree, file);
      if (found === undefined)
        problems.push(
          `--${name} is missing: give it, or set ${ROWS[name].env}, or ${name} in the file of --settings`,
        );
      return check(ROWS[name], found, problems) ?? "";
    };
    const tls = pool.address.tls ?? flags.tls === true;
    return { ...pool.address, tls, user: own("user"), worker: own("worker") };
  });
  const rest = {
    threads: check(ROWS.threads, at("threads"), problems),
    duty: check(ROWS.duty, at("duty"), problems) ?? 1,
    bits: check(ROWS.bits, at("bits"), problems),
    http: check(ROWS.http, at("http"), problems),
    token: check(ROWS.token, at("token"), problems),
    plain: check(ROWS.plain, at("plain"), problems) ?? false,
    account: check(ROWS.account, at("account"), problems),
    accountToken: check(ROWS.accountToken, at("accountToken"), problems),
  };
  if (problems.length === 0 && (rest.account === undefined) !== (rest.accountToken === undefined))
    problems.push(
      `what you are owed is asked for with both: the address (--account) and a token (${ROWS.accountToken.env}, or accounttoken in the file)`,
    );
  const [first, ...others] = pools;
  if (problems.length > 0 || first === undefined)
    throw new CodedError("config", [...new Set(problems)].join("\n"));
  return { pools: [first, ...others], ...rest };
}

/** As the flag --url and the file have it. */
export function poolUrlOf({ host, port, tls }: PoolAddress): string {
  return `stratum+${tls ? "ssl" : "tcp"}://${hostAndPort(host, port)}`;
}

interface Sources {
  readonly flags: MinerSettingFlags;
  readonly env: NodeJS.ProcessEnv;
  readonly tree: Readonly<Record<string, unknown>>;
  readonly file: string;
}

function find(name: Name, { flags, env, tree, file }: Sources): Found | undefined {
  const given = name === "token" || name === "accountToken" ? undefined : flags[name];
  if (given !== undefined) return { from: `--${name}`, value: given };
  const variable = ROWS[name].env;
  const text = env[variable] ?? "";
  if (text !== "") return { from: variable, value: typed(text, ROWS[name].example) };
  return inFile(name, tree, file);
}

function inFile(name: Name, tree: Sources["tree"], file: string): Found | undefined {
  const value = tree[name.toLowerCase()];
  return value === undefined ? undefined : { from: `${file}: ${name.toLowerCase()}`, value };
}

/** A variable is text; what is no number or truth value stays so, and is named by the schema. */
function typed(text: string, example: string | number | boolean): unknown {
  if (typeof example === "number")
    return text.trim() === "" || Number.isNaN(Number(text)) ? text : Number(text);
  return typeof example === "boolean" && /^(true|false)$/.test(text) ? text === "true" : text;
}

function check<Output>(
  { schema, isSecret }: { readonly schema: v.GenericSchema<unknown, Output>; readonly isSecret?: true },
  found: Found | undefined,
  problems: string[],
): Output | undefined {
  if (found === undefined) return undefined;
  const parsed = v.safeParse(schema, found.value);
  if (parsed.success) return parsed.output;
  const got = isSecret ? "" : `, got ${JSON.stringify(found.value)}`;
  problems.push(`${found.from}: ${parsed.issues[0].message}${got}`);
  return undefined;
}

interface FoundPool {
  readonly address: { readonly host: string; readonly port: number; readonly tls: boolean | undefined };
  readonly user?: Found;
  readonly worker?: Found;
}

/** The list of flags, else of the environment, else of the file: never parts of two. */
function foundPools({ flags, env, tree, file }: Sources, problems: string[]): FoundPool[] {
  const { PROSPER_MINER_URL: listed = "" } = env;
  if (flags.host !== undefined && flags.url !== undefined)
    problems.push("--host and --url: give one of them; --url may be given several times");
  const urls: Found[] | undefined =
    flags.url?.map((value) => ({ from: "--url", value })) ??
    (flags.host === undefined ? undefined : [{ from: "--host", value: flags.host }]) ??
    (listed === ""
      ? undefined
      : listed.split(",").map((value) => ({ from: "PROSPER_MINER_URL", value: value.trim() })));
  const rows = urls?.map((url) => ({ url })) ??
    poolsInFile(tree, file, problems) ?? [{ url: { from: "--host", value: DEFAULT_POOL } }];
  if (rows.length > MOST_POOLS)
    problems.push(`${rows[0]?.url.from}: expected ${MOST_POOLS} pools at most, got ${rows.length}`);
  return rows.flatMap(({ url, ...names }) => {
    const address = check({ schema: poolUrl }, url, problems);
    return address === undefined ? [] : [{ address, ...names }];
  });
}

function poolsInFile(
  tree: Sources["tree"],
  file: string,
  problems: string[],
): ({ url: Found } & Pick<FoundPool, "user" | "worker">)[] | undefined {
  const { pools } = tree;
  if (pools === undefined) return undefined;
  const parsed = v.safeParse(v.pipe(v.array(v.record(v.string(), v.unknown())), v.minLength(1)), pools);
  if (!parsed.success) {
    problems.push(`${file}: pools: expected [[pools]], each with a line url = "HOST:PORT" below it`);
    return undefined;
  }
  return parsed.output.map((pool, n) => {
    const at = `${file}: pools[${n + 1}]`;
    rejectUnknown(pool, POOL_KEYS, `${at}:`, problems);
    const own = (name: "user" | "worker"): { [name: string]: Found } =>
      pool[name] === undefined ? {} : { [name]: { from: `${at}: ${name}`, value: pool[name] } };
    return { url: { from: `${at}: url`, value: pool["url"] }, ...own("user"), ...own("worker") };
  });
}

function rejectUnknown(
  tree: Readonly<Record<string, unknown>>,
  known: readonly string[],
  at: string,
  problems: string[],
): void {
  for (const key of Object.keys(tree))
    if (!known.includes(key)) problems.push(`${at} ${key} is not a setting. ${nearest(key, known)}`);
}
