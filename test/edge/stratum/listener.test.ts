/** Real sockets: a port taken gets one clear message, TLS and plain clients both get their session, and PROXY headers count only from balancers. */

import { connect, Server, type Socket } from "node:net";
import { networkInterfaces } from "node:os";
import { connect as connectTls } from "node:tls";
import { afterEach, describe, expect, it } from "vitest";
import { dialPool } from "../../../edge/miner/dial.ts";
import { listenOn } from "../../../edge/stratum/listen-on.ts";
import { type Listening, type ListenOptions, listenStratum } from "../../../edge/stratum/listener.ts";
import type { StratumSettings } from "../../../edge/stratum/settings.ts";
import { RawClient } from "../../support/raw-client.ts";
import { call, startHarness } from "../../support/stratum/harness.ts";
import { proxyHeader, v4 } from "../../support/stratum/proxy-header.ts";
import { TEST_CERT, TEST_KEY } from "../../support/stratum/tls.ts";

const TLS = { key: TEST_KEY, cert: TEST_CERT };
const SUBSCRIBE = call(1, "mining.subscribe", "x");
const open: Listening[] = [];
const sockets: Socket[] = [];
afterEach(() => {
  for (const listening of open.splice(0)) listening.stop();
  for (const socket of sockets.splice(0)) socket.destroy();
});

async function listen(options: Partial<ListenOptions> = {}, settings: Partial<StratumSettings> = {}) {
  const harness = startHarness(settings);
  const listening = await listenStratum({ host: "127.0.0.1", port: 0, ...options }, harness.server);
  open.push(listening);
  /** Addresses of the sessions, in the order of their connections. */
  const addresses = (): string[] => [...harness.server.sessions()].map((session) => session.remoteAddress);
  return { ...harness, listening, addresses };
}

/** A connection from `localAddress`, which stands for a balancer or a stranger. */
function dial(port: number, localAddress = "127.0.0.1"): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: "127.0.0.1", port, localAddress, noDelay: true });
    sockets.push(socket);
    socket.once("error", reject);
    socket.once("connect", () => resolve(socket));
  });
}

function secure(port: number, socket?: Socket): RawClient {
  const where = socket === undefined ? { host: "127.0.0.1", port } : { socket };
  return new RawClient(connectTls({ ...where, ca: TEST_CERT, servername: "pool.test" }));
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
});

describe("every address", () => {
  const HAS_IPV6 = Object.values(networkInterfaces())
    .flat()
    .some((one) => one?.address === "::1");

  it.runIf(HAS_IPV6)(
    "is listened on for both families, and a client has its own address in either",
    async () => {
      const { addresses, listening } = await listen({ host: "::" });
      for (const host of ["127.0.0.1", "::1"]) {
        const socket = connect({ host, port: listening.port });
        sockets.push(socket);
        const client = new RawClient(socket);
        client.send(SUBSCRIBE);
        await client.until(() => client.lines.length === 3);
      }

      expect(addresses()).toEqual(["127.0.0.1", "::1"]);
    },
  );

  it("is that of IPv4 alone on a system without IPv6, and any other address is refused", async () => {
    /** What the system says, in the place of a system without IPv6. */
    class OldSystem extends Server {
      override listen(...[options, ...rest]: unknown[]): this {
        if (
          typeof options === "object" &&
          options !== null &&
          "host" in options &&
          String(options.host).includes(":")
        ) {
          const error = Object.assign(new Error("address family not supported"), { code: "EAFNOSUPPORT" });
          queueMicrotask(() => this.emit("error", error));
          return this;
        }
        return Reflect.apply(Server.prototype.listen, this, [options, ...rest]);
      }
    }
    const server = new OldSystem();

    await listenOn(server, { host: "::", port: 0 });

    expect(server.address()).toMatchObject({ address: "0.0.0.0", family: "IPv4" });
    server.close();
    await expect(listenOn(new OldSystem(), { host: "::1", port: 0 })).rejects.toMatchObject({
      code: "EAFNOSUPPORT",
    });
  });
});

