/** As much of SQS, Lambda and Secrets Manager as an edge uses, on a loopback port: what it sends goes straight to the functions' own handlers. */

import { createHash, randomUUID } from "node:crypto";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import type { Context, SQSBatchResponse, SQSEvent, SQSRecord } from "aws-lambda";
import * as v from "valibot";
import { LOCAL_CONTEXT } from "../../../functions/local-context.ts";

const batchRequest = v.object({
  QueueUrl: v.string(),
  Entries: v.array(v.object({ Id: v.string(), MessageBody: v.string() })),
});

const secretRequest = v.object({ SecretId: v.string() });

export interface AwsStub {
  readonly url: string;
  /** Bodies that SQS took, in order. */
  readonly sent: readonly string[];
  /** Texts by name; they may be changed. */
  readonly secrets: Map<string, string>;
  /** While true all services answer with errors. */
  setAway(isAway: boolean): void;
  close(): Promise<void>;
}

export async function startAwsStub(functions: {
  accounting: (event: SQSEvent, context: Context) => Promise<SQSBatchResponse>;
  auth: (event: unknown, context: Context) => Promise<unknown>;
}): Promise<AwsStub> {
  const sent: string[] = [];
  const secrets = new Map<string, string>();
  let isAway = false;
  const answer = async (path: string, target: unknown, body: string): Promise<unknown> => {
    if (target === "secretsmanager.GetSecretValue")
      return { SecretString: secrets.get(v.parse(secretRequest, JSON.parse(body)).SecretId) };
    if (path.endsWith("/invocations")) return functions.auth(JSON.parse(body), LOCAL_CONTEXT);
    const { Entries } = v.parse(batchRequest, JSON.parse(body));
    sent.push(...Entries.map((entry) => entry.MessageBody));
    await functions.accounting(
      { Records: Entries.map((entry) => recordOf(entry.MessageBody)) },
      LOCAL_CONTEXT,
    );
    return {
      Successful: Entries.map(({ Id, MessageBody }) => ({
        ...{ Id, MessageId: randomUUID() },
        MD5OfMessageBody: createHash("md5").update(MessageBody).digest("hex"),
      })),
      Failed: [],
    };
  };
  const server = createServer(async (request, response) => {
    const body = await readText(request);
    if (isAway) return void response.writeHead(503).end();
    await answer(request.url ?? "", request.headers["x-amz-target"], body).then(
      (reply) =>
        response.writeHead(200, { "content-type": "application/x-amz-json-1.0" }).end(JSON.stringify(reply)),
      (error: unknown) => response.writeHead(500).end(JSON.stringify({ message: String(error) })),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  // A listening TCP server has an address of its own.
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    sent,
    secrets,
    setAway: (away) => {
      isAway = away;
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function readText(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

function recordOf(body: string): SQSRecord {
  return {
    ...{ messageId: randomUUID(), receiptHandle: "receipt", body, messageAttributes: {}, md5OfBody: "" },
    ...{
      eventSource: "aws:sqs",
      eventSourceARN: "arn:aws:sqs:us-east-1:000000000000:summaries",
      awsRegion: "us-east-1",
    },
    attributes: {
      ...{
        ApproximateReceiveCount: "1",
        SentTimestamp: "0",
        SenderId: "stub",
        ApproximateFirstReceiveTimestamp: "0",
      },
    },
  };
}
