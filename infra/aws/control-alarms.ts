/** The alarms over what the functions count. */

import { Duration } from "aws-cdk-lib";
import { Metric } from "aws-cdk-lib/aws-cloudwatch";
import type { Construct } from "constructs";
import type { MetricName } from "../../functions/lambda-logger.ts";
import { ROOT_PATIENCE_BLOCKS } from "../../shared/db/root-entries.ts";
import { METRIC_NAMESPACE } from "../../shared/embedded-metrics.ts";
import { PERIOD, RunbookAlarm } from "./runbook-alarm.ts";

/** Of what is asked each quarter of an hour. */
export const SLOW_PERIOD = Duration.minutes(15);
/** Of the canary's looks: the pages reckon with it where nothing else is said (functions/api/routes/status.ts). */
export const CANARY_PERIOD = Duration.minutes(5);
const BACKUPS_OLD_SECONDS = 1800;
/** What is new in the books is proved once an hour. */
const BOOKS_UNPROVED_SECONDS = 3 * 3600;
/** Nothing is lost while it waits. */
const ARCHIVE_OVERDUE_SECONDS = 86_400;
/** Blocks in a row without a reward are an alarm from so many on: a pool's own luck decides how many are usual. */
const USUAL_REWARDLESS = 36;

/** No news is bad news: where a metric of these is missing, its alarm rings. */
export function watchHeartbeats(scope: Construct, stage: string, rewardlessBlocks = USUAL_REWARDLESS): void {
  const beat = (name: string, metric: Metric, periods: number): void =>
    void new RunbookAlarm(scope, `${metric.metricName}Alarm`, {
      ...{ stage, name, metric, heading: "A heartbeat stops", atLeast: 0, isFloor: true, needsData: true },
      of: { periods, ringing: periods },
    });
  beat("poll-heartbeat", metricOf(stage, "Polled", "poll"), 10);
  beat("alerts-heartbeat", metricOf(stage, "AlertRuns", "alerts"), 10);
  beat("janitor-heartbeat", metricOf(stage, "JanitorRuns", "janitor"), 10);
  beat("receipts", metricOf(stage, "ReceiptsSigned", "api").with({ period: SLOW_PERIOD }), 4);
  new RunbookAlarm(scope, "BooksProvedAlarm", {
    ...{ stage, name: "books-unchecked", heading: "A heartbeat stops", atLeast: BOOKS_UNPROVED_SECONDS },
    metric: metricOf(stage, "BooksProvedAgeSeconds", "janitor").with({ statistic: "Minimum" }),
    of: { periods: 15, ringing: 15 },
    needsData: true,
  });
  const now = { statistic: "Minimum" };
  new RunbookAlarm(scope, "RecordAlarm", {
    ...{
      stage,
      name: "no-record",
      heading: "No record of ours",
      atLeast: 0,
      isFloor: true,
      needsData: true,
    },
    metric: metricOf(stage, "BlocksWithRecord", "janitor").with(now),
    of: { periods: 15, ringing: 15 },
  });
  new RunbookAlarm(scope, "RewardAlarm", {
    ...{ stage, name: "no-reward", heading: "No reward", atLeast: rewardlessBlocks },
    metric: metricOf(stage, "RewardlessBlocks", "janitor").with(now),
    of: { periods: 5, ringing: 5 },
  });
}

/** Two looks in a row that failed, or were none. */
export function watchCanary(scope: Construct, stage: string): void {
  new RunbookAlarm(scope, "CanaryAlarm", {
    ...{ stage, name: "canary", heading: "The canary does not get through", atLeast: 0, isFloor: true },
    metric: metricOf(stage, "CanaryThrough", "canary").with({ period: CANARY_PERIOD }),
    of: { periods: 3, ringing: 2 },
    needsData: true,
  });
}

