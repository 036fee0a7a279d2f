/** The operator's orders over the API: bars, announcements, maintenance; each with its line in the log of what administrators did. */

import * as v from "valibot";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { VIEWS } from "../../../../functions/api/views/views.ts";
import { sql } from "../../../../shared/db/port.ts";
import { createTestApi, loggedIn, PASSWORD, type TestApi } from "../../../support/api.ts";
import { type TestClient, testClient } from "../../../support/http-client.ts";

let api: TestApi;
let boss: TestClient;
beforeAll(async () => {
  api = await createTestApi({ seeded: false });
  boss = await loggedIn(api, "boss");
});
afterAll(() => api.database.drop());

const bar = (body: object) =>
  boss.json("POST", "/api/admin/bars", {
    body: { kind: "user", subject: "ann", scope: "mining", reason: "why", seconds: null, ...body },
  });
const lift = (subject: string, kind = "user") =>
  boss.json("POST", "/api/admin/bars/lift", { body: { kind, subject } });

async function bars(): Promise<readonly v.InferOutput<typeof VIEWS.Bars>["bars"][number][]> {
  return v.parse(VIEWS.Bars, (await boss.json("GET", "/api/admin/bars")).body).bars;
}

/** The newest line of the log. */
async function logged(): Promise<unknown> {
  const { body } = await boss.json("GET", "/api/admin/log", { query: "limit=1" });
  const [entry] = v.parse(VIEWS.AdminLog, body).entries;
  return entry && { ...entry, id: undefined, at: undefined };
}

const logIn = (name: string, address: string) =>
  testClient(api.handler, address).json("POST", "/api/session", { body: { name, password: PASSWORD } });

describe("a bar", () => {
  it("of mining lets the user log in, shows its reason and end, and is lifted; the log has before and after", async () => {
    expect(await bar({ reason: "keeps hits back", seconds: 7200 })).toMatchObject({ status: 200 });
    expect((await logIn("ann", "192.0.2.1")).status).toBe(200);
    const [shown] = await bars();
    expect(shown).toMatchObject({
      ...{ kind: "user", subject: "ann", scope: "mining", reason: "keeps hits back", madeBy: "boss" },
      ...{ stands: true, liftedBy: null },
    });
    expect(Date.parse(shown?.until ?? "") - Date.parse(shown?.at ?? "")).toBe(7_200_000);
    expect(await logged()).toMatchObject({
      ...{ actor: "boss", action: "disable", subject: "ann" },
      details: {
        before: "not barred",
        after: expect.stringMatching(/^may not mine, until 20\S+ \S+ UTC: keeps hits back$/),
      },
    });

    expect((await lift("ann")).status).toBe(200);
    expect((await bars())[0]).toMatchObject({ stands: false, liftedBy: "boss" });
    expect(await logged()).toMatchObject({
      ...{ action: "unban", subject: "ann" },
      details: { before: expect.stringMatching(/^may not mine/), after: "not barred" },
    });
    expect(await lift("ann")).toMatchObject({ status: 422, body: { error: { code: "no-bar" } } });
  });

  it("of everything ends the user's sessions, and tells who knows the password why", async () => {
    const ann = await loggedIn(api, "ann");
    await bar({ scope: "all", reason: "sold its account" });

    expect((await ann.json("GET", "/api/me")).status).toBe(401);
    expect(await logIn("ann", "192.0.2.1")).toMatchObject({
      status: 401,
      body: { error: { message: expect.stringMatching(/until its operator lifts it: sold its account/) } },
    });
    const guess = await testClient(api.handler, "192.0.2.44").json("POST", "/api/session", {
      body: { name: "ann", password: "a wrong guess" },
    });
    expect(JSON.stringify(guess.body)).not.toContain("sold");
    expect(await logged()).toMatchObject({ action: "ban" });

    await lift("ann");
    expect((await logIn("ann", "192.0.2.1")).status).toBe(200);
  });

  it("of a range keeps everybody from there from logging in, but never an administrator", async () => {
    await bar({ kind: "address", subject: "198.51.100.0/24", scope: "all" });

    expect((await logIn("bob", "198.51.100.9")).status).toBe(401);
    expect((await logIn("bob", "198.51.101.9")).status).toBe(200);
    expect((await logIn("boss", "198.51.100.9")).status).toBe(200);
    const register = await testClient(api.handler, "198.51.100.9").json("POST", "/api/register", {
      body: { name: "new", password: PASSWORD, invite: "x", address: "x" },
    });
    expect(JSON.stringify(register.body)).toContain("barred you");
    await lift("198.51.100.0/24", "address");
  });

  it("takes the place of one that stands, and ends by itself", async () => {
    await bar({ reason: "first" });
    await bar({ reason: "second", seconds: 60 });
    expect((await bars()).filter(({ stands }) => stands).map(({ reason }) => reason)).toEqual(["second"]);
    expect(await logged()).toMatchObject({ details: { before: "may not mine, without an end: first" } });

    await api.database.db.execute(
      sql`UPDATE bars SET until = now() - interval '1 second' WHERE reason = 'second'`,
    );
    expect((await bars()).filter(({ stands }) => stands)).toEqual([]);
    expect((await bar({ reason: "third" })).status).toBe(200);
    await lift("ann");
  });

  it.each([
    [{ subject: "nobody" }, 422, "no-user"],
    [{ subject: "boss" }, 422, "administrator"],
    [{ kind: "address", subject: "0.0.0.0/0" }, 422, "bad-address"],
    [{ kind: "address", subject: "ann" }, 422, "bad-address"],
    [{ reason: "two\nlines" }, 422, "bad-reason"],
    [{ seconds: 5 }, 400, "bad-input"],
  ])("as %j is refused", async (change, status, code) => {
    const before = (await bars()).length;
    expect(await bar(change)).toMatchObject({ status, body: { error: { code } } });
    expect((await bars()).length).toBe(before);
  });

  it("is refused where a thousand stand", async () => {
    const { db } = api.database;
    await db.execute(sql`INSERT INTO bars (kind, subject, scope, reason, made_by)
      SELECT 'address', '10.0.0.0/' || (8 + n % 24) || ' ' || n, 'mining', 'x', 'boss' FROM generate_series(1, 1000) AS n`);
    expect(await bar({})).toMatchObject({ status: 409, body: { error: { code: "full" } } });
    await db.execute(sql`DELETE FROM bars WHERE reason = 'x'`);
  });
});

