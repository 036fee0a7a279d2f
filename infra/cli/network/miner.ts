/** `prosper miner`: mines on a pool with a screen or lines, and an exit code that tells a refused login. */

import { availableParallelism } from "node:os";
import type { Readable } from "node:stream";
import * as v from "valibot";
import { type MinerOptions, startMiner } from "../../../edge/miner/miner.ts";
import type { OpenTable } from "../../../edge/miner/miner-threads.ts";
import { hostAndPort } from "../../../edge/stratum/listen-on.ts";
import type { Clock, Random } from "../../../shared/clock.ts";
import type { TableProgress } from "../../../shared/hash/open-table.ts";
import type { SharedTable } from "../../../shared/hash/shared-table.ts";
import type { Logger } from "../../../shared/logger.ts";
import { connectCode } from "../../../shared/messages/connect-code.ts";
import { USER_NAME, WORKER_NAME } from "../../../shared/messages/stratum.ts";
import { type MinerHttpOptions, serveMinerHttp } from "./miner-http.ts";
import { minerScreen, type ScreenOutput } from "./miner-screen.ts";
import { type MinerView, minerLines, statsFacts, statsLine } from "./miner-view.ts";
import type { MinerFacts } from "./xmrig-views.ts";

/** As commander gives them. */
export interface MinerCommandOptions {
  /** `host:port`, or `[v6]:port`. */
  readonly host: string;
  readonly user: string;
  readonly worker: string;
  /** Default: one for each core. */
  readonly threads?: number;
  /** Part of the time that each thread computes, above 0 and up to 1. Default 1. */
  readonly duty?: number;
  readonly tls?: boolean;
  readonly password?: string;
  readonly invite?: string;
  readonly address?: string;
  /** Table size; the pool's unless given, 30 where the pool does not tell. */
  readonly bits?: number | undefined;
  /** `host:port` of the HTTP interface; none unless given. */
  readonly http?: string;
  readonly httpToken?: string | undefined;
  /** Of the pool's page. */
  readonly connect?: string;
  /** Lines and the reference's console on a terminal too. */
  readonly plain?: boolean;
  /** One JSON line an event, for programs. */
  readonly json?: boolean;
}

export interface MinerCommandModules {
  readonly version: string;
  readonly openTable: (bits: number, onProgress: (progress: TableProgress) => void) => Promise<SharedTable>;
  readonly stdin: Readable & { readonly isTTY?: boolean; setRawMode?(on: boolean): unknown };
  readonly stdout: ScreenOutput & { readonly isTTY?: boolean | undefined };
  readonly stderr: { write(text: string): unknown };
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Ends the command. */
  readonly signal: AbortSignal;
}

const MAINNET_BITS = 30;

/** Resolves to the exit code: 0 after the signal, 1 on a refused login or bad options. Rejects with the errors of `openTable` and `serveMinerHttp`. */
export async function minerCommand(
  options: MinerCommandOptions,
  modules: MinerCommandModules,
): Promise<number> {
  const parsed = readOptions(options);
  if (typeof parsed === "string") {
    modules.stderr.write(`${parsed}\n`);
    return 1;
  }
  const http = readHttp(options);
  if (typeof http === "string") {
    modules.stderr.write(`${http}\n`);
    return 1;
  }
  const { clock, random, signal, stderr } = modules;
  const startedMs = clock.monotonicMs();
  let tableBits: number | undefined;
  const view = viewFor(options, modules);
  view.line(`Connecting to ${options.host}`, { event: "connecting", host: options.host });
  /** The pool is told who comes before the table is made, which may take a quarter of an hour. */
  const table: OpenTable = async (poolBits, onProgress) => {
    const bits = options.bits ?? poolBits ?? MAINNET_BITS;
    if (poolBits !== undefined && bits !== poolBits)
      view.line(`This pool's table has ${poolBits} bits: with --bits ${bits} it will refuse every share`, {
        ...{ event: "wrong-table", poolBits, bits },
      });
    const opened = await modules.openTable(bits, ({ step, done, total }) =>
      onProgress(step === "making" ? done / total : 0),
    );
    tableBits = bits;
    const kernel = opened.library === undefined ? "WebAssembly kernel" : "native kernel";
    const { threads } = parsed;
    view.line(`Mining with ${threads} ${threads === 1 ? "thread" : "threads"} on the ${kernel}`, {
      ...{ event: "mining", threads, kernel, bits },
    });
    view.begin();
    return opened;
  };
  const miner = startMiner(parsed, {
    table,
    clock,
    random,
    logger: view.logger,
    onMessage: (text) => view.line(`pool: ${text}`, { event: "pool-message", text }),
  });
  const facts = (): MinerFacts => ({
    ...{ version: modules.version, pool: options.host, tls: parsed.tls ?? false, worker: options.worker },
    ...{ uptimeMs: clock.monotonicMs() - startedMs, stats: miner.stats(), tableBits },
    restricted: options.httpToken === undefined,
  });
  const served =
    http === undefined
      ? undefined
      : await serveMinerHttp(http, { miner, facts }).catch(async (thrown) => {
          await miner.stop();
          throw thrown;
        });
  if (http !== undefined && served !== undefined) {
    const where = `http://${hostAndPort(http.host, served.port)}/2/summary`;
    view.line(`Figures for rig managers: ${where}`, { event: "http", url: where });
  }
  view.attach({ miner, facts });
  const onAbort = (): void => void miner.stop();
  if (signal.aborted) onAbort();
  else signal.addEventListener("abort", onAbort, { once: true });
  const end = await miner.ended;
  signal.removeEventListener("abort", onAbort);
  served?.close();
  view.end();
  view.line(statsLine(miner.stats()), statsFacts(miner.stats()));
  if (end.kind === "stopped") return 0;
  if (end.kind === "no-table") throw end.error;
  stderr.write(
    `The pool refused the login of ${JSON.stringify(options.user)}: ${end.reason}.${advice(end.reason, options)}\n`,
  );
  return 1;
}

