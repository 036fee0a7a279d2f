/**
 * Takes CloudFront's place in front of an emulator's function URL. A browser cannot send the function's host, so this does, and it proves itself
 * as CloudFront does.
 */

import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import { HOST_HEADER, SECRET_HEADER } from "../../functions/api/http/origin.ts";
import { CodedError } from "../../shared/errors.ts";

export interface FrontOptions {
  readonly host: string;
  /** 0 picks a free one. */
  readonly port: number;
  /** The emulator. */
  readonly endpoint: string;
  readonly functionUrl: string;
  readonly secret: string;
}

export interface Front {
  /** `http://localhost:port` */
  readonly url: string;
  stop(): Promise<void>;
}

const TIMEOUT_MS = 20_000;

/** Throws CodedError `web-port` where the port is taken. */
export async function startFront(options: FrontOptions): Promise<Front> {
  const server = createServer((incoming, outgoing) => pass(options, incoming, outgoing));
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause) =>
      reject(
        new CodedError("web-port", `the pages' port ${options.port} cannot be had: ${cause.message}`, {
          cause,
        }),
      ),
    );
    server.listen(options.port, options.host, resolve);
  });
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : options.port;
  return {
    url: `http://localhost:${port}`,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function pass(options: FrontOptions, incoming: IncomingMessage, outgoing: ServerResponse): void {
  const { hostname, port } = new URL(options.endpoint);
  const passed = request(
    {
      ...{ hostname, port, timeout: TIMEOUT_MS },
      method: incoming.method ?? "GET",
      path: incoming.url ?? "/",
      headers: {
        ...incoming.headers,
        host: new URL(options.functionUrl).host,
        [HOST_HEADER]: incoming.headers.host ?? "",
        [SECRET_HEADER]: options.secret,
        "cloudfront-viewer-address": `${incoming.socket.remoteAddress ?? "127.0.0.1"}:${incoming.socket.remotePort ?? 0}`,
      },
    },
    (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    },
  );
  passed.on("timeout", () => passed.destroy());
  passed.on("error", () => {
    if (!outgoing.headersSent) outgoing.writeHead(502, { "content-type": "text/plain" });
    outgoing.end("the api function does not answer\n");
  });
  incoming.pipe(passed);
}
