import * as v from "valibot";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { VIEWS } from "../../../functions/api/views/views.ts";
import { LOCAL_CONTEXT } from "../../../functions/local-context.ts";
import { insertInvite, isUnclaimed } from "../../../shared/db/invites.ts";
import { sql } from "../../../shared/db/port.ts";
import { addressOf, uniqueName } from "../../support/accounts.ts";
import { createTestApi, PASSWORD, type TestApi } from "../../support/api.ts";
import { eventOf, type Sent, type TestClient, testClient } from "../../support/http-client.ts";

let api: TestApi;
let client: TestClient;
beforeAll(async () => {
  api = await createTestApi({ seeded: false });
});
let tests = 0;
beforeEach(() => {
  // The failures of one test are not held against the next.
  tests += 1;
  client = testClient(api.handler, `198.51.100.${tests}`);
  api.clock.advance(2 * 3_600_000);
});
afterAll(() => api.database.drop());

const login = (name: string, password: string, sent: Sent = {}) =>
  client.send("POST", "/api/session", { ...sent, body: { name, password } });

async function whoAmI(who: TestClient = client): Promise<string | undefined> {
  const { body } = await who.json("GET", "/api/session");
  return v.parse(VIEWS.Session, body).user?.name;
}

describe("logging in", () => {
  it("sets a cookie that scripts and other sites cannot use, for twelve hours", async () => {
    const reply = await login("ann", PASSWORD);

    expect(reply.statusCode).toBe(200);
    expect(reply.cookies).toEqual([
      expect.stringMatching(/^session=[A-Za-z0-9_-]{43}; Path=\/; Max-Age=43200; HttpOnly; SameSite=Strict$/),
      expect.stringMatching(
        /^device=[A-Za-z0-9_-]{43}; Path=\/; Max-Age=34560000; HttpOnly; SameSite=Strict$/,
      ),
    ]);
    expect(await whoAmI()).toBe("ann");
  });

  it("knows the device again after a logout, by a token that each login replaces", async () => {
    await login("ann", PASSWORD);
    const first = client.cookies.get("device");
    await client.send("DELETE", "/api/session");
    expect(client.cookies.get("device")).toBe(first);
    for (let i = 0; i < 6; i++) {
      const stranger = testClient(api.handler, `203.0.113.${i}`);
      await stranger.send("POST", "/api/session", { body: { name: "ann", password: "guess" } });
    }

    const elsewhere = { address: "203.0.113.99" };
    const stranger = testClient(api.handler, elsewhere.address);
    stranger.cookies.set("device", "A".repeat(43));
    const asStranger = await stranger.send("POST", "/api/session", {
      body: { name: "ann", password: PASSWORD },
    });
    const asOwner = await login("ann", PASSWORD, elsewhere);

    expect([asStranger.statusCode, asOwner.statusCode]).toEqual([429, 200]);
    expect(client.cookies.get("device")).not.toBe(first);
  });

  it("binds the cookie to https and to this host where the page came over https", async () => {
    const headers = { "x-forwarded-proto": "https" };

    const reply = await login("ann", PASSWORD, { headers });

    expect(reply.cookies?.[0]).toMatch(/^__Host-session=.+; Path=\/; .*HttpOnly; SameSite=Strict; Secure$/);
    expect(await whoAmI()).toBeUndefined();
    const secure = await client.json("GET", "/api/session", { headers });
    expect(v.parse(VIEWS.Session, secure.body).user?.name).toBe("ann");
  });

  it("hears the cookie from its header where nobody has listed it", async () => {
    await login("ann", PASSWORD);
    const cookie = `theme=dark; session=${client.cookies.get("session")}`;
    const { cookies: _, ...event } = eventOf("GET", "/api/session", { headers: { cookie } }, []);

    const reply = await api.handler(event, LOCAL_CONTEXT);

    expect(v.parse(VIEWS.Session, JSON.parse(reply.body ?? "")).user?.name).toBe("ann");
  });

  it("keeps only a hash of the token", async () => {
    await login("ann", PASSWORD);

    const token = client.cookies.get("session") ?? "";
    const rows = await api.modules.db.query(
      sql`SELECT token_hash AS hash FROM sessions`,
      v.object({ hash: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)) }),
    );
    expect(rows.length).toBeGreaterThan(0);
    expect(rows.map((row) => row.hash)).not.toContain(token);
  });

  it("answers a wrong password and an unknown user alike", async () => {
    const wrong = await login("ann", "not the password");
    const unknown = await login("nobody-of-that-name", "not the password");

    expect(wrong.statusCode).toBe(401);
    expect(wrong.cookies).toBeUndefined();
    expect({ ...unknown }).toEqual({ ...wrong });
  });

  it("gives a new token each time, and none to a token chosen by somebody else", async () => {
    const chosen = "A".repeat(43);
    client.cookies.set("session", chosen);
    await login("ann", PASSWORD);
    const first = client.cookies.get("session");
    await login("ann", PASSWORD);

    expect(first).not.toBe(chosen);
    expect(client.cookies.get("session")).not.toBe(first);
  });

  it("lasts twelve hours and no longer", async () => {
    await login("ann", PASSWORD);

    api.clock.advance(12 * 3_600_000 - 1);
    expect(await whoAmI()).toBe("ann");
    api.clock.advance(1);
    expect(await whoAmI()).toBeUndefined();
    expect((await client.send("GET", "/api/me")).statusCode).toBe(401);
  });

  it("ends with logging out, on the server too", async () => {
    await login("ann", PASSWORD);
    const thief = testClient(api.handler);
    thief.cookies.set("session", client.cookies.get("session") ?? "");

    const reply = await client.send("DELETE", "/api/session");

    expect(reply.cookies?.[0]).toContain("Max-Age=0");
    expect(client.cookies.has("session")).toBe(false);
    expect(await whoAmI(thief)).toBeUndefined();
  });
});