/** A screen where a person sees and types; lines elsewhere, and where they are asked for. */
function viewFor({ json, plain, user }: MinerCommandOptions, modules: MinerCommandModules): MinerView {
  const { stdin, stdout } = modules;
  const isTerminal = stdin.isTTY === true && stdout.isTTY === true;
  return isTerminal && json !== true && plain !== true
    ? minerScreen(user, modules)
    : minerLines(json === true, modules);
}

/**
 * What to do about a refused login, in this command's own words. The Go pool gives no reason, so then both
 * ways to get in are named.
 */
function advice(reason: string, { password = "", invite = "", address = "" }: MinerCommandOptions): string {
  const register = " To register a new user give --register.";
  const mineOnly = " Mining for a user who exists needs no password: leave --password out.";
  if (/no such user|registering|invite|payout address|no reason/i.test(reason))
    return password !== "" && invite !== "" && address !== "" ? mineOnly : register;
  return /password/i.test(reason) ? mineOnly : "";
}

const HOST_AND_PORT = /^(?:\[([0-9a-f:]+)\]|([^:[\]]+)):(\d{1,5})$/i;

/** Where the HTTP interface listens, what is wrong with it, or undefined where there is to be none. */
function readHttp({ http, httpToken: token }: MinerCommandOptions): MinerHttpOptions | string | undefined {
  if (http === undefined) return undefined;
  const match = HOST_AND_PORT.exec(http);
  const port = Number(match?.[3]);
  if (match === null || port > 65_535)
    return `--http: expected HOST:PORT such as 127.0.0.1:8080 (port 0 picks a free one), got ${JSON.stringify(http)}`;
  return { host: match[1] ?? match[2] ?? "", port, token };
}

/** What startMiner takes, or what is wrong. */
function readOptions(options: MinerCommandOptions): MinerOptions | string {
  const match = HOST_AND_PORT.exec(options.host);
  const port = Number(match?.[3]);
  if (match === null || port < 1 || port > 65_535)
    return `--host: expected HOST:PORT such as pool.example.com:1234, got ${JSON.stringify(options.host)}`;
  const { threads = availableParallelism(), duty = 1, tls = false } = options;
  if (!Number.isInteger(threads) || threads < 1 || threads > 61)
    return `--threads: expected a whole number from 1 to 61, got ${threads}`;
  if (!(duty > 0 && duty <= 1)) return `--duty: expected a number above 0 and up to 1, got ${duty}`;
  if (!USER_NAME.test(options.user))
    return `--user: expected 1 to 254 visible ASCII characters without a comma, got ${JSON.stringify(options.user)}`;
  if (options.connect !== undefined && !v.is(connectCode, options.connect))
    return `--connect: expected the 16 letters and digits of the pool's page, got ${JSON.stringify(options.connect)}`;
  if (!WORKER_NAME.test(options.worker))
    return `--worker: expected at most 64 visible ASCII characters without a comma, got ${JSON.stringify(options.worker)}`;
  return {
    host: match[1] ?? match[2] ?? "",
    port,
    tls,
    user: options.user,
    worker: options.worker,
    threads,
    dutyCycle: duty,
    password: options.password ?? "",
    invite: options.invite ?? "",
    payoutAddress: options.address ?? "",
    connectCode: options.connect,
    bits: options.bits,
  };
}
