/** The pool's web server: HTTP on its own port, answered by the same handler that Lambda runs. */

import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { isIP } from "node:net";
import type { APIGatewayProxyEventV2, Context } from "aws-lambda";
import type { Registry } from "prom-client";
import { ALL_ADDRESSES, hostAndPort, listenOn } from "../../edge/stratum/listen-on.ts";
import { pack } from "../../functions/api/http/pack.ts";
import { errorReply, type HttpReply, textReply } from "../../functions/http.ts";
import { LOCAL_CONTEXT } from "../../functions/local-context.ts";
import { CodedError, coerceError } from "../../shared/errors.ts";
import { type AddressRanges, addressRanges, withoutMapping } from "../../shared/ip-address.ts";
import type { Logger } from "../../shared/logger.ts";
import { readBody } from "../../shared/read-body.ts";
import { type LiveStreams, STREAM_PATH } from "./live-streams.ts";
import { WebConnections } from "./web-connections.ts";

export interface WebOptions {
  /** `::` is every address, of IPv4 too. */
  readonly host: string;
  /** 0 picks a free one. */
  readonly port: number;
  /** Addresses and CIDR ranges of proxies whose X-Forwarded-For is believed. */
  readonly proxies?: readonly string[];
  /** The head of a request must have come in this time. Default: 10 s. */
  readonly headersMs?: number;
}

export interface WebModules {
  /** Never rejects. */
  readonly handler: (event: APIGatewayProxyEventV2, context: Context) => Promise<HttpReply>;
  readonly logger: Logger;
  /** Served at /metrics. */
  readonly metrics?: Pick<Registry, "contentType" | "metrics">;
  /** Pages that hear what changes; without it they ask. */
  readonly streams?: LiveStreams;
}

export interface Web {
  /** For people: a server on all addresses is shown as localhost. */
  readonly url: string;
  readonly port: number;
  /** Finishes open requests, for at most a second. */
  stop(): Promise<void>;
}

const MAX_BODY_BYTES = 64 * 1024;
const MAX_CONNECTIONS = 2000;
/** A browser opens six; an IPv6 /64 is one address. */
const MAX_PER_ADDRESS = 100;
/** Connections that the system keeps until they are taken: beyond, a visitor waits for its second try. */
const BACKLOG = 4_096;
/** A whole request must have come in this time. Nobody needs longer for 64 KB. */
const REQUEST_MS = 15_000;
const HEADERS_MS = 10_000;
const KEEP_ALIVE_MS = 30_000;
/** The longest time without a byte in or out. After it, the reader counts as stuck. */
const IDLE_MS = 30_000;
const STOP_MS = 1000;

/** Throws CodedError `web-port` when the port cannot be had. */
export async function startWeb(options: WebOptions, modules: WebModules): Promise<Web> {
  const proxies = addressRanges("proxies", options.proxies ?? []);
  const headersMs = options.headersMs ?? HEADERS_MS;
  const connections = new WebConnections({ perAddress: MAX_PER_ADDRESS, inAll: MAX_CONNECTIONS, proxies });
  const server = createServer({ connectionsCheckingInterval: headersMs / 5 }, (request, response) => {
    serve(request, response, { ...modules, proxies, connections }).catch((error: unknown) => {
      // A client that hangs up in the middle of its request is no fault of ours, and must not fill the log.
      if (!request.readableAborted)
        modules.logger.error("a web request broke", { error: coerceError(error).message });
      response.destroy();
    });
  });
  server.on("connection", (socket) => connections.enter(socket));
  server.timeout = IDLE_MS;
  server.requestTimeout = REQUEST_MS;
  server.headersTimeout = headersMs;
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  const port = await listen(server, options);
  const isForAll = options.host === "0.0.0.0" || options.host === ALL_ADDRESSES;
  return {
    url: `http://${hostAndPort(isForAll ? "localhost" : options.host, port)}`,
    port,
    stop: () => {
      // They would be open for ever.
      modules.streams?.stop();
      return stop(server);
    },
  };
}

async function listen(server: Server, { host, port }: WebOptions): Promise<number> {
  await listenOn(server, { host, port, backlog: BACKLOG }).catch((thrown: unknown) => {
    const error = coerceError(thrown);
    const isTaken = "code" in error && error.code === "EADDRINUSE";
    const what = isTaken ? "is taken by another program" : error.message;
    throw new CodedError(
      "web-port",
      `web port ${hostAndPort(host, port)}: ${what}; choose another with --web-port`,
      { cause: error },
    );
  });
  // An accept that fails (no file descriptors left) must not end the process: the visitor tries again.
  server.on("error", () => undefined);
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : port;
}

