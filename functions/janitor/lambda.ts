/** The janitor as a Lambda: run by a schedule. */

import type { Context } from "aws-lambda";
import { s3Store } from "../../shared/archive/s3-store.ts";
import { KeptSecret } from "../../shared/aws/kept-secret.ts";
import { readSecret } from "../../shared/aws/secret.ts";
import { countWithholding } from "../../shared/db/withholding.ts";
import { createBooksWatch } from "../accounting/conservation.ts";
import { countBooks } from "../accounting/metrics.ts";
import { createSealer } from "../accounting/sealer.ts";
import { receiptKeysOf } from "../api/figures/receipt-keys.ts";
import { awsOptions, readEnvironment, workerLimits } from "../environment.ts";
import { lambdaModules } from "../lambda-modules.ts";
import { createArchiver } from "./archiver.ts";
import { createJanitorHandler, type JanitorReport } from "./handler.ts";
import { createRestoreWatch } from "./restore-point.ts";
import { createRootSigner } from "./root-signer.ts";
import { earningSigns } from "./signs.ts";
import { watchWorkers } from "./worker-watch.ts";

const KEEP_MINUTES_MS = 30 * 24 * 3_600_000;
/** No further file is begun after so long: what seals has been, and the check comes after it. */
const ARCHIVE_RUN_MS = 10_000;
const AUDIT_EVERY_MS = 3_600_000;
/** Each period of the alarms over it has one. */
const ROOTS_EVERY_MS = 600_000;
/** One sealed block takes some statements; what is behind waits for the next minute. */
const ROOTS_RUN_MS = 5_000;
/** Another receipt key signs from then on, as it does for the api. */
const SECRET_MS = 15 * 60_000;
const BACKUPS_EVERY_MS = 15 * 60_000;
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

const aws = { region: env.AWS_REGION, endpoint: env.AWS_ENDPOINT_URL_S3 };
const archive =
  env.ARCHIVE_BUCKET === ""
    ? {}
    : {
        archive: createArchiver(
          { afterMs: env.ARCHIVE_AFTER_SECONDS * 1000, runMs: ARCHIVE_RUN_MS },
          { ...modules, store: s3Store(`s3://${env.ARCHIVE_BUCKET}`, aws) },
        ),
      };
const watchBackups =
  env.WATCH_BACKUPS === "no"
    ? undefined
    : createRestoreWatch(
        { ...awsOptions(env), cluster: env.DATABASE_CLUSTER_ARN, everyMs: BACKUPS_EVERY_MS },
        { ...modules, onAge: (seconds) => modules.count({ RestorableAgeSeconds: seconds }) },
      );

const receiptSecret = new KeptSecret(
  {
    name: env.RECEIPT_SECRET_NAME,
    read: () => readSecret(awsOptions(env), env.RECEIPT_SECRET_NAME),
    ...{ maxAgeMs: SECRET_MS, againMs: SECRET_MS },
  },
  modules,
);
const signRoots =
  env.ROOTS_BATCH === 0
    ? {}
    : {
        signRoots: createRootSigner(
          { batch: env.ROOTS_BATCH, runMs: ROOTS_RUN_MS, compareMs: ROOTS_EVERY_MS },
          {
            ...modules,
            keys: async () => receiptKeysOf(await receiptSecret.get()),
            onStand: ({ waitingSeconds, wrong }) =>
              modules.count({
                RootsWaitingSeconds: Math.round(waitingSeconds ?? 0),
                RootsContradicted: wrong.length,
              }),
          },
        ),
      };

const janitor = createJanitorHandler(
  { epochGraceMs: env.BLOCK_SECONDS * 1000, keepMinutesMs: KEEP_MINUTES_MS },
  {
    ...modules,
    sealer,
    ...archive,
    ...signRoots,
    watch: watchAndTellAge,
    judge: () => countWithholding(modules.db),
    judgeWorkers: () => watchWorkers(modules.db, modules.clock, env.BLOCK_SECONDS * 1000),
  },
);

export async function handler(event: unknown, context: Context): Promise<JanitorReport> {
  const report = await janitor(event, context);
  const { blocksWithRecord, rewardlessBlocks } = await earningSigns(modules.db);
  if (report.archived !== undefined)
    modules.count({ ArchiveOverdueSeconds: Math.round(report.archived.overdueSeconds) });
  modules.count({ JanitorRuns: 1, BlocksWithRecord: blocksWithRecord, RewardlessBlocks: rewardlessBlocks });
  await watchBackups?.();
  return report;
}
