/** Every route that changes something, under every combination of what a browser tells of a request's origin: only the pool's own pages and programs pass. */

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { apiRoutes } from "../../../functions/api/handler.ts";
import type { ApiRoute } from "../../../functions/api/http/route.ts";
import { sql } from "../../../shared/db/port.ts";
import { createTestApi, PASSWORD, type TestApi } from "../../support/api.ts";
import { text } from "../../support/books.ts";
import { type TestClient, testClient } from "../../support/http-client.ts";

let api: TestApi;
let boss: TestClient;
let changing: ApiRoute[] = [];
beforeAll(async () => {
  api = await createTestApi({ seeded: false });
  boss = testClient(api.handler);
  await boss.send("POST", "/api/session", { body: { name: "boss", password: PASSWORD } });
  changing = apiRoutes(api.options, api.modules).filter((route) => route.method !== "GET");
});
afterAll(() => api.database.drop());

const OWN = "http://pool.example:7070";
const ORIGINS: (string | undefined)[] = [
  undefined,
  OWN,
  "https://pool.example:7070",
  "http://pool.example",
  "http://pool.example:7071",
  "http://sub.pool.example:7070",
  "http://pool.example:7070.evil.example",
  "https://evil.example",
  "null",
  "",
];
const SITES: (string | undefined)[] = [
  undefined,
  "same-origin",
  "none",
  "same-site",
  "cross-site",
  "anything",
];
const TYPES: (string | undefined)[] = [
  undefined,
  "application/json",
  "application/json; charset=utf-8",
  "text/plain",
  "application/x-www-form-urlencoded",
  "multipart/form-data; boundary=x",
  "application/json-patch",
];

const isOwn = (origin: string | undefined): boolean =>
  origin === undefined || origin === OWN || origin === "https://pool.example:7070";
const isNear = (site: string | undefined): boolean =>
  site === undefined || site === "same-origin" || site === "none";
const isJson = (type: string | undefined): boolean =>
  type === "application/json" || type === "application/json; charset=utf-8";

describe("every route that changes something", () => {
  it("is one of those that are known here", () => {
    expect(changing.length).toBeGreaterThanOrEqual(9);
    expect(changing.every((route) => ["POST", "PUT", "DELETE"].includes(route.method))).toBe(true);
  });

  it("refuses a request of another origin or form before it looks at anything else, for each combination of headers", async () => {
    let refused = 0;
    let passed = 0;
    const sessions = await text(api.modules.db, sql`SELECT count(*) FROM sessions`);
    const invites = await text(api.modules.db, sql`SELECT count(*) FROM invites`);
    for (const route of changing) {
      for (const origin of ORIGINS) {
        for (const site of SITES) {
          for (const type of TYPES) {
            const headers = {
              ...(origin === undefined ? {} : { origin }),
              ...(site === undefined ? {} : { "sec-fetch-site": site }),
              "content-type": type ?? "",
            };
            // A form of no route: what passes the door ends as bad input, and changes nothing.
            const reply = await boss.send(
              route.method,
              route.path.replace("{height}", "1").replace("{id}", "1"),
              {
                body: { nothing: 1 },
                headers,
              },
            );
            const expected = !isOwn(origin) || !isNear(site) ? 403 : isJson(type) ? 400 : 415;
            const what = `${route.method} ${route.path} ${JSON.stringify(headers)}`;
            expect(reply.statusCode, what).toBe(expected);
            expect(reply.cookies ?? [], what).toEqual([]);
            if (expected === 400) passed += 1;
            else refused += 1;
          }
        }
      }
    }
    expect(passed).toBe(changing.length * 3 * 3 * 2);
    expect(refused).toBe(changing.length * 10 * 6 * 7 - passed);
    expect(await text(api.modules.db, sql`SELECT count(*) FROM sessions`)).toBe(sessions);
    expect(await text(api.modules.db, sql`SELECT count(*) FROM invites`)).toBe(invites);
  });

  it("does nothing for a cookie of another name, a cookie without its form, or one in a header of the wrong sort", async () => {
    const token = boss.cookies.get("session") ?? "";
    const statusOf = async (
      headers: Record<string, string>,
      cookies: Record<string, string>,
    ): Promise<number> => {
      const thief = testClient(api.handler);
      for (const [name, value] of Object.entries(cookies)) thief.cookies.set(name, value);
      const reply = await thief.send("POST", "/api/admin/invites", { headers });
      return reply.statusCode ?? 0;
    };

    expect(await statusOf({}, { session: token })).toBe(200);
    for (const cookies of [
      { Session: token },
      { "session ": token },
      { session: `${token}x` },
      { session: token.slice(1) },
      { session: "" },
    ])
      expect(await statusOf({}, cookies), JSON.stringify(cookies)).toBe(401);
    // Over https only the cookie that is bound to the host counts.
    expect(await statusOf({ "x-forwarded-proto": "https" }, { session: token })).toBe(401);
    expect(await statusOf({ authorization: `Bearer ${token}` }, {})).toBe(401);
  });

  it("sets every cookie out of reach of scripts and of other sites, and over https bound to the host", async () => {
    for (const headers of [{}, { "x-forwarded-proto": "https" }]) {
      const login = await testClient(api.handler).send("POST", "/api/session", {
        body: { name: "ann", password: PASSWORD },
        headers,
      });
      const logout = await testClient(api.handler).send("DELETE", "/api/session", { headers });
      for (const [cookie = ""] of [login.cookies ?? [], logout.cookies ?? []]) {
        expect(cookie).toMatch(/; HttpOnly; SameSite=Strict/);
        expect(cookie).toContain("Path=/");
        expect(cookie).not.toContain("Domain");
        expect(cookie.startsWith("__Host-session=") && cookie.endsWith("; Secure")).toBe(
          "x-forwarded-proto" in headers,
        );
      }
    }
  });
});

describe("routes that change nothing", () => {
  it("set no cookie and make no row, whatever the query", async () => {
    const reading = apiRoutes(api.options, api.modules).filter((route) => route.method === "GET");
    const rows = (): Promise<string | null> =>
      text(
        api.modules.db,
        sql`SELECT (SELECT count(*) FROM sessions) + (SELECT count(*) FROM invites) + (SELECT count(*) FROM admin_log)`,
      );
    const before = await rows();

    for (const route of reading) {
      const reply = await boss.send("GET", route.path.replace("{height}", "1").replace("{id}", "1"), {
        query: "action=delete&_method=DELETE",
      });
      expect(reply.cookies ?? [], route.path).toEqual([]);
    }

    expect(await rows()).toBe(before);
  });
});
