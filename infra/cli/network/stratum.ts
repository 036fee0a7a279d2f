/**
 * `prosper stratum`: only the stratum server. Every name may log in. Shares are checked and not kept. The
 * reference's console is on stdin.
 */

import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { runConsoleCommand } from "../../../edge/stratum/console.ts";
import { hostAndPort } from "../../../edge/stratum/listen-on.ts";
import { type ListenOptions, listenStratum } from "../../../edge/stratum/listener.ts";
import { NO_METRICS } from "../../../edge/stratum/metrics.ts";
import { OpenBackend } from "../../../edge/stratum/open-backend.ts";
import { StratumServer } from "../../../edge/stratum/server.ts";
import type { StratumSettings } from "../../../edge/stratum/settings.ts";
import type { Clock, Random } from "../../../shared/clock.ts";
import type { Hasher } from "../../../shared/hash/hasher.ts";
import type { Logger } from "../../../shared/logger.ts";
import { parseJobId } from "../../../shared/messages/stratum.ts";
import type { Print } from "../output.ts";

export interface StratumOptions extends ListenOptions {
  /** Limits and texts that differ from STRATUM_DEFAULTS. */
  readonly settings?: Partial<StratumSettings>;
}

export interface StratumCommandModules {
  /** Without it shares are not hashed: what miners claim is believed. */
  readonly hasher: Hasher | undefined;
  readonly stdin: Readable;
  readonly print: Print;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Ends the command. */
  readonly signal: AbortSignal;
}

/** How long shares of the previous job are taken. */
const LATE_MS = 5_000;

/** Serves until the signal; closing stdin ends only the console. Resolves to the exit code. Throws CodedError "port-taken" or "listen-failed". */
export async function stratumCommand(
  options: StratumOptions,
  modules: StratumCommandModules,
): Promise<number> {
  const { clock, hasher, logger, random, signal, stdin, print } = modules;
  const backend = new OpenBackend({ lateMs: LATE_MS }, { hasher, clock, random, logger });
  const server = new StratumServer(
    { tableBits: hasher?.bits, ...options.settings },
    { backend, clock, random, logger, metrics: NO_METRICS },
  );
  try {
    const listening = await listenStratum(options, server);
    const address = hostAndPort(listening.host, listening.port);
    print(`stratum on ${address}; help lists the commands`, { event: "ready", stratum: address });
    const console = createInterface({ input: stdin });
    // One after the other: a prefix may take a moment, and answers come in the order of the lines.
    let turn = Promise.resolve();
    console.on("line", (line) => {
      turn = turn.then(async () => {
        const answer = await runLine(backend, server, line);
        if (answer !== "") print(answer);
      });
    });
    await aborted(signal);
    console.close();
    listening.stop();
  } finally {
    await server.close();
  }
  return 0;
}

async function runLine(backend: OpenBackend, server: StratumServer, line: string): Promise<string> {
  const [name, jobId = "", oprHash = ""] = line.trim().split(/\s+/);
  if (name !== "job") {
    const answer = await runConsoleCommand(server, line);
    return name === "help"
      ? `${answer}\njob HEIGHT OPRHASH                     the job of all miners`
      : answer;
  }
  const height = parseJobId(jobId);
  if (height === undefined || !/^[0-9a-f]{64}$/.test(oprHash))
    return "job: expected a block height and 64 lower-case hex digits";
  if (!backend.setJob(height, oprHash)) return "job: expected a height above the current one";
  server.jobChanged();
  return "";
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
