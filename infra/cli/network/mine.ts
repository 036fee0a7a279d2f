/** A miner's flags and its run: `prosper miner` from a clone, `prosper-miner` from the package that a pool serves. */

import type { Command } from "commander";
import { systemClock, systemRandom } from "../../../shared/clock.ts";
import type { TableProgress } from "../../../shared/hash/open-table.ts";
import type { SharedTable } from "../../../shared/hash/shared-table.ts";
import type { Logger } from "../../../shared/logger.ts";
import { wholeNumber } from "../numbers.ts";
import type { Print } from "../output.ts";
import { shutdownSignal } from "../shutdown.ts";
import type { OwnProgram, ServiceModules } from "./miner-service.ts";
import type { MinerSettingFlags, MinerSettings } from "./miner-settings.ts";

export interface MinerFlags extends MinerSettingFlags {
  register?: boolean;
  password?: string;
  invite?: string;
  address?: string;
  connect?: string;
  json?: boolean;
  writeConfig?: string;
  benchmark?: boolean;
  installService?: boolean;
  uninstallService?: boolean;
  yes?: boolean;
}

/** Those that hold no secret. */
export function addMinerFlags(command: Command): Command {
  return command
    .option(
      "--url <url>",
      "a pool, HOST:PORT or stratum+ssl://HOST:PORT; more are for when it is away",
      several,
    )
    .option("--host <host:port>", "the only pool (default: localhost:1234)")
    .option("--user <name>", "the account that is credited")
    .option("--worker <name>", "this machine's name")
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
    .option("--json", "one JSON line an event, and the figures every 30 seconds")
    .option(
      "--account <url>",
      "the pool's pages: asked each minute what you are owed, with the token of PROSPER_MINER_ACCOUNT_TOKEN (made on the page Account, reads only)",
    )
    .option("--settings <file>", "what is not given here, nor by the environment, from this TOML file")
    .option("--write-config <file>", "write that file with what holds now, and end")
    .option("--benchmark", "measure each kernel, huge pages and threads, say how to get more, and end")
    .option("--install-service", "let systemd or launchd start it with this machine: shows, asks, does it")
    .option("--uninstall-service", "take that away again")
    .option("--yes", "do not ask: for programs");
}

function several(url: string, before: readonly string[] = []): string[] {
  return [...before, url];
}

interface MineModules {
  readonly env: NodeJS.ProcessEnv;
  readonly version: string;
  readonly program: OwnProgram;
  readonly print: Print;
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

/** Until it is stopped or refused; sets the process's exit code. Throws CodedErrors of the settings, the registration, the service and the table. */
export async function mine(flags: MinerFlags, modules: MineModules): Promise<void> {
  if (flags.benchmark === true) return benchmark(flags, modules);
  if (flags.uninstallService === true) {
    const { uninstallService } = await import("./miner-service.ts");
    return uninstallService(await serviceModules(flags, modules));
  }
  const { readMinerSettings } = await import("./miner-settings.ts");
  const settings = readMinerSettings(flags, modules.env);
  if (flags.installService === true) {
    const { installService } = await import("./miner-service.ts");
    return installService(settings, await serviceModules(flags, modules));
  }
  if (flags.writeConfig !== undefined) {
    const { minerFile, writeMinerFile } = await import("./miner-file.ts");
    writeMinerFile(flags.writeConfig, minerFile(settings));
    modules.print(`Written: ${flags.writeConfig}. Mine by it: --settings ${flags.writeConfig}`);
    return;
  }
  await mineUntilStopped(flags, settings, modules);
}

async function mineUntilStopped(
  { connect, json, ...flags }: MinerFlags,
  settings: MinerSettings,
  { env, version, logger, openTable }: MineModules,
): Promise<void> {
  const { minerCommand } = await import("./miner.ts");
  const { readRegistration, terminalAsk } = await import("./registration.ts");
  const registration = await readRegistration(flags, { env, ask: terminalAsk() });
  const signal = shutdownSignal(logger);
  const { stdin, stdout, stderr } = process;
  process.exitCode = await minerCommand(
    {
      ...settings,
      ...registration,
      ...(connect === undefined ? {} : { connect }),
      ...(json === undefined ? {} : { json }),
    },
    {
      version,
      ...{ stdin, stdout, stderr, logger, signal },
      openTable: (bits, onProgress) => openTable(bits, { logger, signal, onProgress }),
      ...{ fetch, clock: systemClock, random: systemRandom },
    },
  );
  // An open stdin would keep the process.
  stdin.destroy();
}

async function benchmark(
  { bits = 30, threads }: MinerFlags,
  { env, logger, print }: MineModules,
): Promise<void> {
  const { benchmarkCommand } = await import("./miner-benchmark.ts");
  const { findNative } = await import("../../../shared/hash/native-kernel.ts");
  const { availableParallelism } = await import("node:os");
  await benchmarkCommand(
    { bits, threads: threads ?? Math.min(61, availableParallelism()), seconds: 5 },
    {
      findNative: () => findNative({ setting: env["PROSPER_NATIVE"] }),
      ...{ print, clock: systemClock, logger, signal: shutdownSignal(logger) },
    },
  );
}

async function serviceModules(
  { yes }: MinerFlags,
  { env, print, program }: MineModules,
): Promise<ServiceModules> {
  const { requireYes } = await import("../ask.ts");
  const { execFile } = await import("node:child_process");
  const { homedir, userInfo } = await import("node:os");
  return {
    place: {
      ...{ platform: process.platform, home: homedir(), uid: userInfo().uid },
      sudoUser: env["SUDO_USER"] || undefined,
    },
    ...{ program, print },
    confirm: (question) => requireYes(question, { yes: yes === true }),
    run: ([command, ...args]) =>
      new Promise((resolve) =>
        execFile(command, args, (error, stdout, stderr) =>
          resolve({
            code: error === null ? 0 : typeof error.code === "number" ? error.code : 1,
            said: `${stdout}${stderr}` || (error?.message ?? ""),
          }),
        ),
      ),
  };
}
