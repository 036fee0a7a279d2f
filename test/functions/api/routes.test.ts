/** Every route: its answer's shape and who may come in; then what a user is shown of its own, and the operator of all. */

import * as v from "valibot";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { apiRoutes } from "../../../functions/api/handler.ts";
import { VIEWS } from "../../../functions/api/views/views.ts";
import { sql } from "../../../shared/db/port.ts";
import { judgeWorkers } from "../../../shared/db/worker-states.ts";
import { addressOf } from "../../support/accounts.ts";
import {
  BLOCKS,
  createTestApi,
  EVIL,
  FIRST_HEIGHT,
  get,
  loggedIn,
  PASSWORD,
  type TestApi,
} from "../../support/api.ts";
import { type TestClient, testClient } from "../../support/http-client.ts";

let api: TestApi;
let visitor: TestClient;
let ann: TestClient;
let boss: TestClient;
/** Destinations of alerts. */
const [TOLD, REMOVED, UNCONFIRMED] = [1001, 1002, 1003];

beforeAll(async () => {
  api = await createTestApi();
  visitor = testClient(api.handler);
});
// Anew for each test: a change of password, which is a route like others, ends all other sessions.
beforeEach(async () => {
  ann = await loggedIn(api, "ann");
  boss = await loggedIn(api, "boss");
  // Ann's: two that are told, and one that waits for its code.
  const { db } = api.database;
  await db.execute(sql`DELETE FROM alert_destinations`);
  await db.execute(sql`INSERT INTO alert_destinations (id, user_name, kind, target, events, code) OVERRIDING SYSTEM VALUE
    VALUES (${TOLD}::bigint, 'ann', 'webhook', 'https://example.com', '{}', NULL), (${REMOVED}::bigint, 'ann', 'webhook', 'https://example.com', '{}', NULL),
      (${UNCONFIRMED}::bigint, 'ann', 'email', 'ann@example.com', '{}', '1')`);
});
afterAll(() => api.database.drop());

const ALERTS = { events: ["offline"], everyMinutes: 60, quiet: null };
/** A body that each route that takes one accepts. */
const BODIES: Record<string, unknown> = {
  "POST /api/session": { name: "ann", password: PASSWORD },
  "POST /api/register": { name: "x", password: PASSWORD, invite: "none", address: addressOf("x") },
  "PUT /api/me/address": { address: addressOf("ann"), password: PASSWORD },
  "POST /api/password-reset": { name: "nobody" },
  "PUT /api/password-reset": { code: "none", next: PASSWORD },
  "POST /api/address/keep": { code: "none" },
  "DELETE /api/me": { name: "another", password: PASSWORD },
  "PUT /api/me/workers": { own: [], strange: [] },
  "PUT /api/me/public": { shows: ["rate"] },
  "POST /api/admin/invites/end": { code: "none" },
  "POST /api/me/alerts": { kind: "webhook", target: "https://example.com", ...ALERTS },
  "PUT /api/me/alerts": { id: `${TOLD}`, ...ALERTS },
  "DELETE /api/me/alerts": { id: `${REMOVED}` },
  "POST /api/me/alerts/test": { id: `${TOLD}` },
  "POST /api/me/alerts/code": { id: `${UNCONFIRMED}` },
  "POST /api/me/alerts/confirm": { id: `${UNCONFIRMED}`, code: "1" },
  "PUT /api/me/password": { password: PASSWORD, next: PASSWORD },
  "POST /api/me/tokens": { name: "a test", password: PASSWORD },
  "DELETE /api/me/tokens": { id: 20 },
  "DELETE /api/me/sessions": { id: "0123456789abcdef" },
  "POST /api/me/second-factor": { password: PASSWORD },
  "PUT /api/me/second-factor": { code: "000000" },
  "DELETE /api/me/second-factor": { password: PASSWORD },
  "POST /api/admin/adjustments/preview": { user: "boss", amount: "5", reason: "a test" },
  "POST /api/admin/bars": { kind: "user", subject: "bob", scope: "mining", reason: "a test", seconds: 60 },
  "POST /api/admin/bars/lift": { kind: "user", subject: "bob" },
  "POST /api/admin/notices": { kind: "announcement", words: "a test", inSeconds: 0, forSeconds: 60 },
  "POST /api/admin/notices/end": { id: "1" },
  "POST /api/admin/adjustments/confirm": { id: "1" },
  "POST /api/admin/adjustments/withdraw": { id: "1" },
  "POST /api/admin/payday/approve": { id: "0".repeat(16) },
  "POST /api/admin/payday/signed": {
    ...{ id: "0".repeat(16), source: "FA", no: 0 },
    entry: { entryHash: "0".repeat(64), raw: "00", count: 1 },
  },
  "POST /api/admin/adjustments": { user: "boss", amount: "5", reason: "a test", requestId: "request-1" },
};

