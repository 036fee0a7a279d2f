/** Opens the connection to a pool. */

import { connect, type Socket } from "node:net";
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

export const dialPool: Dial = ({ host, port, tls }) =>
  new Promise((resolve, reject) => {
    const socket: Socket = tls ? connectTls({ host, port, servername: host }) : connect({ host, port });
    socket.setNoDelay(true);
    socket.setKeepAlive(true, KEEP_ALIVE_MS);
    socket.setTimeout(CONNECT_MS, () =>
      socket.destroy(new Error(`no answer within ${CONNECT_MS / 1_000} s`)),
    );
    socket.once("error", reject);
    socket.once(tls ? "secureConnect" : "connect", () => {
      socket.setTimeout(0);
      socket.off("error", reject);
      resolve(socket);
    });
  });
