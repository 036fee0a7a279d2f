/** A miner's flags and its run: `prosper miner` from a clone, `prosper-miner` from the package that a pool serves. */

import type { Command } from "commander";
import { systemClock, systemRandom } from "../../../shared/clock.ts";
import type { TableProgress } from "../../../shared/hash/open-table.ts";
import type { SharedTable } from "../../../shared/hash/shared-table.ts";
import type { Logger } from "../../../shared/logger.ts";
import { wholeNumber } from "../numbers.ts";
import { shutdownSignal } from "../shutdown.ts";

export interface MinerFlags {
  host: string;
  user: string;
  worker: string;
  threads?: number;
  duty?: number;
  tls?: boolean;
  register?: boolean;
  password?: string;
  invite?: string;
  address?: string;
  bits?: number;
  http?: string;
  connect?: string;
  plain?: boolean;
  json?: boolean;
}

/** Those that hold no secret. */
export function addMinerFlags(command: Command): Command {
  return command
    .option("--host <host:port>", "the pool", "localhost:1234")
    .requiredOption("--user <name>", "the account that is credited")
    .requiredOption("--worker <name>", "this machine's name")
    .option("--threads <n>", "hashing threads (default: one for each core)", wholeNumber)
    .option("--duty <part>", "part of the time each thread computes, above 0 and up to 1", Number)
    .option("--tls", "connect by TLS, and believe only a certificate of the host's name")
    .option(
      "--register",
      "register first: asks for password, invite code and payout address, or takes them from PROSPER_PASSWORD, PROSPER_INVITE and PROSPER_ADDRESS",
    )
    .option("--address <FA…>", "to register: where payouts go")
    .option("--bits <n>", "table size, 8 to 30 (default: what the pool tells, else 30)", wholeNumber)
    .option(
      "--http <host:port>",
      "answer there as xmrig does (/1/summary, /2/summary, /2/backends); with PROSPER_MINER_TOKEN only to who has it, who may also pause, resume and stop",
    )
    .option("--connect <code>", "of the pool's page, which then shows what becomes of this miner")
    .option("--plain", "lines on a terminal too, and the console: total, getopr JOB, suggesttarget TARGET")
    .option("--json", "one JSON line an event, and the figures every 30 seconds");
}

interface MineModules {
  readonly env: NodeJS.ProcessEnv;
  readonly version: string;
  readonly logger: Logger;
  openTable(
    bits: number,
    modules: {
      logger: Logger;
      signal: AbortSignal;
      onProgress: (progress: TableProgress) => void;
    },
  ): Promise<SharedTable>;
}

/** Until it is stopped or refused; sets the process's exit code. Throws CodedErrors of the registration and of the table. */
export async function mine(
  flags: MinerFlags,
  { env, version, logger, openTable }: MineModules,
): Promise<void> {
  const { minerCommand } = await import("./miner.ts");
  const { readRegistration, terminalAsk } = await import("./registration.ts");
  const registration = await readRegistration(flags, { env, ask: terminalAsk() });
  const signal = shutdownSignal(logger);
  const { stdin, stdout, stderr } = process;
  process.exitCode = await minerCommand(
    { ...flags, ...registration, httpToken: env["PROSPER_MINER_TOKEN"] || undefined },
    {
      version,
      ...{ stdin, stdout, stderr, logger, signal },
      openTable: (bits, onProgress) => openTable(bits, { logger, signal, onProgress }),
      clock: systemClock,
      random: systemRandom,
    },
  );
  // An open stdin would keep the process.
  stdin.destroy();
}
