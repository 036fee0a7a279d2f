/** The janitor as a Lambda: run by a schedule. */

import type { Context } from "aws-lambda";
import { countWithholding } from "../../shared/db/withholding.ts";
import { createBooksWatch } from "../accounting/conservation.ts";
import { countBooks } from "../accounting/metrics.ts";
import { createSealer } from "../accounting/sealer.ts";
import { readEnvironment, workerLimits } from "../environment.ts";
import { lambdaModules } from "../lambda-modules.ts";
import { createJanitorHandler, type JanitorReport } from "./handler.ts";
import { earningSigns } from "./signs.ts";
import { watchWorkers } from "./worker-watch.ts";

const KEEP_MINUTES_MS = 30 * 24 * 3_600_000;
const AUDIT_EVERY_MS = 3_600_000;
/** The function itself may run for a minute. */
const AUDIT_TIMEOUT_MS = 30_000;

const env = readEnvironment("janitor");
const modules = lambdaModules(env);
const sealer = createSealer(
  { deadlineMs: env.SEAL_DEADLINE_SECONDS * 1000 },
  { ...modules, workerLimits: workerLimits(env), onEvent: countBooks(modules.count) },
);

const watch = createBooksWatch(
  { everyMs: AUDIT_EVERY_MS, timeoutMs: AUDIT_TIMEOUT_MS },
  { ...modules, onChecked: ({ problems }) => modules.count({ ConservationProblems: problems }) },
);

/** Each minute, also between two checks: an alarm rings where the age grows, or is told no more. */
async function watchAndTellAge(): Promise<void> {
  const { ageSeconds } = await watch();
  if (ageSeconds !== null) modules.count({ BooksProvedAgeSeconds: Math.round(ageSeconds) });
}

const janitor = createJanitorHandler(
  { epochGraceMs: env.BLOCK_SECONDS * 1000, keepMinutesMs: KEEP_MINUTES_MS },
  {
    ...modules,
    sealer,
    watch: watchAndTellAge,
    judge: () => countWithholding(modules.db),
    judgeWorkers: () => watchWorkers(modules.db, modules.clock, env.BLOCK_SECONDS * 1000),
  },
);

export async function handler(event: unknown, context: Context): Promise<JanitorReport> {
  const report = await janitor(event, context);
  const { blocksWithRecord, rewardlessBlocks } = await earningSigns(modules.db);
  modules.count({ JanitorRuns: 1, BlocksWithRecord: blocksWithRecord, RewardlessBlocks: rewardlessBlocks });
  return report;
}
