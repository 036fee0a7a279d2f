/** TCP or TLS sockets for the stratum server. */

import { createServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import { CodedError, coerceError } from "../../shared/errors.ts";
import type { StratumServer } from "./server.ts";

const BACKLOG = 4_096;
const KEEP_ALIVE_MS = 60_000;
const HANDSHAKE_MS = 10_000;

export interface ListenOptions {
  readonly host: string;
  /** 0 picks a free one. */
  readonly port: number;
  /** PEM texts; without them the connections are plain TCP. */
  readonly tls?: { readonly key: string; readonly cert: string };
}

export interface Listening {
  readonly host: string;
  readonly port: number;
  /** Stops accepting. Open sessions belong to the stratum server. */
  stop(): void;
}

/** Throws CodedError `port-taken` or `listen-failed`. */
export async function listenStratum(options: ListenOptions, server: StratumServer): Promise<Listening> {
  const take = (socket: Socket): void => {
    server.accept(socket, socket.remoteAddress ?? "");
  };
  const socketOptions = { noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_MS };
  const listener: Server =
    options.tls === undefined
      ? createServer(socketOptions, take)
      : createTlsServer({ ...socketOptions, ...options.tls, handshakeTimeout: HANDSHAKE_MS }, take);
  // Before its handshake a TLS client is not yet a session: these are counted here, sessions by the server itself.
  listener.maxConnections = 2 * server.maxConnections;
  // A failed handshake is the client's affair; without a listener the event would be a crash.
  listener.on("tlsClientError", () => undefined);
  await new Promise<void>((resolve, reject) => {
    listener.once("error", (thrown) => reject(explain(options, thrown)));
    listener.listen({ host: options.host, port: options.port, backlog: BACKLOG }, resolve);
  });
  listener.removeAllListeners("error");
  // An accept that fails (no file descriptors left) must not end the process: the client tries again.
  listener.on("error", () => undefined);
  const bound = listener.address();
  const port = typeof bound === "object" && bound !== null ? bound.port : options.port;
  return { host: options.host, port, stop: () => void listener.close() };
}

function explain(options: ListenOptions, thrown: unknown): CodedError {
  const error = coerceError(thrown);
  const where = `${options.host}:${options.port}`;
  if ("code" in error && error.code === "EADDRINUSE")
    return new CodedError(
      "port-taken",
      `stratum: ${where} is in use by another program. Stop that program, or choose another port (0 = any free one).`,
      { cause: error },
    );
  return new CodedError("listen-failed", `stratum: cannot listen on ${where}: ${error.message}`, {
    cause: error,
  });
}