function stop(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const force = setTimeout(() => server.closeAllConnections(), STOP_MS);
    server.close(() => {
      clearTimeout(force);
      resolve();
    });
    server.closeIdleConnections();
  });
}

async function serve(
  request: IncomingMessage,
  response: ServerResponse,
  modules: WebModules & { readonly proxies: AddressRanges; readonly connections: WebConnections },
): Promise<void> {
  const { connections, metrics } = modules;
  const { socket } = request;
  response.once("close", () => connections.answered(socket));
  const path = (request.url ?? "/").split("?")[0];
  if (path === "/metrics" && metrics !== undefined) {
    const { headers, ...reply } = textReply(200, await metrics.metrics());
    const typed = { ...reply, headers: { ...headers, "content-type": metrics.contentType } };
    const event = eventOf(request, Buffer.alloc(0), "");
    send(response, event === undefined ? typed : await pack(event, typed));
    return;
  }
  const body = await readBody(request, { maxBytes: MAX_BODY_BYTES, drainBytes: 4 * MAX_BODY_BYTES });
  if (body === undefined) {
    send(response, errorReply(413, "too-large", `a body has at most ${MAX_BODY_BYTES} bytes`));
    return;
  }
  connections.answering(socket);
  const from = visitorOf(request, modules.proxies);
  const event = eventOf(request, body, from);
  if (event === undefined) {
    send(response, errorReply(400, "bad-address", "the address of the request is none"));
    return;
  }
  if (path === STREAM_PATH && request.method === "GET" && modules.streams !== undefined) {
    const refusal = await modules.streams.open({ event, from }, response);
    if (refusal !== undefined) send(response, refusal);
    return;
  }
  send(response, await modules.handler(event, LOCAL_CONTEXT));
}

/** The last address that no trusted proxy has. What is before it, the visitor may have written itself. */
function visitorOf(request: IncomingMessage, proxies: AddressRanges): string {
  const forwarded = [request.headers["x-forwarded-for"] ?? []].flat().join(",").split(",");
  const hops = [...forwarded.map((hop) => hop.trim()), withoutMapping(request.socket.remoteAddress ?? "")];
  const visitor = hops.findLastIndex((hop) => !proxies.has(hop));
  const address = hops[visitor] ?? "";
  return visitor === hops.length - 1 || isIP(address) !== 0 ? address : (hops[visitor + 1] ?? "");
}

/** The request as API Gateway (HTTP API, version 2) would hand it over; undefined when its address does not parse. */
function eventOf(
  request: IncomingMessage,
  body: Buffer,
  sourceIp: string,
): APIGatewayProxyEventV2 | undefined {
  const target = request.url ?? "/";
  // A browser never sends an absolute or odd form ("//host", "*") to an origin server.
  const url = /^\/(?!\/)/.test(target) ? URL.parse(target, "http://local") : null;
  if (url === null) return undefined;
  const method = request.method === "HEAD" ? "GET" : (request.method ?? "GET");
  const headers = Object.entries(request.headers).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, Array.isArray(value) ? value.join(",") : value]],
  );
  const cookies = (request.headers.cookie ?? "").split(/;\s*/).filter((cookie) => cookie !== "");
  return {
    version: "2.0",
    routeKey: "$default",
    rawPath: url.pathname,
    rawQueryString: url.search.slice(1),
    cookies,
    headers: Object.fromEntries(headers),
    requestContext: {
      accountId: "local",
      apiId: "local",
      domainName: request.headers.host ?? "",
      domainPrefix: "",
      http: {
        method,
        path: url.pathname,
        protocol: `HTTP/${request.httpVersion}`,
        sourceIp,
        userAgent: request.headers["user-agent"] ?? "",
      },
      requestId: "local",
      routeKey: "$default",
      stage: "$default",
      time: "",
      timeEpoch: 0,
    },
    ...(body.length === 0 ? {} : { body: body.toString("utf8") }),
    isBase64Encoded: false,
  };
}

function send(response: ServerResponse, reply: HttpReply): void {
  response.statusCode = reply.statusCode ?? 200;
  for (const [name, value] of Object.entries(reply.headers ?? {})) response.setHeader(name, String(value));
  if (reply.cookies !== undefined) response.setHeader("set-cookie", reply.cookies);
  response.end(reply.isBase64Encoded === true ? Buffer.from(reply.body ?? "", "base64") : reply.body);
}
