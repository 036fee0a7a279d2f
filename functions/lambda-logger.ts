/** The log of a Lambda: one JSON line for each entry on standard output. A line may hold metrics for CloudWatch to count (embedded metric format). */

import { pino } from "pino";
import { metricLine } from "../shared/embedded-metrics.ts";
import type { Logger } from "../shared/logger.ts";

export type LambdaLogLevel = "debug" | "info" | "warn" | "error";

export interface LambdaLog {
  readonly logger: Logger;
  /** Counts `metrics` under the stage's dimension. Names are a closed list, never text from the network. */
  count(metrics: Readonly<Partial<Record<MetricName, number>>>): void;
}

/** What alarms and the dashboard read; the dimension is the function's name. */
export const METRIC_NAMES = [
  "Applied",
  "Duplicates",
  "LateWork",
  "Conflicts",
  "Rejected",
  "ForcedSeals",
  "OverdueSeals",
  "SealedBlocks",
  "Unpriced",
  "ConservationProblems",
  "BooksProvedAgeSeconds",
  /** How long the oldest sealed block that should be in the archive has been due. */
  "ArchiveOverdueSeconds",
  /** Since when the oldest sealed block without a root on the chain is sealed; 0: each has one. */
  "RootsWaitingSeconds",
  /** Sealed blocks of which the chain says something else than the pool, or two things. */
  "RootsContradicted",
  /** Heartbeats: 1 for each run that did its work. */
  "Polled",
  "JanitorRuns",
  /** Of the newest six blocks, how many have a record of ours. */
  "BlocksWithRecord",
  /** How many of the newest blocks in a row brought no reward. */
  "RewardlessBlocks",
  /** A heartbeat: the api could sign a receipt. */
  "ReceiptsSigned",
  /** A heartbeat: alerts that were due were sent, or failed and wait. */
  "AlertRuns",
  /** How old the latest moment is that the database can be restored to. */
  "RestorableAgeSeconds",
  /** 0 for each look of the canary that did not get through, 1 for each other. */
  "CanaryThrough",
] as const;
export type MetricName = (typeof METRIC_NAMES)[number];

/** Field names whose values never reach a log, wherever they stand. */
const SECRETS = ["password", "invite", "token", "cookie"];

export interface LambdaLogOptions {
  readonly level: LambdaLogLevel;
  /** Is in every line, and is the metrics' dimension. */
  readonly functionName: string;
}

export function createLambdaLog(
  options: LambdaLogOptions,
  modules: { readonly nowMs: () => number; readonly write: (line: string) => void },
): LambdaLog {
  const redact = SECRETS.flatMap((name) => [name, `*.${name}`]);
  const base = { function: options.functionName };
  const log = pino(
    {
      level: options.level,
      base,
      redact,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (level) => ({ level }) },
      serializers: { error: pino.stdSerializers.err },
    },
    { write: modules.write },
  );
  return {
    logger: {
      debug: (message, data) => log.debug(data ?? {}, message),
      info: (message, data) => log.info(data ?? {}, message),
      warn: (message, data) => log.warn(data ?? {}, message),
      error: (message, data) => log.error(data ?? {}, message),
    },
    count(metrics) {
      const counts = Object.entries(metrics).map(([name, value]) => [
        name,
        { value, unit: "Count" as const },
      ]);
      modules.write(
        metricLine({
          atMs: modules.nowMs(),
          dimensions: { Function: options.functionName },
          metrics: Object.fromEntries(counts),
        }),
      );
    },
  };
}