describe("requests that change something", () => {
  const cases: [string, Sent, number][] = [
    ["from another site", { headers: { origin: "https://evil.example" } }, 403],
    ["from a sandboxed page", { headers: { origin: "null" } }, 403],
    ["from another port", { headers: { origin: "http://pool.example:8080" } }, 403],
    ["named cross-site by the browser", { headers: { "sec-fetch-site": "cross-site" } }, 403],
    ["named same-site by the browser", { headers: { "sec-fetch-site": "same-site" } }, 403],
    ["as a form", { headers: { "content-type": "application/x-www-form-urlencoded" } }, 415],
    ["as text", { headers: { "content-type": "text/plain" } }, 415],
    [
      "from the pool's own page",
      { headers: { origin: "http://pool.example:7070", "sec-fetch-site": "same-origin" } },
      200,
    ],
    ["from a program", {}, 200],
  ];
  it.each(cases)("sent %s", async (_name, sent, status) => {
    expect((await login("ann", PASSWORD, sent)).statusCode).toBe(status);
  });

  it("are refused when they are no JSON, too large, or of another form, without repeating what was sent", async () => {
    const send = (body: unknown) => client.send("POST", "/api/session", { body });
    const secret = "hunter2-canary";

    const replies = [
      await send(`{"name": "ann", "password": "${secret}"`),
      await send({ name: "ann", password: { $ne: secret } }),
      await send({ name: "ann", password: secret, admin: true }),
      await send({ name: "ann" }),
      await send({ name: "ann", password: secret.repeat(100) }),
      await send([secret]),
      await send(`"${secret.repeat(8000)}"`),
    ];

    expect(replies.map((reply) => reply.statusCode)).toEqual([400, 400, 400, 400, 400, 400, 413]);
    for (const reply of replies) expect(reply.body).not.toContain(secret);
  });
});

