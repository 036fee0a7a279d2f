/** Requests to price sources over loopback, and their patience on a clock that does not wait. */

import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { afterEach, describe, expect, it } from "vitest";
import { type Fetch, fetchOnce } from "../../../functions/poll/fetch-once.ts";
import { fetchSource } from "../../../functions/poll/fetch-source.ts";
import { askSource, cachePeriodMs, createSourceCache } from "../../../functions/poll/source-cache.ts";
import { systemClock } from "../../../shared/clock.ts";
import type { EnabledSource } from "../../../shared/prices/order.ts";
import type { PriceSource } from "../../../shared/prices/source.ts";
import { devnet } from "../../../shared/prices/sources/devnet.ts";
import { eagerClock } from "../../support/eager-clock.ts";

const NOW = Date.UTC(2026, 10, 22, 12);
const LIMITS = { timeoutMs: 5_000, maxBytes: 1_000 };
const MIDDLE = (length: number): Uint8Array => new Uint8Array(length).fill(127);

let server: Server | undefined;

async function serve(handler: (request: IncomingMessage, response: ServerResponse) => void): Promise<string> {
  const listening = createServer(handler);
  server = listening;
  await new Promise<void>((resolve) => {
    listening.listen(0, "127.0.0.1", resolve);
  });
  const address = listening.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return `http://127.0.0.1:${address.port}`;
}

afterEach(async () => {
  const open = server;
  server = undefined;
  open?.closeAllConnections();
  await new Promise<void>((resolve) => {
    if (open === undefined) resolve();
    else open.close(() => resolve());
  });
});

function retryAfter(request: IncomingMessage): Record<string, string> {
  const after = request.headers["x-after"];
  return typeof after === "string" ? { "retry-after": after } : {};
}

function get(url: string, limits = LIMITS) {
  return fetchOnce({ url, headers: { accept: "application/json" } }, limits, { fetch, clock: systemClock });
}

describe("a request to a price source", () => {
  it("brings the body of a good answer, with the headers and body it was given", async () => {
    const seen: unknown[] = [];
    const base = await serve((request, response) => {
      seen.push([request.method, request.headers.accept]);
      request.pipe(response);
    });

    const got = await get(base);
    const posted = await fetchOnce({ url: base, headers: {}, body: "question" }, LIMITS, {
      fetch,
      clock: systemClock,
    });

    expect([got, posted]).toEqual([
      { kind: "answered", body: "" },
      { kind: "answered", body: "question" },
    ]);
    expect(seen[0]).toEqual(["GET", "application/json"]);
  });

  it("goes in clear to this machine only, and nowhere without a full address", async () => {
    expect(await get("http://example.com/?key=SECRET")).toEqual({
      kind: "failed",
      failure: "expected https, got http: to example.com",
      retry: false,
    });
    expect(await get("ftp://127.0.0.1/")).toMatchObject({ kind: "failed", retry: false });
    expect(await get("nonsense")).toMatchObject({ failure: expect.stringContaining("full address") });
  });

  it("never follows a redirect, but says where it pointed", async () => {
    const base = await serve((_, response) => {
      response.writeHead(302, { location: "https://elsewhere.example/?key=SECRET" }).end();
    });
    expect(await get(base)).toEqual({
      kind: "failed",
      failure: "127.0.0.1 has moved to elsewhere.example (status 302); redirects are not followed",
      retry: false,
    });
  });

  it("takes no more bytes than allowed", async () => {
    const base = await serve((request, response) => {
      response.end("x".repeat(Number(request.url?.slice(1))));
    });
    expect(await get(`${base}/1000`)).toMatchObject({ kind: "answered" });
    expect(await get(`${base}/1001`)).toEqual({
      kind: "failed",
      failure: "127.0.0.1 sent more than 1000 bytes",
      retry: false,
    });
  });

  it("tries again where it may help: on a broken server or connection, not on a refusal", async () => {
    const base = await serve((request, response) => {
      if (request.url === "/cut") request.socket.destroy();
      else response.writeHead(Number(request.url?.slice(1)), retryAfter(request)).end();
    });
    const retries = [];
    for (const path of ["500", "503", "400", "401", "402", "418", "429", "451", "cut"]) {
      const outcome = await get(`${base}/${path}`);
      retries.push([path, outcome.kind === "failed" && outcome.retry]);
    }
    expect(retries.filter(([, retry]) => retry).map(([path]) => path)).toEqual(["500", "503", "cut"]);
    const asked = await fetchOnce({ url: `${base}/503`, headers: { "x-after": "120" } }, LIMITS, {
      fetch,
      clock: systemClock,
    });
    expect(asked).toMatchObject({ retry: false, retryAfterMs: 120_000 });
  });

  it("ends after its time, without the address in its words", async () => {
    const base = await serve(() => undefined);
    const outcome = await fetchOnce({ url: `${base}/?key=SECRET`, headers: {} }, LIMITS, {
      fetch,
      clock: eagerClock(NOW),
    });
    expect(outcome).toEqual({ kind: "failed", failure: "no answer from 127.0.0.1 in 5000 ms", retry: true });
  });
});

function enabled(source: PriceSource, config: EnabledSource["config"] = {}): EnabledSource {
  return { source, priority: 1, config };
}

