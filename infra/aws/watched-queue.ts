/** A standard queue with what it needs to lose nothing: a dead-letter queue, a redrive limit, and alarms that name the runbook. */

import { Duration } from "aws-cdk-lib";
import { Queue, QueueEncryption } from "aws-cdk-lib/aws-sqs";
import { Construct } from "constructs";
import { acknowledge } from "./acknowledge.ts";
import { PERIOD, RunbookAlarm } from "./runbook-alarm.ts";

export interface WatchedQueueProps {
  readonly stage: string;
  /** The end of the queue's name, and the beginning of its alarms' names. */
  readonly name: string;
  /** The timeout of the function that reads it; a message is hidden for six times as long. */
  readonly consumerTimeout: Duration;
  /** Test stages only: what a message is hidden for instead. */
  readonly visibility?: Duration;
}

/** A message that is hidden for too short a time would be read twice at once. AWS advises six times the function's timeout. */
const VISIBILITY_FACTOR = 6;
/**
 * The most that SQS allows. Each receive of an outage counts, and one comes in each visibility time: at three minutes this outlasts two days. The
 * function itself sets aside what can never be applied (functions/accounting/set-aside.ts).
 */
const MAX_RECEIVES = 1000;
/** The alarm of the oldest message is longer than one retry, which is nothing to look at. */
const RETRIES_IN_ALARM = 2;
/** As long as SQS keeps a message at all. */
const RETENTION = Duration.days(14);

export class WatchedQueue extends Construct {
  readonly queue: Queue;
  readonly deadLetters: Queue;

  constructor(scope: Construct, id: string, props: WatchedQueueProps) {
    super(scope, id);
    const { stage, name } = props;
    const common = { encryption: QueueEncryption.SQS_MANAGED, enforceSSL: true, retentionPeriod: RETENTION };
    const visibility =
      props.visibility ?? Duration.seconds(VISIBILITY_FACTOR * props.consumerTimeout.toSeconds());
    this.deadLetters = new Queue(this, "DeadLetters", {
      ...common,
      queueName: `prosper-${stage}-${name}-dead-letters`,
    });
    acknowledge(this.deadLetters, { SQS3: "This queue is the dead-letter queue of the one beside it." });
    this.queue = new Queue(this, "Queue", {
      ...common,
      queueName: `prosper-${stage}-${name}`,
      visibilityTimeout: visibility,
      deadLetterQueue: { queue: this.deadLetters, maxReceiveCount: MAX_RECEIVES },
    });
    new RunbookAlarm(this, "DeadLettersAlarm", {
      stage,
      name: `${name}-dead-letters`,
      heading: "Dead letters",
      metric: this.deadLetters.metricApproximateNumberOfMessagesVisible({
        period: PERIOD,
        statistic: "Maximum",
      }),
      atLeast: 1,
    });
    new RunbookAlarm(this, "OldestMessageAlarm", {
      stage,
      name: `${name}-oldest-message`,
      heading: "Messages wait too long",
      metric: this.queue.metricApproximateAgeOfOldestMessage({ period: PERIOD, statistic: "Maximum" }),
      atLeast: RETRIES_IN_ALARM * visibility.toSeconds(),
      of: { periods: 3, ringing: 2 },
    });
  }
}