describe("a notice", () => {
  const give = (body: object) =>
    boss.json("POST", "/api/admin/notices", {
      body: { kind: "announcement", words: "a new fee", inSeconds: 0, forSeconds: 3600, ...body },
    });
  const told = async () => {
    const { body } = await testClient(api.handler).json("GET", "/api/session");
    return v.parse(VIEWS.Session, body).notices;
  };
  const standing = async () =>
    v.parse(VIEWS.Notices, (await boss.json("GET", "/api/admin/notices")).body).notices;
  const end = (id: string) => boss.json("POST", "/api/admin/notices/end", { body: { id } });

  it("is told to every visitor until it ends", async () => {
    expect((await give({})).status).toBe(200);
    expect(await told()).toMatchObject([{ kind: "announcement", words: "a new fee" }]);
    expect(await logged()).toMatchObject({
      action: "announce",
      details: { before: "none", after: expect.stringMatching(/^announcement from .*: a new fee$/) },
    });

    expect((await end((await standing())[0]?.id ?? "")).status).toBe(200);
    expect(await told()).toEqual([]);
    expect(await logged()).toMatchObject({ action: "end-announcement", details: { after: "none" } });
  });

  it("of maintenance takes the place of the one before", async () => {
    await give({ kind: "maintenance", words: "a new disk", inSeconds: 600 });
    await give({ kind: "maintenance", words: "tomorrow instead", inSeconds: 86_400 });
    expect((await standing()).map(({ words }) => words)).toEqual(["tomorrow instead"]);
    expect(await logged()).toMatchObject({
      action: "begin-maintenance",
      details: {
        before: expect.stringMatching(/a new disk$/),
        after: expect.stringMatching(/tomorrow instead$/),
      },
    });
    const [one] = await standing();
    expect(Date.parse(one?.until ?? "") - Date.parse(one?.beginsAt ?? "")).toBe(3_600_000);
    await end(one?.id ?? "");
    expect(await end(one?.id ?? "")).toMatchObject({ status: 422 });
  });

  it("is refused where five stand, or where it is no line", async () => {
    for (let i = 0; i < 5; i++) expect((await give({ words: `number ${i}` })).status).toBe(200);
    expect(await give({})).toMatchObject({ status: 409, body: { error: { code: "full" } } });
    expect(await give({ words: "\u0007" })).toMatchObject({ status: 422 });
  });
});

describe("the list of users", () => {
  const list = async (query: string) => {
    const { body } = await boss.json("GET", "/api/admin/users", { query });
    return v.parse(VIEWS.Users, body);
  };

  it("is paged without a gap, and found in by part of a name or by an address", async () => {
    const { db } = api.database;
    await db.execute(sql`INSERT INTO users (name) SELECT 'farm%_' || n FROM generate_series(1, 30) AS n`);
    const [first, names] = [await list("limit=20"), new Set<string>()];
    for (const { name } of first.users) names.add(name);
    const second = await list(`limit=20&before=${first.next}`);
    for (const { name } of second.users) names.add(name);
    expect(names.size).toBe(33);
    expect(second.next).toBeNull();

    expect((await list("search=FARM%25_3")).users.map(({ name }) => name)).toEqual(["farm%_30", "farm%_3"]);
    expect((await list("search=%25")).users).toHaveLength(30);
    const [ann] = (await list("search=ann")).users;
    expect((await list(`search=${ann?.payoutAddress}`)).users.map(({ name }) => name)).toEqual(["ann"]);
  });

  it("says who is barred", async () => {
    await bar({ subject: "bob" });
    expect((await list("search=bob")).users).toMatchObject([{ name: "bob", barred: true }]);
    await lift("bob");
    expect((await list("search=bob")).users).toMatchObject([{ name: "bob", barred: false }]);
  });
});

describe("an adjustment's preview", () => {
  const preview = (body: object) =>
    boss.json("POST", "/api/admin/adjustments/preview", {
      body: { user: "ann", amount: "-500000000", reason: " a mistake ", ...body },
    });

  it("says what the user is owed now and would be, and books nothing", async () => {
    expect(await preview({})).toEqual({
      status: 200,
      body: { user: "ann", amount: "-500000000", reason: "a mistake", owed: "0", owedAfter: "-500000000" },
    });
    expect(await boss.json("GET", "/api/admin/adjustments")).toMatchObject({ body: { adjustments: [] } });
  });

  it.each([
    [{ user: "nobody" }, "no-user"],
    [{ amount: "0" }, "bad-amount"],
    [{ reason: " " }, "bad-reason"],
  ])("of %j is refused", async (change, code) => {
    expect(await preview(change)).toMatchObject({ status: 422, body: { error: { code } } });
  });
});
