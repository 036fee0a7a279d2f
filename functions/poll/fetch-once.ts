/** One HTTP request to a price source: bounded in time and size, never redirected, without TLS only to this machine (docs/spec.md, "Asking"). */

import type { Clock } from "../../shared/clock.ts";
import { coerceError } from "../../shared/errors.ts";
import type { SourceRequest } from "../../shared/prices/source.ts";
import { readBody } from "../../shared/read-body.ts";

export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/** `retry`: the same request may work in a moment. `retryAfterMs`: the pause that the service wants. A failure names the host, never the address. */
export type FetchOutcome =
  | { readonly kind: "answered"; readonly body: string }
  | {
      readonly kind: "failed";
      readonly failure: string;
      readonly retry: boolean;
      readonly retryAfterMs?: number;
    };

export interface FetchLimits {
  readonly timeoutMs: number;
  readonly maxBytes: number;
}

const LOOPBACK = new Set(["127.0.0.1", "localhost", "[::1]"]);
const LONGEST_RETRY_AFTER_S = 24 * 3600;

/** Makes the request. A failure of the network or of the service is an outcome, not an exception. */
export async function fetchOnce(
  request: SourceRequest,
  limits: FetchLimits,
  modules: { readonly fetch: Fetch; readonly clock: Clock },
): Promise<FetchOutcome> {
  const url = URL.parse(request.url);
  if (url === null) return failed("expected a full address, got something else; check the source's base URL");
  if (url.protocol !== "https:" && !(url.protocol === "http:" && LOOPBACK.has(url.hostname)))
    return failed(`expected https, got ${url.protocol} to ${url.hostname}`);
  const abort = new AbortController();
  const timer = modules.clock.after(limits.timeoutMs, () => abort.abort());
  try {
    const response = await modules.fetch(request.url, {
      method: request.body === undefined ? "GET" : "POST",
      headers: request.headers,
      ...(request.body === undefined ? {} : { body: request.body }),
      redirect: "manual",
      signal: abort.signal,
    });
    return await readResponse(response, url.hostname, limits.maxBytes);
  } catch (thrown) {
    if (abort.signal.aborted)
      return {
        kind: "failed",
        failure: `no answer from ${url.hostname} in ${limits.timeoutMs} ms`,
        retry: true,
      };
    return { kind: "failed", failure: `${url.hostname} is not reachable: ${reason(thrown)}`, retry: true };
  } finally {
    timer.stop();
  }
}

function failed(failure: string): FetchOutcome {
  return { kind: "failed", failure, retry: false };
}

/** The system's code, such as ECONNREFUSED. The messages of fetch may quote the address, and with it a key. */
function reason(thrown: unknown): string {
  const error = coerceError(thrown);
  const cause: unknown = error.cause;
  if (typeof cause === "object" && cause !== null && "code" in cause) return String(cause.code);
  return error.name;
}

async function readResponse(response: Response, host: string, maxBytes: number): Promise<FetchOutcome> {
  const { status } = response;
  if (status >= 300 && status < 400) {
    await response.body?.cancel();
    const target =
      URL.parse(response.headers.get("location") ?? "", `https://${host}`)?.hostname ?? "nowhere";
    return failed(`${host} has moved to ${target} (status ${status}); redirects are not followed`);
  }
  if (!response.ok) {
    await response.body?.cancel();
    const retryAfterMs = retryAfter(response.headers.get("retry-after"));
    return {
      kind: "failed",
      failure: `${host} answered with status ${status}`,
      retry: status >= 500 && retryAfterMs === undefined,
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    };
  }
  const body = await readBody(response.body, { maxBytes });
  if (body === undefined) return failed(`${host} sent more than ${maxBytes} bytes`);
  return { kind: "answered", body: body.toString("utf8") };
}

/** Reads seconds only: services that limit rates send those. */
function retryAfter(header: string | null): number | undefined {
  if (header === null || !/^\d{1,9}$/.test(header)) return undefined;
  return Math.min(Number(header), LONGEST_RETRY_AFTER_S) * 1000;
}
