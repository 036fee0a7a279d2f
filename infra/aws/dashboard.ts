/** The operator's dashboard of a stage: miners and edges, queue and books, functions and database. */

import { Duration } from "aws-cdk-lib";
import {
  Dashboard,
  GraphWidget,
  type IMetric,
  type IWidget,
  MathExpression,
  Metric,
  TextWidget,
} from "aws-cdk-lib/aws-cloudwatch";
import type { Construct } from "constructs";
import type { MetricName } from "../../functions/lambda-logger.ts";
import { METRIC_NAMESPACE } from "../../shared/embedded-metrics.ts";
import { REFUSALS } from "../pool/edge-report.ts";
import type { ControlStack } from "./control-stack.ts";
import type { DataStack } from "./data-stack.ts";
import type { EdgeStack } from "./edge-stack.ts";

export interface DashboardProps {
  /** The stage's name. */
  readonly stage: string;
  readonly control: ControlStack;
  readonly data: DataStack;
  readonly edge: EdgeStack;
}

const HALF = 12;

export function addDashboard(scope: Construct, props: DashboardProps): void {
  const { stage } = props;
  const title = new TextWidget({
    markdown: `# Prosper pool, ${stage}\nWhat to do: docs/runbook.md`,
    width: 24,
    height: 2,
  });
  new Dashboard(scope, "Dashboard", {
    dashboardName: `prosper-${stage}`,
    widgets: [[title], ...edgeRows(props), ...bookRows(props), ...functionRows(props)],
  });
}

function edgeRows({ stage, edge }: DashboardProps): IWidget[][] {
  // One line for each reason that there was.
  const refusals = new MathExpression({
    expression: `SEARCH('{${METRIC_NAMESPACE},Stage,Reason} MetricName="${REFUSALS}" Stage="${stage}"', 'Sum', 60)`,
    label: "",
    usingMetrics: {},
    period: Duration.minutes(1),
  });
  const of = edge.edgeMetric.bind(edge);
  return [
    [
      graph(
        "Miners' connections",
        [...edge.connectionMetrics(), of("Connections", "Sum")],
        [of("Connections", "Average"), of("TurnedAwayFull", "Sum")],
      ),
      graph("Edges", [edge.service.metricCpuUtilization()], [edge.service.metricMemoryUtilization()]),
    ],
    [
      graph("Shares a minute", [of("Shares", "Sum"), of("SharesRefused", "Sum")], [refusals]),
      graph(
        "Edges: event loop, backlog",
        [of("EventLoopLag", "Maximum")],
        [of("JournalBytes", "Maximum"), of("Outbox", "Sum")],
      ),
    ],
    [
      graph("Edges: lease held, following", [of("LeaseHeld", "Sum"), of("Following", "Sum")]),
      graph(
        "Days left",
        [of("EntryCreditDays", "Minimum"), of("CertificateDays", "Minimum")],
        [counted(stage, "RewardlessBlocks", "janitor"), counted(stage, "BlocksWithRecord", "janitor")],
      ),
    ],
  ];
}

function bookRows({ stage, control }: DashboardProps): IWidget[][] {
  const { queue, deadLetters } = control.summaries;
  const of = (name: MetricName, fn: string): Metric => counted(stage, name, fn);
  const summaries = graph(
    "Summaries",
    [queue.metricNumberOfMessagesSent(), queue.metricApproximateNumberOfMessagesVisible()],
    [queue.metricApproximateAgeOfOldestMessage(), deadLetters.metricApproximateNumberOfMessagesVisible()],
  );
  const books = graph(
    "Books",
    [of("Applied", "accounting"), of("SealedBlocks", "accounting"), of("SealedBlocks", "janitor")],
    [
      of("LateWork", "accounting"),
      of("ForcedSeals", "accounting"),
      of("ForcedSeals", "janitor"),
      of("ConservationProblems", "janitor"),
      of("Unpriced", "poll"),
    ],
  );
  return [[summaries, books]];
}

function functionRows({ control, data }: DashboardProps): IWidget[][] {
  const functions = Object.values(control.functions);
  const time = functions.map((fn) => fn.metricDuration({ statistic: "p99" }));
  const failed = functions.map((fn) => fn.metricErrors());
  return [
    [
      graph("Functions: time", time),
      graph(
        "Functions: errors, throttles",
        failed,
        functions.map((fn) => fn.metricThrottles()),
      ),
    ],
    [
      graph(
        "Database",
        [data.cluster.metric("ServerlessDatabaseCapacity")],
        [data.cluster.metricCPUUtilization(), data.cluster.metricDatabaseConnections()],
      ),
    ],
  ];
}

/** What a function counts. */
function counted(stage: string, metricName: MetricName, fn: string): Metric {
  return new Metric({
    ...{ namespace: METRIC_NAMESPACE, metricName, statistic: "Sum", period: Duration.minutes(1) },
    dimensionsMap: { Function: `prosper-${stage}-${fn}` },
  });
}

function graph(title: string, left: IMetric[], right: IMetric[] = []): GraphWidget {
  return new GraphWidget({ title, left, right, width: HALF });
}
