/** `prosper miner`: mines on a pool with a screen or lines, and an exit code that tells a refused login. */

import { availableParallelism } from "node:os";
import type { Readable } from "node:stream";
import * as v from "valibot";
import { type MinerOptions, startMiner } from "../../../edge/miner/miner.ts";
import type { OpenTable } from "../../../edge/miner/miner-threads.ts";
import { hostAndPort } from "../../../edge/stratum/listen-on.ts";
import type { Clock, Random } from "../../../shared/clock.ts";
import { counted } from "../../../shared/counted.ts";
import { CodedError } from "../../../shared/errors.ts";
import type { TableProgress } from "../../../shared/hash/open-table.ts";
import type { SharedTable } from "../../../shared/hash/shared-table.ts";
import type { Logger } from "../../../shared/logger.ts";
import { connectCode } from "../../../shared/messages/connect-code.ts";
import { watchAccount } from "./account-watch.ts";
import { serveMinerHttp } from "./miner-http.ts";
import { minerScreen, type ScreenOutput } from "./miner-screen.ts";
import type { MinerSettings } from "./miner-settings.ts";
import { type MinerView, minerLines, statsFacts, statsLine } from "./miner-view.ts";
import type { MinerFacts } from "./xmrig-views.ts";

export interface MinerCommandOptions extends MinerSettings {
  /** These four are for the first pool. */
  readonly password?: string;
  readonly invite?: string;
  readonly address?: string;
  /** Of the pool's page. */
  readonly connect?: string;
  /** One JSON line an event, for programs. */
  readonly json?: boolean;
}

export interface MinerCommandModules {
  readonly version: string;
  readonly openTable: (bits: number, onProgress: (progress: TableProgress) => void) => Promise<SharedTable>;
  readonly stdin: Readable & { readonly isTTY?: boolean; setRawMode?(on: boolean): unknown };
  readonly stdout: ScreenOutput & { readonly isTTY?: boolean | undefined };
  readonly stderr: { write(text: string): unknown };
  readonly fetch: typeof globalThis.fetch;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Ends the command. */
  readonly signal: AbortSignal;
}

const MAINNET_BITS = 30;
const MOST_THREADS = 61;

/** Resolves to the exit code: 0 after the signal, 1 where every pool refused the login. Rejects with the errors of `openTable` and `serveMinerHttp`. */
export async function minerCommand(
  options: MinerCommandOptions,
  modules: MinerCommandModules,
): Promise<number> {
  const { clock, random, signal, stderr } = modules;
  const { http } = options;
  const mining = minerOptions(options);
  const startedMs = clock.monotonicMs();
  let tableBits: number | undefined;
  const view = viewFor(options, modules);
  const [first] = options.pools;
  const host = hostAndPort(first.host, first.port);
  view.line(`Connecting to ${host}`, { event: "connecting", host });
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
    const { threads } = mining;
    view.line(`Mining with ${counted(threads, "thread")} on the ${kernel}`, {
      ...{ event: "mining", threads, kernel, bits },
    });
    view.begin();
    return opened;
  };
  const miner = startMiner(mining, {
    table,
    clock,
    random,
    logger: view.logger,
    onMessage: (text) => view.line(`pool: ${text}`, { event: "pool-message", text }),
  });
  const { account: site, accountToken = "" } = options;
  const account =
    site === undefined
      ? undefined
      : watchAccount({ site, token: accountToken }, { ...modules, logger: view.logger });
  const facts = (): MinerFacts => ({
    account: account?.owed(),
    ...{ version: modules.version, uptimeMs: clock.monotonicMs() - startedMs },
    ...{ stats: miner.stats(), tableBits, restricted: options.token === undefined },
  });
  const served =
    http === undefined
      ? undefined
      : await serveMinerHttp({ ...http, token: options.token }, { miner, facts }).catch(async (thrown) => {
          account?.stop();
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
  account?.stop();
  view.end();
  view.line(statsLine(miner.stats()), statsFacts(miner.stats()));
  if (end.kind === "stopped") return 0;
  if (end.kind === "no-table") throw end.error;
  stderr.write(
    `The pool refused the login of ${JSON.stringify(miner.stats().pool.user)}: ${end.reason}.${advice(end.reason, options)}\n`,
  );
  return 1;
}

/** A screen where a person sees and types; lines elsewhere, and where they are asked for. */
function viewFor({ json, plain }: MinerCommandOptions, modules: MinerCommandModules): MinerView {
  const { stdin, stdout } = modules;
  const isTerminal = stdin.isTTY === true && stdout.isTTY === true;
  return isTerminal && json !== true && !plain ? minerScreen(modules) : minerLines(json === true, modules);
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

/** What startMiner takes. Throws CodedError `config` on a connect code that is none. */
function minerOptions(options: MinerCommandOptions): MinerOptions {
  const { address = "", bits, connect, duty, invite = "", password = "" } = options;
  const { threads = Math.min(MOST_THREADS, availableParallelism()) } = options;
  const [first, ...others] = options.pools;
  if (connect !== undefined && !v.is(connectCode, connect))
    throw new CodedError(
      "config",
      `--connect: expected the 16 letters and digits of the pool's page, got ${JSON.stringify(connect)}`,
    );
  return {
    ...first,
    ...{ password, invite, payoutAddress: address, connectCode: connect },
    ...{ others, threads, dutyCycle: duty, bits },
  };
}