/** A run that fails says nothing of the archive, which is as bad. */
export function watchArchive(scope: Construct, stage: string): void {
  new RunbookAlarm(scope, "ArchiveAlarm", {
    ...{
      stage,
      name: "archive-stands",
      heading: "The archive of deltas stands",
      atLeast: ARCHIVE_OVERDUE_SECONDS,
    },
    metric: metricOf(stage, "ArchiveOverdueSeconds", "janitor").with({ statistic: "Minimum" }),
    of: { periods: 30, ringing: 30 },
    needsData: true,
  });
}

/** No entry yet is as bad as an old one: `Minimum`, since a block that is just sealed waits too. */
export function watchRoots(
  scope: Construct,
  stage: string,
  { rootsBatch, pool }: { readonly rootsBatch: number; readonly pool: { readonly blockSeconds: number } },
): void {
  const patienceSeconds = (rootsBatch + ROOT_PATIENCE_BLOCKS) * pool.blockSeconds;
  const alarm = { stage, heading: "Roots on the chain" };
  const metric = (name: MetricName): Metric =>
    metricOf(stage, name, "janitor").with({ statistic: "Minimum", period: SLOW_PERIOD });
  new RunbookAlarm(scope, "RootsBehindAlarm", {
    ...{ ...alarm, name: "roots-behind", atLeast: patienceSeconds },
    metric: metric("RootsWaitingSeconds"),
    of: { periods: 2, ringing: 2 },
    needsData: true,
  });
  new RunbookAlarm(scope, "RootsContradictedAlarm", {
    ...{ ...alarm, name: "roots-contradicted", atLeast: 1 },
    metric: metric("RootsContradicted").with({ statistic: "Maximum" }),
  });
}

/** Aurora's own backups reach to some five minutes ago. */
export function watchBackups(scope: Construct, stage: string): void {
  new RunbookAlarm(scope, "RestorableAlarm", {
    ...{ stage, name: "backups-stopped", heading: "Backups stop", atLeast: BACKUPS_OLD_SECONDS },
    metric: metricOf(stage, "RestorableAgeSeconds", "janitor").with({
      statistic: "Maximum",
      period: SLOW_PERIOD,
    }),
    of: { periods: 4, ringing: 4 },
    needsData: true,
  });
}

export function watchBooks(scope: Construct, stage: string): void {
  const metric = (metricName: MetricName, name: string): Metric => metricOf(stage, metricName, name);
  const alarm = (id: string, heading: string, name: string, of: Metric): void =>
    void new RunbookAlarm(scope, id, { stage, name, heading, metric: of, atLeast: 1 });
  alarm("LateWork", "Late work", "late-work", metric("LateWork", "accounting"));
  alarm("Conflicts", "Two bodies under one key", "conflicts", metric("Conflicts", "accounting"));
  // Accounting seals after each batch, the janitor what no message triggers: either may find that the deadline has passed.
  for (const [name, end] of [
    ["janitor", ""],
    ["accounting", "-accounting"],
  ] as const) {
    const forced = metric("ForcedSeals", name);
    const overdue = metric("OverdueSeals", name);
    alarm(`ForcedSeals${end}`, "A block is sealed by the deadline", `forced-seals${end}`, forced);
    alarm(`OverdueSeals${end}`, "A block waits to be sealed", `overdue-seals${end}`, overdue);
  }
  alarm("Conservation", "Money is not conserved", "conservation", metric("ConservationProblems", "janitor"));
  new RunbookAlarm(scope, "Unpriced", {
    stage,
    name: "unpriced",
    heading: "No prices",
    metric: metric("Unpriced", "poll"),
    atLeast: 1,
    of: { periods: 10, ringing: 5 },
  });
}

/** What a function counts, a minute's sum. */
function metricOf(stage: string, metricName: MetricName, name: string): Metric {
  return new Metric({
    namespace: METRIC_NAMESPACE,
    metricName,
    dimensionsMap: { Function: `prosper-${stage}-${name}` },
    statistic: "Sum",
    period: PERIOD,
  });
}
