/** The alarms over the edges: what they publish, log and hold. */

import { Metric } from "aws-cdk-lib/aws-cloudwatch";
import type { NetworkLoadBalancer } from "aws-cdk-lib/aws-elasticloadbalancingv2";
import { FilterPattern, type LogGroup } from "aws-cdk-lib/aws-logs";
import { METRIC_NAMESPACE } from "../../shared/embedded-metrics.ts";
import { ERROR_LEVEL } from "../pino-logger.ts";
import type { EdgeStack } from "./edge-stack.ts";
import { PERIOD, RunbookAlarm } from "./runbook-alarm.ts";
import type { Stage } from "./stages.ts";

/** Time enough to buy some, and to renew one. */
const CREDIT_DAYS = 7;
const CERTIFICATE_DAYS = 14;
/** This part of the connections that all edges together may hold. */
const CROWDED = 0.8;

export interface WatchedEdges {
  readonly stage: Stage;
  readonly balancer: NetworkLoadBalancer;
  /** Of the edges. */
  readonly log: LogGroup;
}

/** `stack`: what the alarms belong to, and whose figures they are over. */
export function watchEdges(stack: EdgeStack, { stage, balancer, log }: WatchedEdges): void {
  new RunbookAlarm(stack, "FullAlarm", {
    stage: stage.name,
    name: "edges-full",
    heading: "Edges are full",
    metric: balancer.metrics.activeFlowCount({ period: PERIOD, statistic: "Maximum" }),
    atLeast: Math.max(1, Math.floor(CROWDED * stage.edge.maxTasks * stage.edge.maxConnections)),
    of: { periods: 5, ringing: 3 },
  });
  new RunbookAlarm(stack, "PortsAlarm", {
    stage: stage.name,
    name: "balancer-ports",
    heading: "Edges are full",
    metric: new Metric({
      namespace: "AWS/NetworkELB",
      metricName: "PortAllocationErrorCount",
      dimensionsMap: { LoadBalancer: balancer.loadBalancerFullName },
      statistic: "Sum",
      period: PERIOD,
    }),
    atLeast: 1,
  });
  new RunbookAlarm(stack, "ErrorsAlarm", {
    stage: stage.name,
    name: "edge-errors",
    heading: "An edge reports an error",
    metric: errorsOf(log, stage),
    atLeast: 1,
  });
  new RunbookAlarm(stack, "TurnedAwayAlarm", {
    stage: stage.name,
    name: "edges-turn-away",
    heading: "Edges are full",
    metric: stack.edgeMetric("TurnedAwayFull", "Sum"),
    atLeast: 1,
    of: { periods: 5, ringing: 3 },
  });
  if (stage.edge.tasks === 0) return;
  watchHeartbeats(stack, stage);
  new RunbookAlarm(stack, "TasksAlarm", {
    stage: stage.name,
    name: "edges-missing",
    heading: "An edge is missing",
    metric: new Metric({
      namespace: "ECS/ContainerInsights",
      metricName: "RunningTaskCount",
      dimensionsMap: {
        ClusterName: stack.service.cluster.clusterName,
        ServiceName: stack.service.serviceName,
      },
      statistic: "Minimum",
      period: PERIOD,
    }),
    atLeast: stage.edge.tasks - 1,
    isFloor: true,
    needsData: true,
    of: { periods: 5, ringing: 5 },
  });
}

/** A person has to look at every error that an edge logs: a chain that it cannot follow, a disk that fails. */
function errorsOf(log: LogGroup, stage: Stage): Metric {
  return log
    .addMetricFilter("Errors", {
      filterPattern: FilterPattern.numberValue("$.level", ">=", ERROR_LEVEL),
      metricNamespace: METRIC_NAMESPACE,
      metricName: `EdgeErrors-${stage.name}`,
      metricValue: "1",
      defaultValue: 0,
    })
    .metric({ period: PERIOD, statistic: "Sum" });
}

/** No news is bad news: where one of these is missing, its alarm rings. */
function watchHeartbeats(stack: EdgeStack, stage: Stage): void {
  const floor = (name: string, heading: string, metric: Metric, atLeast: number, minutes: number): void =>
    void new RunbookAlarm(stack, `${metric.metricName}Alarm`, {
      ...{ stage: stage.name, name, heading, metric, atLeast, isFloor: true, needsData: true },
      of: { periods: minutes, ringing: minutes },
    });
  const following = stack.edgeMetric("Following", "Maximum");
  floor("edges-follow", "Nobody follows the chain", following, 0, 5);
  const credits = stack.edgeMetric("EntryCreditDays", "Minimum");
  floor("entry-credits", "Entry credits run out", credits, CREDIT_DAYS, 60);
  if (!stage.edge.hasTls) return;
  const certificate = stack.edgeMetric("CertificateDays", "Minimum");
  floor("certificate", "The certificate ends", certificate, CERTIFICATE_DAYS, 60);
}
