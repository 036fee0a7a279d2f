/**
 * Shows a running pool on the terminal: what is ready and how to use it, then one line for each block. For
 * programs it prints one JSON line for each event instead.
 */

import { once } from "node:events";
import type { NewAdmin } from "../../../functions/auth/bootstrap.ts";
import { counted } from "../../../shared/counted.ts";
import { json } from "../../../shared/db/port.ts";
import type { SealedBlock } from "../../../shared/db/seals.ts";
import { formatPeg } from "../../../shared/decimal.ts";
import type { CodedError } from "../../../shared/errors.ts";
import type { Logger } from "../../../shared/logger.ts";
import type { Facts } from "../output.ts";

/** Where a pool is reached, and what one needs to log in. */
export interface ReadyPool {
  readonly web: string;
  readonly stratum: string;
  readonly factomd: string;
  /** On the first start only. */
  readonly admin: NewAdmin | undefined;
  readonly inviteCode: string;
  /** An address for the command that connects a miner; undefined where everybody brings their own. */
  readonly guestAddress?: string | undefined;
}

export interface PoolViewOptions {
  readonly json: boolean;
  /** Of the LXR table. */
  readonly bits: number;
  /** What other commands need to find this pool, such as ` --data-dir DIR`; undefined where they are not for this pool. */
  readonly poolFlags?: string;
}

/** What a pool tells while it starts and runs. */
export interface RunningPoolHooks {
  readonly onStep: (step: string) => void;
  readonly onSealed: (block: SealedBlock) => void;
  readonly onFatal: (error: CodedError) => void;
}

/** Runs a pool until `signal` aborts or it cannot go on. Resolves to the exit code when everything is stopped; rejects with what `start` rejects with. */
export async function runPool(
  options: PoolViewOptions,
  modules: { print: (line: string) => void; logger: Logger; signal: AbortSignal },
  start: (hooks: RunningPoolHooks) => Promise<ReadyPool & { stop(): Promise<void> }>,
): Promise<number> {
  const { print, signal, logger } = modules;
  const fatal = new AbortController();
  const view = readyFirst(options.json ? jsonView(print) : textView(print, options));
  const pool = await start({
    onStep: view.step,
    onSealed: (block) => view.block(block),
    onFatal: (error) => fatal.abort(error),
  });
  view.ready(pool);
  const end = AbortSignal.any([signal, fatal.signal]);
  if (!end.aborted) await once(end, "abort");
  view.step("stopping");
  await pool.stop();
  if (!fatal.signal.aborted) return 0;
  const reason: CodedError = fatal.signal.reason;
  logger.error("the pool could not go on; start it again, it recovers", {
    code: reason.code,
    problem: reason.message,
  });
  return 1;
}

const PAYING = ["db payout pay.json", "payout pay pay.json", "db record pay.receipt.json", "audit"] as const;

/** What the terminal or a program is told of a running pool. */
export interface PoolDisplay {
  step(step: string): void;
  ready(pool: ReadyPool): void;
  block(block: SealedBlock): void;
}

/** The ready line comes first: blocks sealed by recovery wait for it. */
function readyFirst(view: PoolDisplay): PoolDisplay {
  let early: SealedBlock[] | undefined = [];
  return {
    step: view.step,
    ready(pool) {
      view.ready(pool);
      for (const block of early ?? []) view.block(block);
      early = undefined;
    },
    block: (block) => (early === undefined ? view.block(block) : void early.push(block)),
  };
}

function jsonView(print: (line: string) => void): PoolDisplay {
  return {
    step: () => undefined,
    ready({ web, stratum, factomd, admin, inviteCode }) {
      const adminUser = admin === undefined ? undefined : { name: admin.name, password: admin.password };
      print(JSON.stringify({ event: "ready", web, stratum, factomd, adminUser, inviteCode }));
    },
    block: (block) => print(json(blockFacts(block))),
  };
}

function textView(print: (line: string) => void, options: PoolViewOptions): PoolDisplay {
  let owed = 0n;
  return {
    step: (step) => print(`  ${step} …`),
    ready({ web, stratum, admin, inviteCode, guestAddress = "FA…" }) {
      const bits = options.bits === 30 ? "" : ` --bits ${options.bits}`;
      print("");
      print(`  Dashboard      ${web}`);
      print(`  Stratum        ${stratum}`);
      if (admin !== undefined)
        print(`  Administrator  ${admin.name}  password ${admin.password}  (shown only now)`);
      print("");
      print("  Connect another miner:");
      print(
        `  npx prosper miner --host ${stratum} --user you --worker rig1${bits} --password choose-one --invite ${inviteCode} --address ${guestAddress}`,
      );
      if (options.poolFlags !== undefined) {
        print("");
        print("  Pay the miners, when something is owed:");
        for (const line of PAYING) print(`  npx prosper ${line}${options.poolFlags}`);
      }
      print("");
      print(
        "  Ctrl-C stops; the next start goes on from here. A line for each block whose books are closed:",
      );
    },
    block(block) {
      owed += block.paid;
      print(`${blockLine(block)}   owed since start ${peg(owed)}`);
    },
  };
}

/** Two decimals of a PEG are enough to look at. */
function peg(amount: bigint): string {
  return formatPeg(amount).replace(/0{6}$/, "");
}

/** A sealed block for a program. */
export function blockFacts(block: SealedBlock): Facts {
  const { height, shares, winning, reward, fee, paid, carriedIn, carried } = block;
  return { event: "block", height, shares: Number(shares), winning, reward, fee, paid, carriedIn, carried };
}

/** A sealed block for a person. */
export function blockLine(block: SealedBlock): string {
  const carried = block.carried > 0n ? `   carried ${peg(block.carried)}` : "";
  return (
    `  height ${block.height}   ${counted(block.shares, "share")}   ${block.winning} of 25 places   reward ${peg(block.reward)} PEG   ` +
    `fee ${peg(block.fee)}   paid ${peg(block.paid)}${carried}`
  );
}
