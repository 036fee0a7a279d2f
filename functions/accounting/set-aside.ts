/**
 * Dead letters on AWS. SQS counts every receive, also those in which the database was away, so its own limit must outlast an outage: a message that
 * can never be applied would be tried for as long. So the function puts that one among the dead letters itself.
 */

import type { SQSRecord } from "aws-lambda";
import { type AwsOptions, callAws } from "../../shared/aws/call.ts";
import { CodedError } from "../../shared/errors.ts";

/** Nothing that comes later makes these applicable. */
const POISON: ReadonlySet<string> = new Set(["summary-malformed", "summary-conflict"]);
/** What else fails is given up after so many receives. */
export const MAX_TRIES = 5;

/** Whether the message is to be set aside now. A database that is away is no reason, however often the message was received. */
export function isGivenUp(reason: unknown, record: SQSRecord): boolean {
  const code = reason instanceof CodedError ? reason.code : "unexpected";
  if (code === "db-away") return false;
  return POISON.has(code) || Number(record.attributes?.ApproximateReceiveCount ?? 1) >= MAX_TRIES;
}

/** Sends a body to the dead-letter queue. Rejects with CodedError `aws-away` or `aws-refused`. */
export function deadLetterSender(queueUrl: string, region: string): (body: string) => Promise<void> {
  // The queue's address names the service, also that of an emulator.
  const options: AwsOptions = { region, endpoint: new URL(queueUrl).origin };
  return async (body) => {
    await callAws(options, {
      service: "sqs",
      headers: { "content-type": "application/x-amz-json-1.0", "x-amz-target": "AmazonSQS.SendMessage" },
      body: JSON.stringify({ QueueUrl: queueUrl, MessageBody: body }),
    });
  };
}
