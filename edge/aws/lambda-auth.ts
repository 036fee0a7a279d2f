/** The auth function over a Lambda invoke: IAM decides who may ask, and no password is hashed on the edge (docs/design.md, "Accounts"). */

import { InvokeCommand, type InvokeCommandOutput, LambdaClient } from "@aws-sdk/client-lambda";
import * as v from "valibot";
import { CodedError, coerceError } from "../../shared/errors.ts";
import { type Auth, loginReply } from "../../shared/messages/login.ts";

export interface LambdaAuthOptions {
  /** Name or ARN. */
  functionName: string;
  /** After this long without a verdict, auth counts as away. */
  timeoutMs?: number;
  /** The most connections at a time; further questions wait for a free one. */
  connections?: number;
  /** Defaults to the environment's region, service and credentials. */
  region?: string;
  endpoint?: string;
  credentials?: { accessKeyId: string; secretAccessKey: string };
}

export interface LambdaAuth extends Auth {
  close(): void;
}

const verdict = v.pipe(v.string(), v.parseJson(), loginReply);
const failure = v.pipe(v.string(), v.parseJson(), v.object({ errorMessage: v.optional(v.string(), "") }));

/** Rejects with CodedError `auth-away` whenever there is no verdict. Error messages hold nothing of the request. */
export function createLambdaAuth(options: LambdaAuthOptions): LambdaAuth {
  const { functionName, region, endpoint, credentials } = options;
  const timeoutMs = options.timeoutMs ?? 8_000;
  const client = new LambdaClient({
    ...(region === undefined ? {} : { region }),
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(credentials === undefined ? {} : { credentials }),
    requestHandler: {
      requestTimeout: timeoutMs,
      connectionTimeout: Math.min(timeoutMs, 2_000),
      throwOnRequestTimeout: true,
      // The timeout ends idle connections only, before the service does in the middle of a question.
      httpsAgent: { keepAlive: true, timeout: 4_000, maxSockets: options.connections ?? 64 },
    },
    // A registration must not be tried twice: the second one would find its name taken.
    maxAttempts: 1,
  });
  return {
    async authorize(request) {
      const answer = await client
        .send(
          new InvokeCommand({ FunctionName: functionName, Payload: Buffer.from(JSON.stringify(request)) }),
        )
        .catch((thrown: unknown) => Promise.reject(away(coerceError(thrown).message, thrown)));
      return readVerdict(answer);
    },
    close: () => client.destroy(),
  };
}

function readVerdict(answer: InvokeCommandOutput): v.InferOutput<typeof loginReply> {
  const text = Buffer.from(answer.Payload ?? []).toString("utf8");
  if (answer.FunctionError !== undefined) {
    const parsed = v.safeParse(failure, text);
    throw away(`${answer.FunctionError}: ${parsed.success ? parsed.output.errorMessage : "no reason given"}`);
  }
  const parsed = v.safeParse(verdict, text);
  if (parsed.success) return parsed.output;
  throw away(`its answer is no verdict: ${parsed.issues[0].message.slice(0, 200)}`);
}

function away(reason: string, cause?: unknown): CodedError {
  return new CodedError("auth-away", `the auth function gives no verdict: ${reason}`, { cause });
}