describe("TLS", () => {
  it("spoken to a plain port is answered at once by a line that says so, and closed", async () => {
    const { ends, listening } = await listen();
    const hello = await dial(listening.port);
    const client = new RawClient(hello);
    const startedMs = performance.now();

    client.send(Uint8Array.of(0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc));
    await client.until(() => client.closed);

    expect(performance.now() - startedMs).toBeLessThan(2_000);
    expect(client.lines).toHaveLength(1);
    expect(client.lines[0]).toContain("this port does not speak TLS");
    await expect(dialPool({ host: "127.0.0.1", port: listening.port, tls: true })).rejects.toThrow(
      "this port does not speak TLS: leave --tls out, or give the pool's port for TLS",
    );
    expect(ends).toEqual(["tls-hello", "tls-hello"]);
  });

  it("serves a session, and outlives a client that speaks none", async () => {
    const { ends, listening } = await listen({ tls: TLS });
    const plain = await RawClient.connect(listening.port);
    plain.send(SUBSCRIBE);
    await plain.until(() => plain.closed);

    const client = secure(listening.port);
    client.send(SUBSCRIBE);
    await client.until(() => client.lines.length === 3);

    expect(client.lines[0]).toContain('"mining.set_nonce"');
    await client.close();
    expect(ends).toEqual(["tls-failed", "client-closed"]);
  });

  it("stands beside a plain listener of the same server", async () => {
    const { listening, server, backend } = await listen();
    const both = await listenStratum({ host: "127.0.0.1", port: 0, tls: TLS }, server);
    open.push(both);
    const plain = await RawClient.connect(listening.port);
    const ciphered = secure(both.port);

    for (const client of [plain, ciphered])
      client.send(SUBSCRIBE + call(2, "mining.authorize", "u,w", "secret"));
    await plain.until(() => plain.lines.length === 5);
    await ciphered.until(() => ciphered.lines.length === 5);

    expect(server.stats()).toMatchObject({ connections: 2, miners: 2 });
    expect(backend.logins.map(({ password }) => password)).toEqual(["secret", "secret"]);
    await plain.close();
    await ciphered.close();
  });

  it("refuses keys that do not work when it starts, and keeps the working ones when it is renewed", async () => {
    const broken = { key: TEST_KEY, cert: TEST_CERT.replace(/[A-Z]{4}/, "!!!!") };
    await expect(listen({ tls: broken })).rejects.toMatchObject({ code: "tls-keys" });
    const { listening } = await listen({ tls: TLS });

    expect(() => listening.renew(broken)).toThrow("the TLS certificate and key do not work");
    listening.renew(TLS);
    const client = secure(listening.port);
    client.send(SUBSCRIBE);
    await client.until(() => client.lines.length === 3);
    await client.close();
  });

  it("turns an address away at its cap before the handshake", async () => {
    const settings = { maxConnectionsPerAddress: 1, exemptAddresses: [] };
    const { ends, listening } = await listen({ tls: TLS }, settings);
    const silent = await RawClient.connect(listening.port);

    const second = await RawClient.connect(listening.port);
    await second.until(() => second.closed);

    expect(ends).toEqual(["address-full"]);
    await silent.close();
  });
});

