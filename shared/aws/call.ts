/**
 * One signed call of an AWS service that the pool asks for a single thing. AWS's signer and credentials without a client of its own for each: those
 * would double the size of a function that reads one secret.
 */

import { createHash, createHmac, type Hash, type Hmac } from "node:crypto";
import { defaultProvider } from "@aws-sdk/credential-provider-node";
import { SignatureV4 } from "@smithy/signature-v4";
import { CodedError, coerceError } from "../errors.ts";

export interface AwsOptions {
  readonly region: string;
  /** Where another one than AWS's own is asked: an emulator. */
  readonly endpoint?: string | undefined;
}

export interface AwsRequest {
  readonly service: "secretsmanager" | "sqs" | "rds";
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** To a service that is asked by methods and paths. */
export interface AwsPathRequest {
  readonly service: "s3" | AwsRequest["service"];
  readonly method: "GET" | "PUT" | "POST";
  /** From `/` on; of letters, digits and `-._/` only, since nothing here escapes it. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array;
  readonly timeoutMs: number;
}

export interface AwsReply {
  readonly ok: boolean;
  readonly status: number;
  readonly bytes: Uint8Array;
}

/** A call of which the caller can say something useful takes no longer. */
const TIMEOUT_MS = 5_000;
const credentials = defaultProvider();

/** Resolves to the body of the answer. Throws CodedError `aws-away` without one, and `aws-refused` with the service's name of the error. */
export async function callAws(options: AwsOptions, request: AwsRequest): Promise<string> {
  const post = { method: "POST", path: "/", timeoutMs: TIMEOUT_MS } as const;
  const reply = await requestAws(options, { ...request, ...post });
  const text = Buffer.from(reply.bytes).toString("utf8");
  if (reply.ok) return text;
  const error = /"__type"\s*:\s*"([\w.#]+)"|<Code>([\w.]+)<\/Code>/.exec(text);
  throw new CodedError(
    "aws-refused",
    `${request.service}: ${error?.[1] ?? error?.[2] ?? "refused"} (${reply.status})`,
  );
}

/** Resolves to the answer, also where it is a refusal. Throws CodedError `aws-away` without one. */
export async function requestAws(
  { region, endpoint }: AwsOptions,
  { service, method, path, headers, body, timeoutMs }: AwsPathRequest,
): Promise<AwsReply> {
  const url = new URL(endpoint ?? `https://${service}.${region}.amazonaws.com`);
  const signer = new SignatureV4({ service, region, credentials, sha256: Sha256, uriEscapePath: false });
  try {
    const signed = await signer.sign({
      ...{ method, path, body, protocol: url.protocol, hostname: url.hostname },
      ...(url.port === "" ? {} : { port: Number(url.port) }),
      headers: { host: url.host, ...headers },
    });
    const { host: _, ...sent } = signed.headers;
    const reply = await fetch(new URL(path, url), {
      ...{ method, headers: sent, signal: AbortSignal.timeout(timeoutMs) },
      ...(method === "GET" ? {} : { body }),
    });
    return { ok: reply.ok, status: reply.status, bytes: new Uint8Array(await reply.arrayBuffer()) };
  } catch (thrown) {
    throw new CodedError("aws-away", `${service}: ${coerceError(thrown).message}`, { cause: thrown });
  }
}

/** The signer's hash, by Node. */
class Sha256 {
  readonly #hash: Hash | Hmac;

  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.#hash = secret === undefined ? createHash("sha256") : createHmac("sha256", bytesOf(secret));
  }

  update(data: string | ArrayBuffer | ArrayBufferView): void {
    this.#hash.update(bytesOf(data));
  }

  digest(): Promise<Uint8Array> {
    return Promise.resolve(new Uint8Array(this.#hash.digest()));
  }

  reset(): void {
    throw new Error("a hash is used once");
  }
}

function bytesOf(data: string | ArrayBuffer | ArrayBufferView): Uint8Array {
  if (typeof data === "string") return Buffer.from(data, "utf8");
  if (data instanceof ArrayBuffer) return new Uint8Array(data);
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}
