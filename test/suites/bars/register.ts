/** A user for the miners: the Go miner takes a password from a terminal only, so that another client registers it. */

import { once } from "node:events";
import { connect } from "node:net";
import { createInterface } from "node:readline";
import { keyPairFromSeed } from "../../../shared/factom/ed25519.ts";
import { faAddressOf } from "../../../shared/factom/fat2.ts";
import { encodeRequest, parseStratumLine } from "../../../shared/messages/stratum.ts";

const ADDRESS = faAddressOf(keyPairFromSeed(new Uint8Array(32).fill(7)));
const PASSWORD = "a password of the bars";
const LOGIN_ID = 2;

/** Throws with the pool's reason where it does not take the user. */
export async function register(host: string, port: number, user: string, invite: string): Promise<void> {
  const socket = connect({ host, port });
  await once(socket, "connect");
  const lines = createInterface({ input: socket });
  try {
    socket.write(encodeRequest(1, "mining.subscribe", ["prosper/bars"]));
    socket.write(
      encodeRequest(LOGIN_ID, "mining.authorize", [`${user},register`, PASSWORD, invite, ADDRESS]),
    );
    for await (const line of lines) {
      const message = parseStratumLine(line);
      if (message.kind !== "response" || message.id !== LOGIN_ID) continue;
      if (message.result === true) return;
      throw new Error(`not registered: ${message.error?.message} (${message.error?.data})`);
    }
    throw new Error("not registered: the pool closed the connection");
  } finally {
    socket.destroy();
  }
}