const FEED = JSON.stringify({ timestamp: NOW / 1000, prices: { EUR: "1.1", XBT: "80000" } });

/** Answers like a service, one reply after the other; the last one again and again. A null is a lost connection. */
function replies(...bodies: (string | null)[]): Fetch & { calls: number } {
  const answer = Object.assign(
    async (): Promise<Response> => {
      const body = bodies[Math.min(answer.calls, bodies.length - 1)];
      answer.calls += 1;
      if (typeof body !== "string") throw new TypeError("fetch failed");
      return new Response(body);
    },
    { calls: 0 },
  );
  return answer;
}

const LOCAL = { baseUrl: "http://127.0.0.1:1/prices" };

describe("a round of a source", () => {
  it("pauses 0.8 s, then half as long again up to 3 s, and gives up before 10 s are over", async () => {
    const clock = eagerClock(NOW);
    const fetch = replies(null);

    const round = await fetchSource(enabled(devnet, LOCAL), ["EUR"], { fetch, clock, random: MIDDLE });

    expect(clock.fired.map((ms) => Math.round(ms / 10) * 10)).toEqual([800, 1200, 1800, 2690, 2990]);
    expect(clock.fired.every((ms) => ms <= 3_000)).toBe(true);
    expect(fetch.calls).toBe(6);
    expect(round).toEqual({
      quotes: [],
      failures: ["127.0.0.1 is not reachable: TypeError"],
      retryAfterMs: 0,
    });
  });

  it("keeps the quotes that were asked for, after a failure that passed", async () => {
    const clock = eagerClock(NOW);
    const round = await fetchSource(enabled(devnet, LOCAL), ["EUR"], {
      fetch: replies(null, FEED),
      clock,
      random: MIDDLE,
    });
    expect(round).toMatchObject({ quotes: [{ asset: "EUR", price: 1.1 }], failures: [] });
    expect(round.quotes).toHaveLength(1);
  });

  it("repeats a service's words without our key, without control characters, and not at length", async () => {
    const rude: PriceSource = { ...devnet, parse: (body) => ({ failure: `bad key ${body}` }) };
    const round = await fetchSource(enabled(rude, { ...LOCAL, key: "SECRET" }), [], {
      fetch: replies(`SECRET\u001b[2J${"x".repeat(1_000)}`),
      clock: eagerClock(NOW),
      random: MIDDLE,
    });
    expect(round.failures.map((failure) => failure.slice(0, 20))).toEqual(["bad key (key)?[2Jxxx"]);
    expect(round.failures[0]).toHaveLength(300);
  });
});

describe("the cache of a source", () => {
  const assets = ["EUR", "XBT"];
  const ask = (source: PriceSource, modules: { fetch: Fetch; clock: ReturnType<typeof eagerClock> }) => {
    const cache = createSourceCache();
    return () =>
      askSource(enabled(source, LOCAL), { assets, cacheMs: 480_000 }, { ...modules, random: MIDDLE, cache });
  };

  it("asks again after 8 minutes, or the source's own period where that is longer", async () => {
    const clock = eagerClock(NOW);
    const fetch = replies(FEED);
    const again = ask(devnet, { fetch, clock });
    await again();
    clock.advance(479_999);
    expect((await again()).asked).toBe(false);
    clock.advance(1);
    expect([(await again()).asked, fetch.calls]).toEqual([true, 2]);

    const slow = ask({ ...devnet, minPeriodMs: 3_600_000 }, { fetch, clock });
    await slow();
    clock.advance(3_599_999);
    expect((await slow()).asked).toBe(false);
  });

  it("remembers failures too, each longer than the last, and what the service asked for", async () => {
    const clock = eagerClock(NOW);
    const fetch = replies("{}");
    const again = ask(devnet, { fetch, clock });
    await again();
    const pauses = [];
    for (let i = 0; i < 7; i++) {
      let pause = 0;
      do {
        clock.advance(5_000);
        pause += 5;
      } while (!(await again()).asked);
      pauses.push(pause);
    }
    expect(pauses).toEqual([15, 30, 60, 120, 240, 480, 480]);

    const limited: Fetch = async () => new Response("", { status: 429, headers: { "retry-after": "3600" } });
    const banned = ask(devnet, { fetch: limited, clock });
    await banned();
    clock.advance(3_599_999);
    expect((await banned()).asked).toBe(false);
  });

  it("lets quotes that are not repeated be heard for ten minutes", async () => {
    const clock = eagerClock(NOW);
    const again = ask(devnet, { fetch: replies(FEED, FEED.replace("EUR", "GBP"), "{}"), clock });
    const heard = async () => (await again()).quotes.map(({ asset }) => asset);
    expect(await heard()).toEqual(["EUR", "XBT"]);
    clock.advance(480_000);
    expect(await heard()).toEqual(["EUR", "XBT"]);
    clock.advance(480_000);
    expect(await heard()).toEqual(["XBT"]);
  });

  it("lasts 0.8 of a block, at most 8 minutes", () => {
    expect([10_000, 600_000, 3_600_000].map(cachePeriodMs)).toEqual([8_000, 480_000, 480_000]);
  });
});
