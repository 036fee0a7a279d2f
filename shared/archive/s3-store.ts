/** The archive in a bucket of S3. A file is never written over: where the bucket has it already, it is left as it is. */

import { type AwsOptions, requestAws } from "../aws/call.ts";
import { CodedError } from "../errors.ts";
import type { ArchiveStore } from "./store.ts";

/** A file is some megabytes at most. */
const TIMEOUT_MS = 20_000;
const ADDRESS = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/([A-Za-z0-9_./-]*?))?\/?$/;

/** `s3://BUCKET` or `s3://BUCKET/PREFIX`. Throws CodedError `config` for another text. */
export function s3Store(address: string, options: AwsOptions): ArchiveStore {
  const [, bucket, prefix = ""] = ADDRESS.exec(address) ?? [];
  if (bucket === undefined)
    throw new CodedError("config", `expected s3://BUCKET or s3://BUCKET/PREFIX, got ${address}`);
  const inBucket = prefix === "" ? "" : `${prefix}/`;
  const ask = (
    method: "GET" | "PUT",
    name: string,
    send: { readonly headers?: Readonly<Record<string, string>>; readonly body?: Uint8Array } = {},
  ) =>
    requestAws(atBucket(options, bucket), {
      service: "s3",
      method,
      path: pathOf(options, bucket, `${inBucket}${name}`),
      headers: {},
      body: "",
      timeoutMs: TIMEOUT_MS,
      ...send,
    });
  return {
    place: address,
    async put(name, body) {
      const reply = await ask("PUT", name, {
        headers: { "content-type": "application/octet-stream", "if-none-match": "*" },
        body,
      });
      // 412: it is there already.
      if (!reply.ok && reply.status !== 412) throw refused(reply);
    },
    async get(name) {
      const reply = await ask("GET", name);
      if (reply.ok) return reply.bytes;
      if (reply.status === 404 && codeOf(reply) === "NoSuchKey") return undefined;
      throw refused(reply);
    },
  };
}

/** AWS has a name for each bucket, an emulator one for all. */
function atBucket({ region, endpoint }: AwsOptions, bucket: string): AwsOptions {
  return { region, endpoint: endpoint ?? `https://${bucket}.s3.${region}.amazonaws.com` };
}

function pathOf({ endpoint }: AwsOptions, bucket: string, key: string): string {
  return endpoint === undefined ? `/${key}` : `/${bucket}/${key}`;
}

interface Reply {
  readonly status: number;
  readonly bytes: Uint8Array;
}

function codeOf({ bytes }: Reply): string {
  return /<Code>(\w+)<\/Code>/.exec(Buffer.from(bytes).toString("utf8"))?.[1] ?? "refused";
}

function refused(reply: Reply): CodedError {
  return new CodedError("aws-refused", `s3: ${codeOf(reply)} (${reply.status})`);
}
