/** What `prosper miner` shows: lines, for a person or for a program, with the reference's client console on stdin. On a terminal: miner-screen.ts. */

import { createInterface, type Interface } from "node:readline";
import type { Readable } from "node:stream";
import type { Miner } from "../../../edge/miner/miner.ts";
import type { MinerStats } from "../../../edge/miner/miner-stats.ts";
import type { Clock, Timer } from "../../../shared/clock.ts";
import { counted } from "../../../shared/counted.ts";
import { json } from "../../../shared/db/port.ts";
import { shortPeg } from "../../../shared/decimal.ts";
import type { Logger } from "../../../shared/logger.ts";
import { formatTarget } from "../../../shared/messages/stratum.ts";
import type { Facts, Print } from "../output.ts";
import type { Owed } from "./account-watch.ts";
import type { MinerFacts } from "./xmrig-views.ts";

export interface ViewSource {
  readonly miner: Miner;
  facts(): MinerFacts;
}

export interface MinerView {
  readonly line: Print;
  /** For the miner, so that its log does not run through what is shown. */
  readonly logger: Logger;
  /** The miner is there, and connects. */
  attach(source: ViewSource): void;
  /** It has its table, and mines. */
  begin(): void;
  /** Nothing more is shown but lines. */
  end(): void;
}

export interface LinesModules {
  readonly stdin: Readable;
  readonly stdout: { write(text: string): unknown };
  readonly clock: Clock;
  readonly logger: Logger;
}

const EVERY_MS = 30_000;

export function minerLines(isJson: boolean, { stdin, stdout, clock, logger }: LinesModules): MinerView {
  const line: Print = (text, facts = { event: "message", text }) =>
    void stdout.write(`${isJson ? json(facts) : text}\n`);
  let console: Interface | undefined;
  let timer: Timer | undefined;
  return {
    line,
    logger,
    attach({ miner, facts }) {
      const show = (): void => {
        const { account, stats } = facts();
        // Meanwhile the progress of the table is shown.
        if (stats.tablePart === undefined)
          line(account === undefined ? statsLine(stats) : `${statsLine(stats)} · owed ${owedText(account)}`, {
            ...statsFacts(stats),
            ...account,
          });
        timer = clock.after(EVERY_MS, show);
      };
      timer = clock.after(EVERY_MS, show);
      console = createInterface({ input: stdin });
      console.on(
        "line",
        (typed) => void runLine(miner, typed).then((answer) => answer !== "" && line(answer)),
      );
    },
    begin: () => undefined,
    end() {
      timer?.stop();
      console?.close();
    },
  };
}

/** The same figures for a program. */
export function statsFacts(stats: MinerStats): Facts {
  return { event: "stats", ...stats, target: formatTarget(stats.target) };
}

/** One line for a person. */
export function statsLine(stats: MinerStats): string {
  const where = stats.authorized ? `job ${stats.height ?? "none"}` : "not connected";
  return [
    `${hashrateText(stats.hashrate)}`,
    where,
    `target ${formatTarget(stats.target)}`,
    `accepted ${stats.accepted}`,
    `rejected ${refusedText(stats)}`,
    ...(stats.lost > 0 ? [`lost ${stats.lost}`] : []),
  ].join(" · ");
}

/** `3 (ErrorStaleShare 2, other 1)` */
export function refusedText({ rejected }: MinerStats): string {
  const reasons = Object.entries(rejected).map(([name, count]) => `${name} ${count}`);
  const all = Object.values(rejected).reduce((sum, count) => sum + count, 0);
  return reasons.length === 0 ? `${all}` : `${all} (${reasons.join(", ")})`;
}

/** `12.5 PEG and about 0.25 more of blocks that are not sealed` */
export function owedText({ owed, pending }: Owed): string {
  const more = pending === 0n ? "" : ` and about ${shortPeg(pending)} more of blocks that are not sealed`;
  return `${shortPeg(owed)} PEG${more}`;
}

export function hashrateText(hashesPerSecond: number): string {
  if (hashesPerSecond >= 1e6) return `${(hashesPerSecond / 1e6).toFixed(2)} MH/s`;
  if (hashesPerSecond >= 1e3) return `${(hashesPerSecond / 1e3).toFixed(1)} kH/s`;
  return `${hashesPerSecond.toFixed(0)} H/s`;
}

async function runLine(miner: Miner, line: string): Promise<string> {
  const [name = "", argument = ""] = line.trim().split(/\s+/);
  switch (name) {
    case "":
      return "";
    case "total": {
      const { submitted, accepted } = miner.stats();
      return `${counted(submitted, "share")} submitted, ${accepted} accepted`;
    }
    case "getopr":
      return (await miner.getOprHash(argument)) ?? "no such job, or no connection";
    case "suggesttarget":
      miner.suggestTarget(argument);
      return "";
    default:
      return "commands: total, getopr JOB, suggesttarget TARGET";
  }
}