/** What a route needs to be asked for. */
const QUERIES: Record<string, string> = {
  "GET /api/me/worker": "name=rig",
  "GET /api/find": "who=ann",
  "GET /api/me/export/blocks": "format=json",
  "GET /api/me/export/earnings": "format=json",
  "GET /api/me/export/payments": "format=json",
  "GET /api/me/export/workers": "format=json",
};
/** An administrator has no work of its own to prove, no worker, and none of Ann's destinations. */
const OF_MINERS = [
  ...[
    "GET /api/me/blocks/{height}/proof",
    "GET /api/me/worker",
    "PUT /api/me/alerts",
    "DELETE /api/me/alerts",
  ],
  ...["POST /api/me/alerts/test", "POST /api/me/alerts/code"],
];
/** These need what a body cannot say beforehand, or the pool in their process; their own tests parse the answers. */
const NEED_MORE = [
  "POST /api/register",
  "POST /api/address/keep",
  "PUT /api/password-reset",
  "DELETE /api/me/address",
  "DELETE /api/me",
  "PUT /api/me/second-factor",
  "POST /api/me/alerts/confirm",
  "POST /api/admin/adjustments/confirm",
  "POST /api/admin/adjustments/withdraw",
  "POST /api/admin/invites/end",
  "GET /api/admin/payday/file",
  "POST /api/admin/payday/prepare",
  "POST /api/admin/payday/approve",
  "POST /api/admin/payday/signed",
  "POST /api/admin/payday/confirm",
];

const pathOf = (path: string): string =>
  path
    .replace("{height}", String(FIRST_HEIGHT))
    .replace("{id}", String(FIRST_HEIGHT))
    .replace("{code}", "ABCDEFGHIJKLMNOP");

describe("every route", () => {
  it("answers in the shape that the OpenAPI document promises", async () => {
    const seen: string[] = [];
    for (const route of apiRoutes(api.options, api.modules)) {
      if (NEED_MORE.includes(`${route.method} ${route.path}`)) continue;
      const client = await loggedIn(api, route.access === "admin" ? "boss" : "ann");
      const path = pathOf(route.path);
      const body = BODIES[`${route.method} ${route.path}`];

      const query = QUERIES[`${route.method} ${route.path}`] ?? "";
      const reply = await client.json(route.method, path, body === undefined ? { query } : { body, query });

      expect(reply.status, `${route.method} ${path}: ${JSON.stringify(reply.body)}`).toBe(200);
      v.parse(VIEWS[route.reply], reply.body);
      seen.push(path);
    }
    expect(seen).toHaveLength(apiRoutes(api.options, api.modules).length - NEED_MORE.length);
    expect(seen.length).toBeGreaterThan(24);
  });

  it("lets in exactly those who may come in", async () => {
    for (const route of apiRoutes(api.options, api.modules)) {
      const path = pathOf(route.path);
      const body = BODIES[`${route.method} ${route.path}`];
      const statusFor = async (client: TestClient): Promise<number> =>
        (await client.send(route.method, path, body === undefined ? { query } : { body, query }))
          .statusCode ?? 0;
      const query = QUERIES[`${route.method} ${route.path}`] ?? "";
      const name = `${route.method} ${path}`;

      const asVisitor = await statusFor(testClient(api.handler));
      const asUser = await statusFor(await loggedIn(api, "ann"));
      const asAdmin = await statusFor(await loggedIn(api, "boss"));

      if (route.access === "public") expect([200, 422], name).toContain(asVisitor);
      else expect(asVisitor, name).toBe(401);
      if (route.access === "admin") expect(asUser, name).toBe(403);
      else expect([200, 422], name).toContain(asUser);
      const mayBe = NEED_MORE.includes(`${route.method} ${route.path}`) ? [200, 404, 409, 422] : [200, 422];
      expect(OF_MINERS.includes(`${route.method} ${route.path}`) ? [404] : mayBe, name).toContain(asAdmin);
    }
  });
});

