/** `prosper up` on the terminal: what is ready and how to use it, then one line a block; or, for programs, one JSON line an event. */

import { once } from "node:events";
import type { Clock, Random } from "../../shared/clock.ts";
import type { SealedBlock } from "../../shared/db/seals.ts";
import type { CodedError } from "../../shared/errors.ts";
import type { SharedTable } from "../../shared/hash/shared-table.ts";
import type { Logger } from "../../shared/logger.ts";
import { startUp, type Up, type UpOptions } from "../local/up.ts";
import { formatPeg } from "./audit.ts";

export interface UpCommandOptions extends UpOptions {
  json: boolean;
}

export interface UpCommandModules {
  clock: Clock;
  random: Random;
  logger: Logger;
  openTable: (bits: number) => Promise<SharedTable>;
  print: (line: string) => void;
  /** Ends the command. */
  signal: AbortSignal;
}

/** Resolves to the exit code when `signal` has aborted and everything is stopped, or when the pool could not go on. */
export async function upCommand(options: UpCommandOptions, modules: UpCommandModules): Promise<number> {
  const { print, signal } = modules;
  const fatal = new AbortController();
  const view = readyFirst(options.json ? jsonView(print) : textView(print, options));
  const up = await startUp(options, {
    ...modules,
    onStep: view.step,
    onSealed: (block) => view.block(block),
    onFatal: (error) => fatal.abort(error),
  });
  view.ready(up);
  const end = AbortSignal.any([signal, fatal.signal]);
  if (!end.aborted) await once(end, "abort");
  view.step("stopping");
  await up.stop();
  if (!fatal.signal.aborted) return 0;
  const reason: CodedError = fatal.signal.reason;
  modules.logger.error("the pool could not go on; start it again, it recovers", {
    code: reason.code,
    problem: reason.message,
  });
  return 1;
}

interface View {
  step(step: string): void;
  ready(up: Up): void;
  block(block: SealedBlock): void;
}

/** Blocks that recovery seals wait for the ready line: it is the first. */
function readyFirst(view: View): View {
  let early: SealedBlock[] | undefined = [];
  return {
    step: view.step,
    ready(up) {
      view.ready(up);
      for (const block of early ?? []) view.block(block);
      early = undefined;
    },
    block: (block) => (early === undefined ? view.block(block) : void early.push(block)),
  };
}

function jsonView(print: (line: string) => void): View {
  return {
    step: () => undefined,
    ready({ web, stratum, factomd, admin, inviteCode }) {
      const adminUser = admin === undefined ? undefined : { name: admin.name, password: admin.password };
      print(JSON.stringify({ event: "ready", web, stratum, factomd, adminUser, inviteCode }));
    },
    block({ height, shares, winning, reward, fee, paid, carriedIn, carried }) {
      const money = Object.entries({ reward, fee, paid, carriedIn, carried }).map(([key, value]) => [
        key,
        value.toString(),
      ]);
      print(
        JSON.stringify({
          event: "block",
          height,
          shares: Number(shares),
          winning,
          ...Object.fromEntries(money),
        }),
      );
    },
  };
}

function textView(print: (line: string) => void, options: UpCommandOptions): View {
  let owed = 0n;
  return {
    step: (step) => print(`  ${step} …`),
    ready({ web, stratum, admin, inviteCode }) {
      const bits = options.bits === 30 ? "" : ` --bits ${options.bits}`;
      print("");
      print(`  Dashboard      ${web}`);
      print(`  Stratum        ${stratum}`);
      if (admin !== undefined)
        print(`  Administrator  ${admin.name}  password ${admin.password}  (shown only now)`);
      print("");
      print("  Connect another miner:");
      print(
        `  npx prosper miner --host ${stratum} --user you --worker rig1${bits} --password choose-one --invite ${inviteCode} --address FA…`,
      );
      print("");
      print(
        "  Ctrl-C stops; the next start goes on from here. A line for each block whose books are closed:",
      );
    },
    block(block) {
      owed += block.paid;
      const peg = (amount: bigint): string => formatPeg(amount).replace(/0{6}$/, "");
      const carried = block.carried > 0n ? `   carried ${peg(block.carried)}` : "";
      print(
        `  height ${block.height}   ${block.shares} shares   ${block.winning} of 25 places   reward ${peg(block.reward)} PEG   ` +
          `fee ${peg(block.fee)}   paid ${peg(block.paid)}${carried}   owed since start ${peg(owed)}`,
      );
    },
  };
}