describe("registering over the web", () => {
  const body = (name: string, change: object = {}) => ({
    name,
    password: PASSWORD,
    invite: "none",
    address: addressOf(name),
    ...change,
  });

  it("takes a code, logs in at once, and spends the code", async () => {
    const code = uniqueName("code");
    await insertInvite(api.modules.db, code);
    const name = uniqueName("web");

    const reply = await client.send("POST", "/api/register", { body: body(name, { invite: code }) });

    expect(reply.statusCode).toBe(200);
    expect(await whoAmI()).toBe(name);
    expect(await isUnclaimed(api.modules.db, code)).toBe(false);
  });

  it("is refused without a code, with a bad one, a short password, a bad address or a bad name, and spends nothing [G10]", async () => {
    const code = uniqueName("code");
    await insertInvite(api.modules.db, code);
    const tries: [Record<string, string>, RegExp][] = [
      [{ invite: "" }, /^registering needs an invite code/],
      [{ invite: "wrong" }, /^that invite code is unknown or used already/],
      [{ invite: code, password: "short" }, /^a password has at least/],
      [{ invite: code, address: "FA1" }, /^the payout address is no valid FA address/],
      [{ invite: code, name: "has space" }, /^a user name is/],
      [{ invite: code, name: "has,comma" }, /^a user name is/],
      [{ invite: code, name: "ann" }, /^that user name is taken/],
    ];

    for (const [change, message] of tries) {
      const { status, body: answer } = await client.json("POST", "/api/register", {
        body: body(uniqueName("web"), change),
      });
      expect(status, JSON.stringify(change)).toBe(422);
      expect(v.parse(VIEWS.Error, answer).error.message).toMatch(message);
    }
    expect(await isUnclaimed(api.modules.db, code)).toBe(true);
  });

  it("gives one code to exactly one of 64 racers", async () => {
    const code = uniqueName("code");
    await insertInvite(api.modules.db, code);

    const replies = await Promise.all(
      Array.from({ length: 64 }, (_, i) =>
        testClient(api.handler, `203.0.113.${i}`).send("POST", "/api/register", {
          body: body(uniqueName("racer"), { invite: code }),
        }),
      ),
    );

    expect(replies.filter((reply) => reply.statusCode === 200)).toHaveLength(1);
    expect(replies.filter((reply) => reply.statusCode === 422)).toHaveLength(63);
  });
});

describe("changing an account", () => {
  it("asks for the password again before money goes elsewhere", async () => {
    await login("bob", PASSWORD);
    const change = (password: string, address: string) =>
      client.send("PUT", "/api/me/address", { body: { password, address } });

    expect((await change("wrong", addressOf("new"))).statusCode).toBe(422);
    expect((await change(PASSWORD, "FA-no-address")).statusCode).toBe(422);
    expect(v.parse(VIEWS.Session, (await client.json("GET", "/api/session")).body).user?.payoutAddress).toBe(
      addressOf("bob"),
    );
    expect((await change(PASSWORD, addressOf("new"))).statusCode).toBe(200);
    expect(v.parse(VIEWS.Session, (await client.json("GET", "/api/session")).body).user?.payoutAddress).toBe(
      addressOf("new"),
    );
  });

  it("ends every other session with a new password, renews its own cookie, and the old password no longer works", async () => {
    await login("bob", PASSWORD);
    const other = testClient(api.handler);
    await other.send("POST", "/api/session", { body: { name: "bob", password: PASSWORD } });
    // Somebody who has read this session's own cookie.
    const copy = testClient(api.handler);
    for (const [name, value] of client.cookies) copy.cookies.set(name, value);
    expect(await whoAmI(copy)).toBe("bob");

    const short = await client.send("PUT", "/api/me/password", {
      body: { password: PASSWORD, next: "short" },
    });
    const changed = await client.send("PUT", "/api/me/password", {
      body: { password: PASSWORD, next: "another long password" },
    });

    expect([short.statusCode, changed.statusCode]).toEqual([422, 200]);
    expect(await whoAmI()).toBe("bob");
    expect(await whoAmI(other)).toBeUndefined();
    expect(await whoAmI(copy)).toBeUndefined();
    expect((await login("bob", PASSWORD)).statusCode).toBe(401);
    expect((await login("bob", "another long password")).statusCode).toBe(200);
  });
});