describe("GET /api/me", () => {
  it("shows what is owed, what is pending and every worker", async () => {
    const me = await get(ann, "/api/me", VIEWS.Me);
    const { blocks } = await get(ann, "/api/me/blocks", VIEWS.MyBlocks);

    const booked = blocks.reduce((sum, block) => sum + BigInt(block.amount ?? 0), 0n);
    expect(BigInt(me.booked)).toBe(booked);
    expect(BigInt(me.owed)).toBe(booked + 500_000_000n - 300_000_000n);
    expect(me).toMatchObject({
      name: "ann",
      payoutAddress: addressOf("ann"),
      adjusted: "500000000",
      paidOut: "300000000",
    });
    expect(new Set(me.workers.map((worker) => worker.name))).toEqual(new Set([EVIL, "rig"]));
    const rig = me.workers.find((worker) => worker.name === "rig");
    expect(rig?.online).toBe(true);
    expect(rig?.hashrateShort).toBeGreaterThan(34_000);
    expect(rig?.hashrateShort).toBeLessThan(46_000);
    expect(rig?.minutes.length).toBeGreaterThanOrEqual(59);
    expect(me.pendingBlocks).toHaveLength(1);
    expect(me.pendingBlocks[0]).toMatchObject({ height: FIRST_HEIGHT + BLOCKS, rewardKnown: false });
    expect(me.pendingBlocks[0]?.part).toBeCloseTo(0.5, 1);
    expect(BigInt(me.pending)).toBeGreaterThan(0n);
  });

  it("shows nobody else's figures", async () => {
    const bob = await loggedIn(api, "bob");

    const me = await get(bob, "/api/me", VIEWS.Me);
    const { payments, adjustments } = await get(bob, "/api/me/payments", VIEWS.MyPayments);

    expect(me.name).toBe("bob");
    expect(me.workers.map((worker) => worker.name)).toEqual([""]);
    expect(payments).toEqual([]);
    expect(adjustments).toEqual([]);
  });

  it("lists payments and adjustments with their reasons", async () => {
    const { payments, adjustments } = await get(ann, "/api/me/payments", VIEWS.MyPayments);

    expect(payments).toMatchObject([{ amount: "300000000", address: addressOf("ann") }]);
    expect(adjustments).toMatchObject([{ amount: "500000000", reason: "thanks for the bug report" }]);
  });

  it("shows a worker that stopped as offline, and its rate falling", async () => {
    const { db } = api.database;
    const judge = () => judgeWorkers(db, api.clock.wallMs(), 24 * 3_600_000);
    await judge();
    const before = await get(ann, "/api/me", VIEWS.Me);
    // Not known for three hours yet: silent for an hour.
    for (let minute = 0; minute < 62; minute += 4) {
      api.clock.advance(4 * 60_000);
      await judge();
    }
    const after = await get(ann, "/api/me", VIEWS.Me);
    api.clock.advance(-64 * 60_000);

    expect(before.workers.every((worker) => worker.online)).toBe(true);
    expect(after.workers.every((worker) => !worker.online)).toBe(true);
    expect(after.hashrateShort).toBeLessThan(before.hashrateShort * 0.6);
  });
});

