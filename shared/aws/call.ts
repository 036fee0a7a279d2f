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

/** A call of which the caller can say something useful takes no longer. */
const TIMEOUT_MS = 5_000;
const credentials = defaultProvider();

/** Resolves to the body of the answer. Throws CodedError `aws-away` without one, and `aws-refused` with the service's name of the error. */
export async function callAws({ region, endpoint }: AwsOptions, request: AwsRequest): Promise<string> {
  const { service, body } = request;
  const url = new URL(endpoint ?? `https://${service}.${region}.amazonaws.com`);
  const signer = new SignatureV4({ service, region, credentials, sha256: Sha256 });
  try {
    const { headers } = await signer.sign({
      method: "POST",
      protocol: url.protocol,
      hostname: url.hostname,
      ...(url.port === "" ? {} : { port: Number(url.port) }),
      path: "/",
      headers: { host: url.host, ...request.headers },
      body,
    });
    const { host: _, ...sent } = headers;
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    const reply = await fetch(new URL("/", url), { method: "POST", headers: sent, body, signal });
    const text = await reply.text();
    if (reply.ok) return text;
    const error = /"__type"\s*:\s*"([\w.#]+)"|<Code>([\w.]+)<\/Code>/.exec(text);
    throw new CodedError(
      "aws-refused",
      `${service}: ${error?.[1] ?? error?.[2] ?? "refused"} (${reply.status})`,
    );
  } catch (thrown) {
    if (thrown instanceof CodedError) throw thrown;
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
