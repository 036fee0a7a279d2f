import { once } from "node:events";
import { request } from "node:http";
import { connect, type Socket } from "node:net";
import { networkInterfaces } from "node:os";
import * as prom from "prom-client";
import { Registry } from "prom-client";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createApiHandler } from "../../../functions/api/handler.ts";
import { startWeb, type Web } from "../../../infra/pool/web.ts";
import { SILENT } from "../../../shared/logger.ts";
import { createTestApi, OPTIONS, PASSWORD, type TestApi } from "../../support/api.ts";

const HAS_IPV6 = Object.values(networkInterfaces())
  .flat()
  .some((one) => one?.address === "::1");

let api: TestApi;
let web: Web;
beforeAll(async () => {
  api = await createTestApi({ seeded: false });
  const metrics = new Registry();
  new prom.Gauge({ name: "prosper_test", help: "test", registers: [metrics] }).set(7);
  web = await startWeb({ host: "127.0.0.1", port: 0 }, { handler: api.handler, logger: SILENT, metrics });
});
afterAll(async () => {
  await web.stop();
  await api.database.drop();
});

describe("the web server", () => {
  it("answers with the api function, and tells where it is", async () => {
    const reply = await fetch(`${web.url}/api/pool`);

    expect(web.url).toBe(`http://127.0.0.1:${web.port}`);
    expect(reply.status).toBe(200);
    expect(reply.headers.get("content-security-policy")).toContain("default-src 'self'");
    expect(await reply.json()).toMatchObject({
      name: "Prosper Pool",
      connect: { stratum: "127.0.0.1:1234" },
    });
  });

  it.runIf(HAS_IPV6)(
    "listens on every address of both families, and gives a visitor one name in either",
    async () => {
      const seen: string[] = [];
      const everywhere = await startWeb(
        { host: "::", port: 0 },
        {
          logger: SILENT,
          handler: Object.assign(async (...[event, context]: Parameters<typeof api.handler>) => {
            seen.push(event.requestContext.http.sourceIp);
            return api.handler(event, context);
          }, api.handler),
        },
      );
      for (const host of ["127.0.0.1", "[::1]", "localhost"])
        expect((await fetch(`http://${host}:${everywhere.port}/healthz`)).status).toBe(200);
      await everywhere.stop();

      expect(everywhere.url).toBe(`http://localhost:${everywhere.port}`);
      expect(seen.slice(0, 2)).toEqual(["127.0.0.1", "::1"]);
    },
  );

  it("carries bodies in and cookies out and back", async () => {
    const login = await fetch(`${web.url}/api/session`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ name: "ann", password: PASSWORD }),
    });
    const [cookie = ""] = login.headers.getSetCookie();
    const me = await fetch(`${web.url}/api/session`, {
      headers: { cookie: `other=1; ${cookie.split(";")[0]}` },
    });

    expect(cookie).toContain("HttpOnly; SameSite=Strict");
    expect(await me.json()).toMatchObject({ user: { name: "ann" } });
  });

  it("serves health and metrics [P11]", async () => {
    const health = await fetch(`${web.url}/healthz`);
    const metrics = await fetch(`${web.url}/metrics`);

    expect(await health.json()).toEqual({ ok: true, checks: { database: "ok" } });
    expect(metrics.headers.get("content-type")).toContain("text/plain");
    expect(await metrics.text()).toContain("prosper_test 7");
  });

  it("believes X-Forwarded-For only of a proxy that is trusted, and of it only the last address that is not a proxy's", async () => {
    const seen: string[] = [];
    const modules = {
      logger: SILENT,
      handler: createApiHandler(OPTIONS, {
        ...api.modules,
        accounts: {
          ...api.modules.accounts,
          login: async (_name: string, _proof: unknown, from: { remoteAddress: string }) => {
            seen.push(from.remoteAddress);
            return { kind: "refused" as const, reason: "no" };
          },
        },
      }),
    };
    const behind = await startWeb(
      { host: "127.0.0.1", port: 0, proxies: ["127.0.0.1", "10.0.0.0/8"] },
      modules,
    );
    const direct = await startWeb({ host: "127.0.0.1", port: 0 }, modules);

    for (const [where, forwarded] of [
      [behind, "6.6.6.6, 203.0.113.9"],
      [behind, "203.0.113.9, 10.1.2.3"],
      [behind, "not an address"],
      [direct, "203.0.113.9"],
    ] as const)
      await fetch(`${where.url}/api/session`, {
        method: "POST",
        headers: { "content-type": "application/json", "x-forwarded-for": forwarded },
        body: JSON.stringify({ name: "ann", password: "x" }),
      });
    await behind.stop();
    await direct.stop();

    expect(seen).toEqual(["203.0.113.9", "203.0.113.9", "127.0.0.1", "127.0.0.1"]);
  });

  it("answers HEAD without a body and 404 for what is not there", async () => {
    const head = await fetch(`${web.url}/`, { method: "HEAD", headers: { accept: "text/html" } });
    const missing = await fetch(`${web.url}/nothing`);

    expect([head.status, await head.text()]).toEqual([200, ""]);
    expect([missing.status, await missing.json()]).toMatchObject([404, { error: { code: "not-found" } }]);
  });

  it("refuses a body over 64 KB and goes on", async () => {
    const send = (bytes: number) =>
      fetch(`${web.url}/api/v1`, { method: "POST", body: "x".repeat(bytes) }).then((reply) => reply.status);

    expect(await send(64 * 1024 + 1)).toBe(413);
    expect(await send(64 * 1024)).toBe(200);
    expect((await fetch(`${web.url}/healthz`)).status).toBe(200);
  });

  it("survives requests that are none", async () => {
    for (const line of [
      "GET //evil.example/api/pool HTTP/1.1",
      "GET * HTTP/1.1",
      "GET http://evil.example/ HTTP/1.1",
      "FOO",
      "GET /%zz HTTP/1.1",
    ]) {
      const answer = await raw(`${line}\r\nHost: x\r\nConnection: close\r\n\r\n`);
      expect(answer, line).toMatch(/^HTTP\/1\.1 4\d\d /);
    }
    expect((await fetch(`${web.url}/healthz`)).status).toBe(200);
  });

  it("is not shut by 2,100 silent connections of one address, neither to others nor to that address", async () => {
    const silent: Socket[] = [];
    // A few at a time: what the system's own queue does not hold never becomes a connection.
    while (silent.length < 2_100) {
      const wave = Array.from({ length: 100 }, () =>
        connect({ port: web.port, host: "127.0.0.1", localAddress: "127.0.0.2" }).resume(),
      );
      await Promise.all(wave.map((socket) => once(socket, "connect")));
      for (const socket of wave) socket.on("error", () => undefined);
      silent.push(...wave);
    }

    const other = await get("127.0.0.3");
    const same = await get("127.0.0.2");
    const stillOpen = () => silent.filter((socket) => !socket.destroyed).length;
    while (stillOpen() > 100) await new Promise((resolve) => setTimeout(resolve, 10));
    const open = stillOpen();
    for (const socket of silent) socket.destroy();

    expect([other, same]).toEqual([200, 200]);
    // Those that came last have its places.
    expect(open).toBeGreaterThan(90);
  });

  it("closes a connection that says nothing, or not all of its request, soon after the deadline", async () => {
    const modules = { handler: api.handler, logger: SILENT };
    const hasty = await startWeb({ host: "127.0.0.1", port: 0, headersMs: 500 }, modules);
    const startMs = performance.now();
    const closedMs = await Promise.all(
      ["", "GET /healthz HTTP/1.1\r\nHost: x\r\n"].map(
        (sent) =>
          new Promise<number>((resolve) => {
            const socket = connect({ port: hasty.port, host: "127.0.0.1" });
            socket.on("close", () => resolve(performance.now() - startMs));
            socket.on("error", () => undefined);
            socket.resume();
            socket.write(sent);
          }),
      ),
    );

    await hasty.stop();

    expect(Math.min(...closedMs)).toBeGreaterThan(400);
    expect(Math.max(...closedMs)).toBeLessThan(4_000);
  });

  it("says which port is taken and what to do", async () => {
    const second = startWeb({ host: "127.0.0.1", port: web.port }, { handler: api.handler, logger: SILENT });

    await expect(second).rejects.toMatchObject({
      code: "web-port",
      message: expect.stringContaining("--web-port"),
    });
  });
});

/** The status of /healthz as seen from a loopback address. */
function get(localAddress: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const sent = request(
      { host: "127.0.0.1", port: web.port, path: "/healthz", localAddress, agent: false },
      (reply) => {
        reply.resume();
        resolve(reply.statusCode);
      },
    );
    sent.on("error", reject).end();
  });
}

function raw(text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = "";
    const socket = connect(web.port, "127.0.0.1", () => socket.write(text));
    socket.on("data", (bytes) => {
      answer += bytes.toString();
    });
    socket.on("close", () => resolve(answer));
    socket.on("error", reject);
  });
}