describe("the operator's routes", () => {
  it("list workers and open connections", async () => {
    const { workers, sessions } = await get(boss, "/api/admin/miners", VIEWS.Miners);

    expect(new Set(workers.map((row) => `${row.user}/${row.worker}`))).toEqual(
      new Set(["ann/rig", `ann/${EVIL}`, "bob/"]),
    );
    expect(sessions).toMatchObject([{ user: "ann", agent: EVIL, target: "ffff000000000000", nonce: 4097 }]);
  });

  it("find workers and connections by a part of any name they have", async () => {
    const found = async (search: string) => {
      const view = await get(boss, "/api/admin/miners", VIEWS.Miners, `search=${encodeURIComponent(search)}`);
      return [view.workers.map((row) => `${row.user}/${row.worker}`), view.sessions?.map(({ id }) => id)];
    };
    expect(await found("RI")).toEqual([["ann/rig"], []]);
    expect(await found("bo")).toEqual([["bob/"], []]);
    expect(await found("192.0.2.1")).toEqual([[], ["s1"]]);
    expect(await found("nobody")).toEqual([[], []]);
  });

  it("turn pages of workers and connections, each by itself, and tell how many there are", async () => {
    const page = async (query: string) => {
      const view = await get(boss, "/api/admin/miners", VIEWS.Miners, query);
      return [view.workers.length, view.workersTotal, view.sessions?.length, view.sessionsTotal];
    };
    expect(await page("")).toEqual([3, 3, 1, 1]);
    expect(await page("workersFrom=2")).toEqual([1, 3, 1, 1]);
    expect(await page("workersFrom=2&sessionsFrom=1&search=ann")).toEqual([0, 2, 0, 1]);
  });

  it("list users with their balances", async () => {
    const { users } = await get(boss, "/api/admin/users", VIEWS.Users);

    const bob = users.find((user) => user.name === "bob");
    expect(users.map((user) => user.name)).toEqual(["boss", "bob", "ann"]);
    expect(bob?.owed).toBe(bob?.booked);
    expect(BigInt(bob?.owed ?? 0)).toBeGreaterThan(0n);
  });

  it("make invite codes that show up as unclaimed", async () => {
    const made = v.parse(VIEWS.Invite, (await boss.json("POST", "/api/admin/invites")).body);
    const { invites } = await get(boss, "/api/admin/invites", VIEWS.Invites);

    expect(invites.find((invite) => invite.code === made.code)).toMatchObject({
      claimedBy: null,
      claimedAt: null,
    });
  });

  it("make codes with a note and an end, several at one go, and end one that nobody has", async () => {
    const body = { count: 3, note: "the club", forSeconds: 3600 };
    const made = v.parse(VIEWS.Invite, (await boss.json("POST", "/api/admin/invites", { body })).body);
    expect(new Set(made.codes).size).toBe(3);
    const listed = async (code: string | undefined) =>
      (await get(boss, "/api/admin/invites", VIEWS.Invites)).invites.find((invite) => invite.code === code);
    const shown = await listed(made.codes[1]);
    expect(shown).toMatchObject({ note: "the club", madeBy: "boss", over: false, claimedBy: null });
    expect(Date.parse(shown?.endsAt ?? "") - Date.parse(shown?.createdAt ?? "")).toBe(3_600_000);

    const end = () => boss.json("POST", "/api/admin/invites/end", { body: { code: made.code } });
    expect((await end()).status).toBe(200);
    expect((await end()).status).toBe(422);
    expect(await listed(made.code)).toMatchObject({ over: true });
    for (const wrong of [{ count: 51 }, { count: 0 }, { forSeconds: 1 }])
      expect((await boss.json("POST", "/api/admin/invites", { body: wrong })).status).toBe(400);
    const control = { note: "a\nb" };
    expect((await boss.json("POST", "/api/admin/invites", { body: control })).status).toBe(422);
  });

  it("tell whose share a submission was, which the public list does not", async () => {
    const admin = await get(boss, "/api/admin/submissions", VIEWS.AdminSubmissionList, "job=1000");
    const open = await visitor.send("GET", "/api/submissions", { query: "job=1000" });

    expect(admin.submissions).toHaveLength(6);
    expect(admin.submissions[0]).toMatchObject({ user: "ann", worker: "rig", edge: 0 });
    expect(open.body).not.toContain("ann");
  });
});
