/** An alarm that says what to do: its description names a heading of docs/runbook.md. */

import { Duration } from "aws-cdk-lib";
import { Alarm, ComparisonOperator, type IMetric, TreatMissingData } from "aws-cdk-lib/aws-cloudwatch";
import type { Construct } from "constructs";

export interface RunbookAlarmProps {
  readonly stage: string;
  /** The end of the alarm's name; with the function's or queue's name where there are several. */
  readonly name: string;
  /** A `##` heading of docs/runbook.md. */
  readonly heading: string;
  readonly metric: IMetric;
  /** It rings at this value. */
  readonly atLeast: number;
  /** `ringing` of the last `periods` periods must be over the limit (M of N). */
  readonly of?: { readonly periods: number; readonly ringing: number };
  /** It rings when the value falls to `atLeast` or below. */
  readonly isFloor?: boolean;
  /** No data is bad too. */
  readonly needsData?: boolean;
}

export const RUNBOOK = "docs/runbook.md";
export const PERIOD = Duration.minutes(1);

/** The anchor that GitHub makes of a heading. */
export function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^a-z0-9 -]/g, "")
    .replaceAll(" ", "-");
}

/** All alarms of a stage share this prefix, so a listener to all of them needs no list. */
export function alarmPrefix(stage: string): string {
  return `prosper-${stage}-`;
}

export class RunbookAlarm extends Alarm {
  constructor(scope: Construct, id: string, props: RunbookAlarmProps) {
    const { periods, ringing } = props.of ?? { periods: 1, ringing: 1 };
    super(scope, id, {
      alarmName: `${alarmPrefix(props.stage)}${props.name}`,
      alarmDescription: `${props.heading}: see ${RUNBOOK}#${anchorOf(props.heading)}`,
      metric: props.metric,
      threshold: props.atLeast,
      evaluationPeriods: periods,
      datapointsToAlarm: ringing,
      comparisonOperator:
        props.isFloor === true
          ? ComparisonOperator.LESS_THAN_OR_EQUAL_TO_THRESHOLD
          : ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      treatMissingData:
        props.needsData === true ? TreatMissingData.BREACHING : TreatMissingData.NOT_BREACHING,
    });
  }
}
