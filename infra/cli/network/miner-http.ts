/** The miner's HTTP interface, in xmrig's shape: its figures for whoever may connect, pause, resume and stop for who has the token. */

import { timingSafeEqual } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import * as v from "valibot";
import type { Miner } from "../../../edge/miner/miner.ts";
import { hostAndPort, listenOn } from "../../../edge/stratum/listen-on.ts";
import { CodedError, coerceError } from "../../../shared/errors.ts";
import { sha256 } from "../../../shared/sha256.ts";
import { backends, type MinerFacts, summary1, summary2 } from "./xmrig-views.ts";

export interface MinerHttpOptions {
  readonly host: string;
  /** 0 picks a free one. */
  readonly port: number;
  /** Without one nobody can change anything; with one nobody without it reads anything either. */
  readonly token: string | undefined;
}

export interface MinerHttpModules {
  readonly miner: Pick<Miner, "pause" | "resume" | "stop">;
  facts(): MinerFacts;
}

export interface MinerHttp {
  readonly port: number;
  close(): void;
}

/** Of a call; those there are have some dozens. */
const MOST_BODY_BYTES = 4_096;
const REQUEST_MS = 5_000;
const MOST_CONNECTIONS = 32;

const call = v.object({
  method: v.picklist(["pause", "resume", "stop"]),
  id: v.optional(v.union([v.number(), v.string(), v.null()]), null),
});

interface Reply {
  readonly status: number;
  readonly body: unknown;
}

/** Throws CodedError `miner-http` where the address cannot be listened on. */
export async function serveMinerHttp(
  { host, port, token }: MinerHttpOptions,
  modules: MinerHttpModules,
): Promise<MinerHttp> {
  const server = createServer(
    { requestTimeout: REQUEST_MS, headersTimeout: REQUEST_MS },
    (request, response) =>
      void answer(request, token, modules).then(
        (reply) => send(response, reply),
        () => response.destroy(),
      ),
  );
  server.maxConnections = MOST_CONNECTIONS;
  await listenOn(server, { host, port }).catch((cause: unknown) => {
    const why = coerceError(cause).message;
    const where = hostAndPort(host, port);
    throw new CodedError("miner-http", `--http: cannot listen on ${where}: ${why}. Choose another port`, {
      cause,
    });
  });
  // An accept that fails must not end the miner: the monitor asks again.
  server.on("error", () => undefined);
  const address = server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : port,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

async function answer(
  request: IncomingMessage,
  token: string | undefined,
  { facts, miner }: MinerHttpModules,
): Promise<Reply> {
  if (token !== undefined && !hasToken(request, token))
    return refusal(401, "give the token: Authorization: Bearer …");
  const path = new URL(request.url ?? "/", "http://miner").pathname;
  if (request.method === "POST" && path === "/json_rpc") {
    if (token === undefined)
      return refusal(403, "nothing can be changed: the miner was started without a token");
    return order(await bodyOf(request), miner);
  }
  if (request.method !== "GET") return refusal(405, "expected GET, or POST to /json_rpc");
  switch (path) {
    case "/1/summary":
      return { status: 200, body: summary1(facts()) };
    case "/2/summary":
      return { status: 200, body: summary2(facts()) };
    case "/2/backends":
      return { status: 200, body: backends(facts()) };
    default:
      return refusal(404, "there are /1/summary, /2/summary, /2/backends and POST /json_rpc");
  }
}

function order(body: string | undefined, miner: MinerHttpModules["miner"]): Reply {
  if (body === undefined) return refusal(413, `a call has at most ${MOST_BODY_BYTES} bytes`);
  const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), call), body);
  if (!parsed.success)
    return refusal(400, 'expected {"method": "pause"}, "resume" or "stop", as JSON-RPC has it');
  const { id, method } = parsed.output;
  // Not waited for: it ends when the pool has judged the last shares, and this answer with the process.
  if (method === "stop") setImmediate(() => void miner.stop());
  else miner[method]();
  return { status: 200, body: { id, jsonrpc: "2.0", result: { status: "OK" } } };
}

function hasToken(request: IncomingMessage, token: string): boolean {
  const given = request.headers.authorization?.replace(/^Bearer /, "") ?? "";
  return timingSafeEqual(sha256(given), sha256(token));
}

/** Undefined where it is too long. */
async function bodyOf(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    if (!Buffer.isBuffer(chunk)) return undefined;
    bytes += chunk.length;
    if (bytes > MOST_BODY_BYTES) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function refusal(status: number, error: string): Reply {
  return { status, body: { error } };
}

function send(response: ServerResponse, { status, body }: Reply): void {
  response.writeHead(status, { "content-type": "application/json", "cache-control": "no-store" });
  response.end(JSON.stringify(body));
}
