/**
 * A request to an address that a user or the operator chose. What its name resolves to is looked at when it is dialled, and nothing else is dialled: a name cannot be
 * public when it is checked and private when it is used. The same at each redirect.
 */

import { type LookupAddress, lookup as systemLookup } from "node:dns";
import { request as httpRequest, type IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import { isIP, type LookupFunction } from "node:net";
import { coerceError } from "../../shared/errors.ts";
import { isPublicAddress } from "./public-address.ts";

export interface RequestOptions {
  /** Also plain http, and addresses that are not of the internet: for networks of one's own. */
  readonly allowPrivate: boolean;
  /** For all of it: resolve, dial, send, every redirect. */
  readonly timeoutMs: number;
}

/** All addresses of a name. */
export type Resolve = (name: string) => Promise<readonly LookupAddress[]>;

export interface GuardedRequest {
  /** Default POST. */
  readonly method?: "GET" | "POST";
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** Headers that only the first address is given, not the one that it redirects to. */
  readonly secretHeaders?: Readonly<Record<string, string>>;
}

/** `words` are for the owner of the target, and say nothing of what an address inside answered. */
export type RequestOutcome =
  | {
      readonly kind: "answered";
      readonly status: number;
      readonly retryAfterSeconds?: number;
      readonly body: string;
    }
  | { readonly kind: "failed"; readonly words: string };

const MAX_REDIRECTS = 3;
/** Of an answer; no channel needs more. */
const MAX_ANSWER_BYTES = 4096;

export const resolveAll: Resolve = (name) =>
  new Promise((resolve, reject) => {
    systemLookup(name, { all: true }, (error, addresses) => (error ? reject(error) : resolve(addresses)));
  });

/** Never rejects. */
export async function guardedRequest(
  request: GuardedRequest,
  options: RequestOptions,
  resolve: Resolve = resolveAll,
): Promise<RequestOutcome> {
  const signal = AbortSignal.timeout(options.timeoutMs);
  let { url } = request;
  for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
    const target = checkedUrl(url, options);
    if (typeof target === "string") return { kind: "failed", words: target };
    const isFirst = redirects === 0 || target.origin === new URL(request.url).origin;
    const headers = { ...request.headers, ...(isFirst ? request.secretHeaders : {}) };
    const { method = "POST", body } = request;
    const answer = await send(target, { method, headers, body }, { ...options, signal, resolve });
    if (answer.kind === "failed" || answer.location === undefined) return answer;
    const next = URL.parse(answer.location, target.href);
    if (next === null) return { kind: "failed", words: "it redirects to what is no address" };
    if (target.protocol === "https:" && next.protocol !== "https:")
      return { kind: "failed", words: "it redirects from https to an address without" };
    url = next.href;
  }
  return { kind: "failed", words: `it redirects more than ${MAX_REDIRECTS} times` };
}

/** Why not, in words; or the address. */
export function checkedUrl(
  text: string,
  { allowPrivate }: Pick<RequestOptions, "allowPrivate">,
): URL | string {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol)) return "expected an address that begins with https://";
  if (url.protocol === "http:" && !allowPrivate) return "expected https://, got http://";
  if (url.username !== "" || url.password !== "")
    return "expected an address without a user and a password in it";
  const host = url.hostname.replace(/^\[|\]$/g, "");
  if (!allowPrivate && isIP(host) !== 0 && !isPublicAddress(host)) return PRIVATE;
  return url;
}

const PRIVATE = "its address is not one of the public internet";

interface Answered {
  readonly kind: "answered";
  readonly status: number;
  readonly retryAfterSeconds?: number;
  readonly body: string;
  readonly location?: string;
}

function send(
  url: URL,
  { method, headers, body }: Required<Pick<GuardedRequest, "method" | "headers" | "body">>,
  options: RequestOptions & { readonly signal: AbortSignal; readonly resolve: Resolve },
): Promise<Answered | Extract<RequestOutcome, { kind: "failed" }>> {
  const { signal, allowPrivate, resolve } = options;
  return new Promise((done) => {
    const failed = (thrown: unknown): void =>
      done({ kind: "failed", words: wordsOf(coerceError(thrown), signal) });
    const open = url.protocol === "https:" ? httpsRequest : httpRequest;
    const length = method === "GET" ? {} : { "content-length": `${Buffer.byteLength(body)}` };
    const request = open(
      url,
      {
        ...{ method, signal, lookup: guardedLookup(allowPrivate, resolve) },
        // A connection of its own: none that was opened for somebody else.
        agent: false,
        headers: { ...headers, ...length, "user-agent": "prosper-pool" },
      },
      (response) => {
        readAnswer(response).then(done, failed);
      },
    );
    request.on("error", failed);
    request.end(body);
  });
}

/** Where one of the name's addresses is private, none is dialled: its owner is not to choose by chance. */
function guardedLookup(allowPrivate: boolean, resolve: Resolve): LookupFunction {
  return (name, lookupOptions, callback) => {
    resolve(name).then(
      (addresses) => {
        const [first] = addresses;
        if (first === undefined) return callback(new Error(UNKNOWN), "", 0);
        if (!allowPrivate && !addresses.every(({ address }) => isPublicAddress(address)))
          return callback(new Error(PRIVATE), "", 0);
        if (lookupOptions.all === true) callback(null, [...addresses]);
        else callback(null, first.address, first.family);
      },
      () => callback(new Error(UNKNOWN), "", 0),
    );
  };
}

const UNKNOWN = "its name has no address";

async function readAnswer(response: IncomingMessage): Promise<Answered> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes >= MAX_ANSWER_BYTES) break;
  }
  response.destroy();
  const status = response.statusCode ?? 0;
  const retryAfter = Number(response.headers["retry-after"]);
  const { location } = response.headers;
  return {
    ...{
      kind: "answered",
      status,
      body: Buffer.concat(chunks).subarray(0, MAX_ANSWER_BYTES).toString("utf8"),
    },
    ...(Number.isFinite(retryAfter) && retryAfter > 0 ? { retryAfterSeconds: retryAfter } : {}),
    // Others turn a POST into a GET.
    ...((status === 307 || status === 308) && location !== undefined ? { location } : {}),
  };
}

/** What the system says may name addresses inside; the words are our own. */
function wordsOf(error: Error, signal: AbortSignal): string {
  if (signal.aborted) return "it did not answer in time";
  if (error.message === PRIVATE || error.message === UNKNOWN) return error.message;
  const code = "code" in error ? String(error.code) : "";
  if (code === "ECONNREFUSED") return "nothing listens there";
  if (code === "ECONNRESET" || code === "EPIPE") return "it closed the connection";
  if (/CERT|SSL|TLS|SELF_SIGNED|ALTNAME/.test(code)) return `its certificate is not in order (${code})`;
  return code === "" ? "it could not be reached" : `it could not be reached (${code})`;
}
