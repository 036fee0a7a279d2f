/** Real sockets: a port taken gets one clear message, TLS and plain clients both get their session. */

import { connect as connectTls } from "node:tls";
import { afterEach, describe, expect, it } from "vitest";
import { type Listening, listenStratum } from "../../../edge/stratum/listener.ts";
import { RawClient } from "./support/client.ts";
import { call, startHarness } from "./support/harness.ts";
import { TEST_CERT, TEST_KEY } from "./support/tls.ts";

const open: Listening[] = [];
afterEach(() => {
  for (const listening of open.splice(0)) listening.stop();
});

async function listen(tls?: { key: string; cert: string }) {
  const harness = startHarness();
  const listening = await listenStratum(
    { host: "127.0.0.1", port: 0, ...(tls === undefined ? {} : { tls }) },
    harness.server,
  );
  open.push(listening);
  return { ...harness, listening };
}

describe("listenStratum", () => {
  it("says which port is taken and what to do", async () => {
    const { listening, server } = await listen();

    const second = listenStratum({ host: "127.0.0.1", port: listening.port }, server);

    await expect(second).rejects.toMatchObject({
      code: "port-taken",
      message: expect.stringContaining(`127.0.0.1:${listening.port} is in use`),
    });
  });

  it("says why a host cannot be listened on", async () => {
    const { server } = startHarness();

    await expect(listenStratum({ host: "203.0.113.7", port: 0 }, server)).rejects.toMatchObject({
      code: "listen-failed",
    });
  });

  it("serves a session over TLS, and outlives a client that speaks none", async () => {
    const { ends, listening } = await listen({ key: TEST_KEY, cert: TEST_CERT });
    const plain = await RawClient.connect(listening.port);
    plain.send(call(1, "mining.subscribe", "x"));
    await plain.until(() => plain.closed);

    const secure = new RawClient(
      connectTls({ host: "127.0.0.1", port: listening.port, ca: TEST_CERT, servername: "pool.test" }),
    );
    secure.send(call(1, "mining.subscribe", "x"));
    await secure.until(() => secure.lines.length === 3);

    expect(secure.lines[0]).toContain('"mining.set_nonce"');
    await secure.close();
    expect(ends).toEqual(["client-closed"]);
  });
});
