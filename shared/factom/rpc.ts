/** One JSON-RPC 2.0 call over HTTP, bounded in time and size. Retrying is up to the caller. */

import * as v from "valibot";
import type { Clock, Random } from "../clock.ts";
import { CodedError, coerceError } from "../errors.ts";
import { hideSecrets } from "../hide-secrets.ts";
import { parseJson } from "../json-source.ts";
import { readBody } from "../read-body.ts";

export interface RpcOptions {
  /** For example http://localhost:8088/v2. */
  readonly url: string;
  /** For the whole call, reply included. */
  readonly timeoutMs: number;
}

export interface RpcModules {
  readonly fetch: typeof fetch;
  readonly clock: Clock;
  readonly random: Random;
}

/** Calls `method`; undefined `params` are left out of the request. The result is not checked. */
export type RpcCall = (method: string, params?: Readonly<Record<string, unknown>>) => Promise<unknown>;

/** A reply larger than this is cut off: a full block of pending entries is below 10 MB. */
const REPLY_BYTES_MAX = 32 * 1024 * 1024;

const ID = v.union([v.number(), v.string(), v.null_()]);
const REPLY = v.union([
  v.object({
    id: ID,
    error: v.object({ code: v.number(), message: v.string(), data: v.optional(v.unknown()) }),
  }),
  v.object({ id: ID, result: v.unknown() }),
]);

/**
 * The caller's way to a node. Each kind of failure is one CodedError, with `data.url` and `data.method`:
 * `factomd-unreachable` (no connection), `factomd-timeout`, `factomd-http` (an HTTP error without a JSON-RPC answer),
 * `factomd-reply` (not JSON-RPC, or too large), `factomd-refused` (the node's own error: `data.rpcCode`, `rpcMessage`, `rpcData`).
 */
export function createRpcCall(options: RpcOptions, modules: RpcModules): RpcCall {
  return async (method, params) => {
    const fail = (code: string, what: string, cause?: unknown, data?: Record<string, unknown>): CodedError =>
      new CodedError(code, hideSecrets(`factomd at ${options.url}: ${method}: ${what}`), {
        data: { url: hideSecrets(options.url), method, ...data },
        cause,
      });
    const id = new DataView(modules.random(4).buffer).getUint32(0) >>> 1;
    const body = JSON.stringify({ jsonrpc: "2.0", method, params, id });
    const { status, text } = await post(options, modules, body, fail);
    const parsed = v.safeParse(REPLY, parseJson(text));
    if (!parsed.success) {
      const start = JSON.stringify(text.slice(0, 120));
      if (status !== 200)
        throw fail("factomd-http", `expected a JSON-RPC answer, got HTTP ${status}: ${start}`);
      throw fail("factomd-reply", `expected a JSON-RPC answer, got ${start}: is this a factomd?`);
    }
    const reply = parsed.output;
    if ("error" in reply) {
      const { code, message, data } = reply.error;
      const detail = data === undefined || data === null ? "" : ` (${JSON.stringify(data).slice(0, 200)})`;
      const facts = { rpcCode: code, rpcMessage: message, rpcData: data };
      throw fail("factomd-refused", `refused: ${message} [${code}]${detail}`, undefined, facts);
    }
    if (reply.id !== id)
      throw fail("factomd-reply", `expected the answer to call ${id}, got that to ${reply.id}`);
    return reply.result;
  };
}

type Fail = (code: string, what: string, cause?: unknown) => CodedError;

async function post(
  options: RpcOptions,
  modules: RpcModules,
  body: string,
  fail: Fail,
): Promise<{ readonly status: number; readonly text: string }> {
  const abort = new AbortController();
  const timer = modules.clock.after(options.timeoutMs, () => abort.abort());
  try {
    const response = await modules.fetch(options.url, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body,
      signal: abort.signal,
    });
    const reply = await readBody(response.body, { maxBytes: REPLY_BYTES_MAX });
    if (reply === undefined)
      throw fail("factomd-reply", `expected at most ${REPLY_BYTES_MAX} bytes, got more`);
    return { status: response.status, text: new TextDecoder().decode(reply) };
  } catch (thrown) {
    if (thrown instanceof CodedError) throw thrown;
    if (abort.signal.aborted)
      throw fail(
        "factomd-timeout",
        `no answer within ${options.timeoutMs} ms: is the node overloaded?`,
        thrown,
      );
    const cause = coerceError(thrown);
    const reason = cause.cause instanceof Error ? cause.cause.message : cause.message;
    throw fail(
      "factomd-unreachable",
      `no connection (${reason}): check the address and that it runs`,
      thrown,
    );
  } finally {
    timer.stop();
  }
}
