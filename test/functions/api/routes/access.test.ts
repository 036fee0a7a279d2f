import * as v from "valibot";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { apiRoutes } from "../../../../functions/api/handler.ts";
import { VIEWS } from "../../../../functions/api/views/views.ts";
import { findToken, insertToken } from "../../../../shared/db/api-tokens.ts";
import { bar, liftBar } from "../../../../shared/db/bars.ts";
import { sql } from "../../../../shared/db/port.ts";
import { createTestApi, FIRST_HEIGHT, loggedIn, PASSWORD, type TestApi } from "../../../support/api.ts";
import { text } from "../../../support/books.ts";
import { type TestClient, testClient } from "../../../support/http-client.ts";

let api: TestApi;
let ann: TestClient;
let script: TestClient;
beforeAll(async () => {
  api = await createTestApi();
  script = testClient(api.handler);
});
beforeEach(async () => {
  await api.database.db.execute(sql`DELETE FROM api_tokens`);
  await api.database.db.execute(sql`DELETE FROM sessions`);
  ann = await loggedIn(api, "ann");
});
afterAll(() => api.database.drop());

async function make(name: string): Promise<string> {
  const { status, body } = await ann.json("POST", "/api/me/tokens", { body: { name, password: PASSWORD } });
  expect(status, JSON.stringify(body)).toBe(200);
  return v.parse(VIEWS.ApiToken, body).token;
}

async function tokens() {
  return v.parse(VIEWS.ApiTokens, (await ann.json("GET", "/api/me/tokens")).body).tokens;
}

const bearer = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });
const statusOf = async (method: string, path: string, token: string): Promise<number> =>
  (await script.send(method, path, bearer(token))).statusCode ?? 0;

describe("a token", () => {
  it("reads its user's own figures, by every GET below /api/me but those of tokens and sessions, and nothing else", async () => {
    const token = await make("spreadsheet");
    const me = v.parse(VIEWS.Me, (await script.json("GET", "/api/me", bearer(token))).body);
    expect(me.name).toBe("ann");

    for (const { method, path, access } of apiRoutes(api.options, api.modules)) {
      if (access === "public") continue;
      const at = path.replace("{height}", String(FIRST_HEIGHT));
      const isOpen = method === "GET" && path.startsWith("/api/me") && !/\/(tokens|sessions)$/.test(path);
      const status = await statusOf(method, at, token);
      if (isOpen) expect([401, 403], `${method} ${at}`).not.toContain(status);
      else expect([401, 415], `${method} ${at}`).toContain(status);
    }
    expect(await text(api.database.db, sql`SELECT count(*) FROM api_tokens`)).toBe("1");
  });

  it("is made with the password alone, told once, and kept as a hash", async () => {
    const wrong = await ann.send("POST", "/api/me/tokens", {
      body: { name: "x", password: "not the password" },
    });
    expect(wrong.statusCode).toBe(422);
    for (const name of ["", " x", "x ", "\t", "ü", "x".repeat(65)])
      expect(
        (await ann.send("POST", "/api/me/tokens", { body: { name, password: PASSWORD } })).statusCode,
        name,
      ).toBe(400);
    const token = await make("x");
    expect(token).toMatch(/^prosper_[A-Za-z0-9_-]{43}$/);
    expect(
      await text(api.database.db, sql`SELECT count(*) FROM api_tokens t WHERE t::text LIKE ${`%${token}%`}`),
    ).toBe("0");
    expect(JSON.stringify(await tokens())).not.toContain(token);
  });

  it("shows when it was used, to the minute", async () => {
    const token = await make("x");
    expect((await tokens())[0]).toMatchObject({ name: "x", used: null });
    await statusOf("GET", "/api/me", token);
    const first = (await tokens())[0]?.used;
    expect(first).toBe(new Date(api.clock.wallMs()).toISOString());
    api.clock.advance(30_000);
    await statusOf("GET", "/api/me", token);
    expect((await tokens())[0]?.used).toBe(first);
    api.clock.advance(40_000);
    await statusOf("GET", "/api/me", token);
    expect((await tokens())[0]?.used).not.toBe(first);
  });

  it("ends when it is revoked, when the password changes, and while its user is barred from everything", async () => {
    const [one, two] = [await make("one"), await make("two")];
    const id = (await tokens()).find(({ name }) => name === "one")?.id;
    await ann.send("DELETE", "/api/me/tokens", { body: { id } });
    expect([await statusOf("GET", "/api/me", one), await statusOf("GET", "/api/me", two)]).toEqual([
      401, 200,
    ]);

    const { db } = api.database;
    const who = { kind: "user", subject: "ann", by: "boss" } as const;
    await bar(db, { ...who, scope: "all", reason: "a test", forMs: 60_000 });
    expect(await statusOf("GET", "/api/me", two)).toBe(401);
    await liftBar(db, who);
    expect(await statusOf("GET", "/api/me", two)).toBe(200);
    ann = await loggedIn(api, "ann");
    await ann.send("PUT", "/api/me/password", { body: { password: PASSWORD, next: PASSWORD } });
    expect(await statusOf("GET", "/api/me", two)).toBe(401);
  });

  it("is one of twenty at most, whatever is made at once", async () => {
    const { db } = api.database;
    const userId = BigInt((await text(db, sql`SELECT id FROM users WHERE name = 'ann'`)) ?? 0);
    for (let n = 0; n < 19; n++) await insertToken(db, { userId, name: "x", tokenHash: `hash ${n}` });
    const made = await Promise.all(
      ["a", "b", "c"].map((tokenHash) => insertToken(db, { userId, name: "x", tokenHash })),
    );
    expect(made.filter(Boolean)).toHaveLength(1);
    const refusal = await ann.json("POST", "/api/me/tokens", { body: { name: "x", password: PASSWORD } });
    expect(refusal).toMatchObject({ status: 422, body: { error: { message: /20 tokens/ } } });
    expect(await findToken(db, "hash 3", api.clock.wallMs())).toMatchObject({ name: "ann" });
  });

  it("counts alone where one is sent: a cookie beside it does not help, and another's form is nobody's", async () => {
    expect((await ann.send("GET", "/api/me", bearer("prosper_nothing"))).statusCode).toBe(401);
    expect((await ann.send("GET", "/api/me", bearer(ann.cookies.get("session") ?? ""))).statusCode).toBe(401);
    expect((await ann.send("GET", "/api/me", { headers: { authorization: "Basic eDp4" } })).statusCode).toBe(
      200,
    );
  });
});

describe("sessions", () => {
  it("are listed without what logs in by them, and ended one by one", async () => {
    const phone = await loggedIn(api, "ann");
    const bob = await loggedIn(api, "bob");
    const list = async () =>
      v.parse(VIEWS.Sessions, (await ann.json("GET", "/api/me/sessions")).body).sessions;
    const sessions = await list();
    expect(sessions.map(({ own }) => own).toSorted()).toEqual([false, true]);
    for (const client of [ann, phone])
      expect(JSON.stringify(sessions)).not.toContain(client.cookies.get("session"));

    const other = sessions.find(({ own }) => !own)?.id;
    await bob.send("DELETE", "/api/me/sessions", { body: { id: other } });
    expect((await phone.send("GET", "/api/me")).statusCode).toBe(200);
    await ann.send("DELETE", "/api/me/sessions", { body: { id: other } });
    expect((await phone.send("GET", "/api/me")).statusCode).toBe(401);
    expect((await list()).map(({ own }) => own)).toEqual([true]);
  });
});
