/** The devnet's HTTP side: factomd on /v2, pegnetd on /v1, controls on /control. */

import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import * as v from "valibot";
import { type Clock, type Random, sleep } from "../../shared/clock.ts";
import { coerceError } from "../../shared/errors.ts";
import { parseJson } from "../../shared/json-source.ts";
import type { Logger } from "../../shared/logger.ts";
import { readBody } from "../../shared/read-body.ts";
import { CONTROL, type Control, type ControlState } from "./controls.ts";
import { listen, type OpenServer } from "./open-server.ts";
import { RawJson, RpcError, type RpcMethods } from "./rpc-methods.ts";

export interface NodeServerOptions {
  readonly host: string;
  readonly port: number;
  /** For a call that must get no answer: its connection is closed after this time. */
  readonly hangMs: number;
}

export interface NodeServerModules {
  readonly factomd: RpcMethods;
  readonly pegnetd: RpcMethods;
  readonly control: (change: Control) => void;
  readonly state: () => ControlState;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/** An entry of 10 KiB is 20 KB of hex; nothing else is larger. */
const BODY_BYTES_MAX = 256 * 1024;

/** As a factomd with `CorsDomains = *` in its configuration: pages of anybody may read its answers. */
const ANY_PAGE = { "access-control-allow-origin": "*" };

const REQUEST = v.object({
  id: v.optional(v.union([v.number(), v.string(), v.null_()]), null),
  method: v.string(),
  params: v.optional(v.unknown()),
});

/** Starts the server. Rejects with CodedError `port-taken`. */
export async function startNodeServer(
  options: NodeServerOptions,
  modules: NodeServerModules,
): Promise<OpenServer> {
  const closing = new AbortController();
  const server = createServer((request, response) => {
    const delay = (ms: number): Promise<void> => sleep(modules.clock, ms, closing.signal);
    handle(request, response, { ...options, delay }, modules).catch((thrown: unknown) => {
      modules.logger.warn("a call to the devnet failed", {
        url: request.url,
        error: coerceError(thrown).message,
      });
      response.destroy();
    });
  });
  const { url, close } = await listen(server, options.host, options.port, "devnet");
  return {
    url,
    close() {
      closing.abort();
      return close();
    },
  };
}

async function handle(
  request: IncomingMessage,
  response: ServerResponse,
  options: NodeServerOptions & { readonly delay: (ms: number) => Promise<void> },
  modules: NodeServerModules,
): Promise<void> {
  const { pathname } = new URL(request.url ?? "/", "http://devnet");
  const body = (await readBody(request, { maxBytes: BODY_BYTES_MAX }))?.toString("utf8");
  if (body === undefined)
    return send(response, 413, JSON.stringify({ error: `expected at most ${BODY_BYTES_MAX} bytes` }));
  if (pathname === "/control") return control(request.method ?? "GET", body, response, modules);
  const methods = { "/v2": modules.factomd, "/v1": modules.pegnetd }[pathname];
  if (methods === undefined || request.method !== "POST")
    return send(response, 404, JSON.stringify({ error: "expected POST /v2, POST /v1, or /control" }));
  const { delayMs } = modules.state();
  // Half the delay on the way there, half on the way back. As with a node far away, answers are as old, and
  // sent messages as late.
  const travel = async (): Promise<void> => {
    if (pathname === "/v2" && delayMs > 0) await options.delay(delayMs / 2);
  };
  const fault = pathname === "/v2" ? drawFault(modules) : undefined;
  await travel();
  if (fault === "http") return send(response, 500, "devnet: told to fail");
  if (fault === "hang") {
    modules.clock.after(options.hangMs, () => response.destroy());
    return;
  }
  const { status, text } = await answer(methods, body, fault === "rpc", modules.logger);
  await travel();
  send(response, status, text, pathname === "/v2" ? ANY_PAGE : {});
}

type Fault = "rpc" | "http" | "hang";

/** One of the three kinds of fault, for the part of the calls that must fail. */
function drawFault({ state, random }: NodeServerModules): Fault | undefined {
  const rate = state().errors;
  if (rate === 0) return undefined;
  const bytes = random(5);
  const draw = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0) / 2 ** 32;
  const kinds: readonly Fault[] = ["rpc", "http", "hang"];
  return draw < rate ? kinds[(bytes[4] ?? 0) % kinds.length] : undefined;
}

async function answer(
  methods: RpcMethods,
  body: string,
  mustFail: boolean,
  logger: Logger,
): Promise<{ readonly status: number; readonly text: string }> {
  const parsed = v.safeParse(REQUEST, parseJson(body));
  const id = parsed.success ? parsed.output.id : null;
  try {
    if (!parsed.success)
      throw parseJson(body) === undefined
        ? new RpcError(-32700, "Parse error")
        : new RpcError(-32600, "Invalid Request");
    if (mustFail) throw new RpcError(-32603, "Internal error", "devnet: told to fail");
    const method = methods.get(parsed.output.method);
    if (method === undefined) throw new RpcError(-32601, "Method not found");
    const result = await method(parsed.output.params ?? {});
    const text = result instanceof RawJson ? result.text : JSON.stringify(result);
    return { status: 200, text: `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":${text}}` };
  } catch (thrown) {
    if (!(thrown instanceof RpcError))
      logger.error("a method of the devnet failed", { error: coerceError(thrown).stack });
    const refused = thrown instanceof RpcError ? thrown : new RpcError(-32603, "Internal error");
    const error = { code: refused.code, message: refused.message, data: refused.data };
    // factomd answers its own errors with status 400.
    return { status: 400, text: JSON.stringify({ jsonrpc: "2.0", id, error }) };
  }
}

function control(method: string, body: string, response: ServerResponse, modules: NodeServerModules): void {
  if (method === "POST") {
    const change = v.safeParse(CONTROL, parseJson(body));
    if (!change.success) {
      const [issue] = change.issues;
      const error = `${v.getDotPath(issue) ?? "body"}: ${issue.message}`;
      send(response, 400, JSON.stringify({ error }));
      return;
    }
    modules.control(change.output);
  }
  send(response, 200, JSON.stringify(modules.state()));
}

function send(
  response: ServerResponse,
  status: number,
  text: string,
  more: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, { "content-type": "application/json", ...more }).end(text);
}