describe("the PROXY header", () => {
  const BALANCER = "127.0.0.2";
  const proxies = ["127.0.0.2/32"];

  it("gives the session its client's address, wherever the bytes are cut", async () => {
    const { listening, addresses } = await listen({ proxies });
    const bytes = Buffer.concat([proxyHeader({ addresses: v4("198.51.100.7") }), Buffer.from(SUBSCRIBE)]);
    const cut = await dial(listening.port, BALANCER);
    const cutClient = new RawClient(cut);
    for (const byte of bytes.subarray(0, 40)) {
      cut.write(Buffer.from([byte]));
      await new Promise((resolve) => setImmediate(resolve));
    }
    cut.write(bytes.subarray(40));
    const whole = new RawClient(await dial(listening.port, BALANCER));
    whole.send(bytes);

    await cutClient.until(() => cutClient.lines.length === 3);
    await whole.until(() => whole.lines.length === 3);

    expect(addresses()).toEqual(["198.51.100.7", "198.51.100.7"]);
  });

  it("counts the client's address, not the balancer's, for caps and bans", async () => {
    const settings = { maxConnectionsPerAddress: 1, exemptAddresses: proxies };
    const { ends, listening } = await listen({ proxies }, settings);
    const clients: RawClient[] = [];
    for (const source of ["198.51.100.7", "198.51.100.8", "198.51.100.7"]) {
      const client = new RawClient(await dial(listening.port, BALANCER));
      client.send(proxyHeader({ addresses: v4(source) }));
      await (source === "198.51.100.7" && clients.length > 0
        ? client.until(() => client.closed)
        : client.fence());
      clients.push(client);
    }

    expect(clients.map((client) => client.closed)).toEqual([false, false, true]);
    expect(ends).toEqual(["address-full"]);
    expect(clients[2]?.lines[0]).toContain("more than 1 connections from your address");
  });

  it("of a health check leaves the balancer's own address", async () => {
    const { listening, addresses } = await listen({ proxies });
    const check = new RawClient(await dial(listening.port, BALANCER));

    check.send(proxyHeader({ command: 0x20, family: 0, addresses: Buffer.alloc(0) }));
    check.send(SUBSCRIBE);
    await check.until(() => check.lines.length === 3);

    expect(addresses()).toEqual([BALANCER]);
  });

  it.each([
    ["is missing", Buffer.from(SUBSCRIBE)],
    ["is malformed", proxyHeader({ family: 0x12 })],
    ["claims 64 KB", Buffer.concat([proxyHeader().subarray(0, 14), Buffer.from([0xff, 0xff])])],
  ])("that %s closes a balancer's connection", async (_what, bytes) => {
    const { ends, listening, addresses } = await listen({ proxies });
    const client = new RawClient(await dial(listening.port, BALANCER));

    client.send(bytes);
    await client.until(() => client.closed);

    expect(ends).toEqual(["proxy-header"]);
    expect(addresses()).toEqual([]);
    expect(client.lines).toEqual([]);
  });

  it("forged by a direct client is no header but a malformed line, also where none is configured", async () => {
    for (const options of [{ proxies }, {}]) {
      const { listening, addresses } = await listen(options);
      const client = new RawClient(await dial(listening.port, "127.0.0.1"));

      client.send(Buffer.concat([proxyHeader({ addresses: v4("198.51.100.7") }), Buffer.from("\n")]));
      await client.fence();

      expect(addresses()).toEqual(["127.0.0.1"]);
      expect(client.lines[0]).toContain("32700");
    }
  });

  it("comes before the handshake where the connection is TLS", async () => {
    const { listening, addresses } = await listen({ proxies, tls: TLS });
    const socket = await dial(listening.port, BALANCER);
    socket.write(proxyHeader({ addresses: v4("198.51.100.7") }));

    const client = secure(listening.port, socket);
    client.send(SUBSCRIBE);
    await client.until(() => client.lines.length === 3);

    expect(addresses()).toEqual(["198.51.100.7"]);
    await client.close();
  });

  it("may come in one packet with the client's hello", async () => {
    const { listening, addresses } = await listen({ proxies, tls: TLS });
    const socket = await dial(listening.port, BALANCER);
    socket.cork();
    socket.write(proxyHeader({ addresses: v4("198.51.100.7") }));
    const client = secure(listening.port, socket);
    setImmediate(() => socket.uncork());

    client.send(SUBSCRIBE);
    await client.until(() => client.lines.length === 3);

    expect(addresses()).toEqual(["198.51.100.7"]);
    await client.close();
  });

  it("of a source that is no address or range is refused at the start", async () => {
    await expect(listen({ proxies: ["10.0.0.0/33"] })).rejects.toThrow(
      "proxies: expected an IP address or a CIDR range",
    );
    await expect(listen({ proxies: ["balancer"] })).rejects.toThrow(RangeError);
  });
});
