/** TCP or TLS sockets for the stratum server; behind a balancer, with the client's address from the PROXY header. */

import { createServer, type Server, type Socket } from "node:net";
import { createSecureContext, type SecureContext, TLSSocket } from "node:tls";
import { CodedError, coerceError } from "../../shared/errors.ts";
import { type AddressRanges, addressRanges, withoutMapping } from "../../shared/ip-address.ts";
import { hostAndPort, listenOn } from "./listen-on.ts";
import { readProxyHeader } from "./proxied-socket.ts";
import type { StratumServer } from "./server.ts";

const BACKLOG = 4_096;
const KEEP_ALIVE_MS = 60_000;
const HANDSHAKE_MS = 10_000;
const PROXY_HEADER_MS = 5_000;

/** PEM texts. */
export interface TlsKeys {
  readonly key: string;
  readonly cert: string;
}

export interface ListenOptions {
  /** `::` is every address, of IPv4 too. */
  readonly host: string;
  /** 0 picks a free one. */
  readonly port: number;
  /** Without them the connections are plain TCP. */
  readonly tls?: TlsKeys;
  /**
   * Addresses and CIDR ranges of balancers. A connection from there must begin with a PROXY header of version 2; on other connections none is
   * expected. Without this option no header is read at all.
   */
  readonly proxies?: readonly string[];
}

export interface Listening {
  readonly host: string;
  readonly port: number;
  /** False after `stop`, and where the system took the port away. */
  readonly isOpen: boolean;
  /** New connections get this certificate. Throws CodedError `tls-keys`; the former one then stays. */
  renew(tls: TlsKeys): void;
  /** Stops accepting. Open sessions belong to the stratum server. */
  stop(): void;
}

/** Throws CodedError `port-taken`, `listen-failed` or `tls-keys`; RangeError where a proxy is no address or range. */
export async function listenStratum(options: ListenOptions, server: StratumServer): Promise<Listening> {
  const state: ListenerState = {
    server,
    secure: options.tls === undefined ? undefined : secureContext(options.tls),
    proxies: addressRanges("proxies", options.proxies ?? []),
  };
  const socketOptions = { noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_MS };
  const listener: Server = createServer(socketOptions, (socket) => receive(state, socket));
  // Before its header and handshake a client is not a session yet. Such connections are limited here, sessions by the server itself.
  listener.maxConnections = 2 * server.maxConnections;
  await listenOn(listener, { host: options.host, port: options.port, backlog: BACKLOG }).catch(
    (thrown: unknown) => {
      throw explain(options, thrown);
    },
  );
  // An accept that fails (no file descriptors left) must not end the process: the client tries again.
  listener.on("error", () => undefined);
  const bound = listener.address();
  const port = typeof bound === "object" && bound !== null ? bound.port : options.port;
  return {
    host: options.host,
    port,
    get isOpen() {
      return listener.listening;
    },
    renew(tls) {
      state.secure = secureContext(tls);
    },
    stop: () => void listener.close(),
  };
}

interface ListenerState {
  readonly server: StratumServer;
  secure: SecureContext | undefined;
  readonly proxies: AddressRanges;
}

function receive(state: ListenerState, socket: Socket): void {
  // An IPv4 client gets the same name on a socket for IPv4 as on one for both families.
  const address = withoutMapping(socket.remoteAddress ?? "");
  if (!state.proxies.has(address)) {
    enter(state, socket, address);
    return;
  }
  // A socket that closes while nobody listens for its errors must not crash the process.
  const ignore = (): void => undefined;
  socket.on("error", ignore);
  readProxyHeader(
    socket,
    { timeoutMs: PROXY_HEADER_MS },
    (client) => enter(state, socket, client ?? address),
    () => {
      socket.destroy();
      state.server.turnedAway("proxy-header");
    },
  );
}

/** The caps and bans are checked before the handshake, so that a refused client costs no cryptography. */
function enter(state: ListenerState, socket: Socket, address: string): void {
  const { server, secure } = state;
  if (secure === undefined) {
    server.accept(socket, address);
    return;
  }
  if (server.admit(address) !== undefined) {
    socket.destroy();
    return;
  }
  const tls = new TLSSocket(socket, { isServer: true, secureContext: secure });
  const giveUp = (): void => {
    clearTimeout(timer);
    tls.off("secure", onSecure);
    tls.off("close", giveUp);
    tls.destroy();
    server.abandon(address, "tls-failed");
  };
  const onSecure = (): void => {
    clearTimeout(timer);
    tls.off("close", giveUp);
    server.acceptAdmitted(tls, address);
  };
  const timer = setTimeout(giveUp, HANDSHAKE_MS);
  // A failed handshake is the client's problem. Without this listener, its error would crash the process.
  tls.on("error", () => undefined);
  tls.once("close", giveUp);
  tls.once("secure", onSecure);
}

function secureContext(tls: TlsKeys): SecureContext {
  try {
    return createSecureContext({ ...tls, minVersion: "TLSv1.2" });
  } catch (thrown) {
    const error = coerceError(thrown);
    throw new CodedError(
      "tls-keys",
      `stratum: the TLS certificate and key do not work: ${error.message}. Expected a PEM certificate chain and its own unencrypted PEM key.`,
      { cause: error },
    );
  }
}

function explain(options: ListenOptions, thrown: unknown): CodedError {
  const error = coerceError(thrown);
  const where = hostAndPort(options.host, options.port);
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
