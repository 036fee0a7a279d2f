/** Which pages of other sites may read the API: none unless the operator names them, and then never by a cookie. */

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createTestApi, loggedIn, PASSWORD, type TestApi } from "../../../support/api.ts";
import { type TestClient, testClient } from "../../../support/http-client.ts";

const SITE = "https://stats.example.org";
const ALLOWED = "access-control-allow-origin";

let closed: TestApi;
let named: TestApi;
let open: TestApi;
beforeAll(async () => {
  closed = await createTestApi({ seeded: false });
  named = await createTestApi({ seeded: false, options: { corsOrigins: ["https://other.example", SITE] } });
  open = await createTestApi({ seeded: false, options: { corsOrigins: ["*"] } });
});
afterAll(async () => {
  for (const api of [closed, named, open]) await api.database.drop();
});

const ask = (
  api: TestApi,
  path: string,
  headers: Record<string, string> = { origin: SITE },
  method = "GET",
) => testClient(api.handler).send(method, path, { headers });

async function tokenOf(client: TestClient): Promise<string> {
  const made = await client.json("POST", "/api/me/tokens", { body: { name: "page", password: PASSWORD } });
  return (made.body as { token: string }).token;
}

describe("pages of other sites", () => {
  it("may read nothing where the operator names none", async () => {
    const reply = await ask(closed, "/api/pool");
    expect(reply.statusCode).toBe(200);
    expect(Object.keys(reply.headers ?? {}).filter((name) => name.startsWith("access-control"))).toEqual([]);
    expect((await ask(closed, "/api/pool", { origin: SITE }, "OPTIONS")).statusCode).not.toBe(204);
  });

  it("may read what is public, from the sites that are named and from no other", async () => {
    for (const path of ["/api/pool", "/api/blocks", "/api/pool/payments", "/api/openapi.json"]) {
      const reply = await ask(named, path);
      expect(reply.headers, path).toMatchObject({ [ALLOWED]: SITE, vary: expect.stringContaining("origin") });
      expect(reply.headers).not.toHaveProperty("access-control-allow-credentials");
    }
    for (const origin of [
      "https://evil.example",
      `${SITE}.evil.example`,
      "null",
      "http://stats.example.org",
    ]) {
      const reply = await ask(named, "/api/pool", { origin });
      expect(reply.headers, origin).not.toHaveProperty(ALLOWED);
      // A cache must not hand this answer to a site that is named.
      expect(reply.headers?.["vary"]).toContain("origin");
    }
    expect((await ask(open, "/api/pool")).headers).toMatchObject({ [ALLOWED]: "*" });
    expect((await ask(open, "/api/blocks/77")).headers).toMatchObject({ [ALLOWED]: "*" });
  });

  it("are told so by the answer to a browser's question, for GET with a token alone", async () => {
    const reply = await ask(
      named,
      "/api/me",
      { origin: SITE, "access-control-request-method": "GET" },
      "OPTIONS",
    );
    expect(reply.statusCode).toBe(204);
    expect(reply.headers).toMatchObject({
      [ALLOWED]: SITE,
      "access-control-allow-methods": "GET",
      "access-control-allow-headers": "authorization, if-none-match",
    });
    for (const path of ["/api/session", "/api/admin/users", "/api/me/tokens", "/api/v1", "/"])
      expect((await ask(named, path, { origin: SITE }, "OPTIONS")).headers, path).not.toHaveProperty(ALLOWED);
  });

  it("may read a user's figures by a token, and never by the cookie of who is logged in", async () => {
    const ann = await loggedIn(named, "ann");
    const token = await tokenOf(ann);
    const byToken = await ask(named, "/api/me", { origin: SITE, authorization: `Bearer ${token}` });
    expect(byToken.statusCode).toBe(200);
    expect(byToken.headers).toMatchObject({ [ALLOWED]: SITE });

    const byCookie = await ann.send("GET", "/api/me", { headers: { origin: SITE } });
    expect(byCookie.statusCode).toBe(401);
    expect((await ann.send("GET", "/api/me", {})).statusCode).toBe(200);
    const session = await ann.send("GET", "/api/session", { headers: { origin: SITE } });
    expect(JSON.parse(session.body ?? "")).toMatchObject({ user: null });
    expect(session.headers).not.toHaveProperty(ALLOWED);
  });

  it("may change nothing", async () => {
    const ann = await loggedIn(open, "ann");
    const reply = await ann.send("PUT", "/api/me/workers", { body: {}, headers: { origin: SITE } });
    expect(reply.statusCode).toBe(403);
    expect(reply.headers).not.toHaveProperty(ALLOWED);
  });
});

describe("a limit that is reached", () => {
  it("says how long to wait, by Retry-After and RateLimit, and what the quota is, by RateLimit-Policy", async () => {
    const guess = () =>
      testClient(closed.handler).send("POST", "/api/session", { body: { name: "ann", password: "wrong" } });
    for (let i = 0; i < 5; i++) expect((await guess()).statusCode).toBe(401);
    const reply = await guess();
    expect(reply.statusCode).toBe(429);
    const seconds = Number(reply.headers?.["retry-after"]);
    expect(seconds).toBeGreaterThan(600);
    expect(seconds).toBeLessThanOrEqual(900);
    expect(reply.headers?.["ratelimit"]).toBe(`"guesses";r=0;t=${seconds}`);
    expect(reply.headers?.["ratelimit-policy"]).toBe('"guesses";q=5;w=4500');
  });
});
