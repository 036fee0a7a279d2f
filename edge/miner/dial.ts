/** Opens the connection to a pool. */

import { connect, isIP, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { connect as connectTls } from "node:tls";

export interface PoolAddress {
  readonly host: string;
  readonly port: number;
  readonly tls: boolean;
}

/** A connected stream; rejects with what the network said. A simulator gives its own. */
export type Dial = (address: PoolAddress) => Promise<Duplex>;

const KEEP_ALIVE_MS = 60_000;
const CONNECT_MS = 10_000;
/** What OpenSSL calls an answer that is no TLS. */
const NO_TLS: ReadonlySet<unknown> = new Set([
  "ERR_SSL_WRONG_VERSION_NUMBER",
  "ERR_SSL_PACKET_LENGTH_TOO_LONG",
]);

export const dialPool: Dial = ({ host, port, tls }) =>
  new Promise((resolve, reject) => {
    // A server cannot be asked for by an IP address as its name (RFC 6066). The certificate is still checked against the address.
    const name = isIP(host) === 0 ? { servername: host } : {};
    const socket: Socket = tls ? connectTls({ host, port, ...name }) : connect({ host, port });
    const fail = (error: Error): void => reject(tls ? explain(error) : error);
    socket.setNoDelay(true);
    socket.setKeepAlive(true, KEEP_ALIVE_MS);
    socket.setTimeout(CONNECT_MS, () =>
      socket.destroy(new Error(`no answer within ${CONNECT_MS / 1_000} s`)),
    );
    socket.once("error", fail);
    socket.once(tls ? "secureConnect" : "connect", () => {
      socket.setTimeout(0);
      socket.off("error", fail);
      resolve(socket);
    });
  });

function explain(error: Error): Error {
  if (!("code" in error && NO_TLS.has(error.code))) return error;
  return new Error("this port does not speak TLS: leave --tls out, or give the pool's port for TLS", {
    cause: error,
  });
}
