/** What the operator sees: mail for every alarm of the stage, and one dashboard. */

import { Duration, RemovalPolicy, Stack, type StackProps } from "aws-cdk-lib";
import { Metric } from "aws-cdk-lib/aws-cloudwatch";
import { EventField, Rule, RuleTargetInput } from "aws-cdk-lib/aws-events";
import { SnsTopic } from "aws-cdk-lib/aws-events-targets";
import { PolicyStatement, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import { Key } from "aws-cdk-lib/aws-kms";
import { FilterPattern, MetricFilter } from "aws-cdk-lib/aws-logs";
import { Topic } from "aws-cdk-lib/aws-sns";
import { EmailSubscription } from "aws-cdk-lib/aws-sns-subscriptions";
import type { Construct } from "constructs";
import { METRIC_NAMESPACE } from "../../shared/embedded-metrics.ts";
import type { ControlStack } from "./control-stack.ts";
import { addDashboard } from "./dashboard.ts";
import type { DataStack } from "./data-stack.ts";
import type { EdgeStack } from "./edge-stack.ts";
import { alarmPrefix, PERIOD, RunbookAlarm } from "./runbook-alarm.ts";
import type { Stage } from "./stages.ts";

export interface ObserveStackProps extends StackProps {
  readonly stage: Stage;
  readonly control: ControlStack;
  readonly data: DataStack;
  readonly edge: EdgeStack;
}

export class ObserveStack extends Stack {
  constructor(scope: Construct, id: string, props: ObserveStackProps) {
    super(scope, id, props);
    this.#mailAlarms(props.stage);
    this.#functionErrors(props);
    addDashboard(this, { ...props, stage: props.stage.name });
  }

  /** Finds alarms by the prefix of their names, so that none can be forgotten. */
  #mailAlarms(stage: Stage): void {
    const key = new Key(this, "AlarmKey", {
      enableKeyRotation: true,
      description: "Alarms on their way",
      // Nothing that lasts is encrypted with it: kept, it would cost a dollar a month for ever.
      removalPolicy: RemovalPolicy.DESTROY,
      pendingWindow: Duration.days(7),
    });
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

  /**
   * A run that ends well may have logged an error. The filters are here because emulators have none: the control stack must run on one.
   */
  #functionErrors({ stage, control }: ObserveStackProps): void {
    const metricName = `FunctionErrors-${stage.name}`;
    for (const log of control.logs)
      new MetricFilter(this, `${log.node.path.split("/").at(-2)}Errors`, {
        logGroup: log,
        filterPattern: FilterPattern.stringValue("$.level", "=", "error"),
        metricNamespace: METRIC_NAMESPACE,
        metricName,
        metricValue: "1",
        defaultValue: 0,
      });
    new RunbookAlarm(this, "FunctionErrorsAlarm", {
      stage: stage.name,
      name: "function-errors",
      heading: "A function reports an error",
      metric: new Metric({ namespace: METRIC_NAMESPACE, metricName, period: PERIOD, statistic: "Sum" }),
      atLeast: 1,
    });
  }
}
