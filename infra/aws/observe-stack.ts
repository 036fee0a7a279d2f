/** What the operator sees: mail for every alarm of the stage, and one dashboard. */

import { Duration, Stack, type StackProps } from "aws-cdk-lib";
import { Dashboard, GraphWidget, type IMetric, Metric, TextWidget } from "aws-cdk-lib/aws-cloudwatch";
import { EventField, Rule, RuleTargetInput } from "aws-cdk-lib/aws-events";
import { SnsTopic } from "aws-cdk-lib/aws-events-targets";
import { PolicyStatement, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import { Key } from "aws-cdk-lib/aws-kms";
import { Topic } from "aws-cdk-lib/aws-sns";
import { EmailSubscription } from "aws-cdk-lib/aws-sns-subscriptions";
import type { Construct } from "constructs";
import type { MetricName } from "../../functions/lambda-logger.ts";
import { METRIC_NAMESPACE } from "../../shared/embedded-metrics.ts";
import type { ControlStack } from "./control-stack.ts";
import type { DataStack } from "./data-stack.ts";
import type { EdgeStack } from "./edge-stack.ts";
import { alarmPrefix } from "./runbook-alarm.ts";
import type { Stage } from "./stages.ts";

export interface ObserveStackProps extends StackProps {
  readonly stage: Stage;
  readonly control: ControlStack;
  readonly data: DataStack;
  readonly edge: EdgeStack;
}

const HALF = 12;

export class ObserveStack extends Stack {
  constructor(scope: Construct, id: string, props: ObserveStackProps) {
    super(scope, id, props);
    this.#mailAlarms(props.stage);
    this.#dashboard(props);
  }

  /** Finds alarms by the prefix of their names, so that none can be forgotten. */
  #mailAlarms(stage: Stage): void {
    const key = new Key(this, "AlarmKey", { enableKeyRotation: true, description: "Alarms on their way" });
    key.addToResourcePolicy(
      new PolicyStatement({
        actions: ["kms:Decrypt", "kms:GenerateDataKey"],
        principals: [new ServicePrincipal("events.amazonaws.com")],
        resources: ["*"],
      }),
    );
    const topic = new Topic(this, "Alarms", {
      topicName: `prosper-${stage.name}-alarms`,
      enforceSSL: true,
      masterKey: key,
    });
    if (stage.alarms.email !== undefined) topic.addSubscription(new EmailSubscription(stage.alarms.email));
    const said = `${EventField.fromPath("$.detail.alarmName")} is ${EventField.fromPath("$.detail.state.value")}: ${EventField.fromPath("$.detail.configuration.description")} (${EventField.fromPath("$.detail.state.reason")})`;
    new Rule(this, "AlarmChanges", {
      description: "Every alarm of the stage that rings or ends",
      eventPattern: {
        source: ["aws.cloudwatch"],
        detailType: ["CloudWatch Alarm State Change"],
        detail: { alarmName: [{ prefix: alarmPrefix(stage.name) }], state: { value: ["ALARM", "OK"] } },
      },
      targets: [new SnsTopic(topic, { message: RuleTargetInput.fromText(said) })],
    });
  }

  #dashboard({ stage, control, data, edge }: ObserveStackProps): void {
    const { queue, deadLetters } = control.summaries;
    const books = (name: MetricName, of: string): Metric =>
      new Metric({
        namespace: METRIC_NAMESPACE,
        metricName: name,
        dimensionsMap: { Function: `prosper-${stage.name}-${of}` },
        statistic: "Sum",
        period: Duration.minutes(1),
      });
    const graph = (title: string, left: IMetric[], right: IMetric[] = []): GraphWidget =>
      new GraphWidget({ title, left, right, width: HALF });
    const functions = Object.values(control.functions);
    new Dashboard(this, "Dashboard", {
      dashboardName: `prosper-${stage.name}`,
      widgets: [
        [
          new TextWidget({
            markdown: `# Prosper pool, ${stage.name}\nWhat to do: docs/runbook.md`,
            width: 24,
            height: 2,
          }),
        ],
        [
          graph("Miners' connections", edge.connectionMetrics()),
          graph("Edges", [edge.service.metricCpuUtilization()], [edge.service.metricMemoryUtilization()]),
        ],
        [
          graph(
            "Summaries",
            [queue.metricNumberOfMessagesSent(), queue.metricApproximateNumberOfMessagesVisible()],
            [
              queue.metricApproximateAgeOfOldestMessage(),
              deadLetters.metricApproximateNumberOfMessagesVisible(),
            ],
          ),
          graph(
            "Books",
            [
              books("Applied", "accounting"),
              books("SealedBlocks", "accounting"),
              books("SealedBlocks", "janitor"),
            ],
            [
              books("LateWork", "accounting"),
              books("ForcedSeals", "accounting"),
              books("ForcedSeals", "janitor"),
              books("ConservationProblems", "janitor"),
              books("Unpriced", "poll"),
            ],
          ),
        ],
        [
          graph(
            "Functions: time",
            functions.map((fn) => fn.metricDuration({ statistic: "p99" })),
          ),
          graph(
            "Functions: errors",
            functions.map((fn) => fn.metricErrors()),
          ),
        ],
        [
          graph(
            "Database",
            [data.cluster.metric("ServerlessDatabaseCapacity")],
            [data.cluster.metricCPUUtilization(), data.cluster.metricDatabaseConnections()],
          ),
        ],
      ],
    });
  }
}
