import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as v from "valibot";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { apiRoutes } from "../../../functions/api/handler.ts";
import { VIEWS } from "../../../functions/api/views/views.ts";
import { createArchiver } from "../../../functions/janitor/archiver.ts";
import { folderStore } from "../../../shared/archive/folder-store.ts";
import { systemClock } from "../../../shared/clock.ts";
import { sql } from "../../../shared/db/port.ts";
import { judgeWorkers } from "../../../shared/db/worker-states.ts";
import { SILENT } from "../../../shared/logger.ts";
import { sha256Hex } from "../../../shared/sha256.ts";
import { addressOf } from "../../support/accounts.ts";
import {
  BLOCKS,
  createTestApi,
  EVIL,
  FIRST_HEIGHT,
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

async function get<Schema extends v.GenericSchema>(
  client: TestClient,
  path: string,
  schema: Schema,
  query = "",
): Promise<v.InferOutput<Schema>> {
  const { status, body } = await client.json("GET", path, { query });
  expect(status, JSON.stringify(body)).toBe(200);
  return v.parse(schema, body);
}

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

describe("GET /api/archive", () => {
  it("lists the files in their order, each hashed onto the one before", async () => {
    const folder = mkdtempSync(join(tmpdir(), "prosper-archive-"));
    const modules = { db: api.database.db, store: folderStore(folder), clock: systemClock, logger: SILENT };
    const { files: written } = await createArchiver({ afterMs: 0, runMs: 60_000 }, modules)();
    rmSync(folder, { recursive: true });

    let [chain, after] = ["", 0];
    for (let next: number | null = 0; next !== null; ) {
      const page: v.InferOutput<typeof VIEWS.ArchiveList> = await get(
        visitor,
        "/api/archive",
        VIEWS.ArchiveList,
        `limit=4&after=${after}`,
      );
      for (const { no, height, part, deltas, root, keysSha256, sha256, ...file } of page.files) {
        chain = sha256Hex(`${chain}\n${no} ${height} ${part} ${deltas} ${root} ${keysSha256} ${sha256}`);
        expect(file.chain).toBe(chain);
        after = no;
      }
      next = page.next;
    }
    expect(after).toBe(written);
    expect(written).toBeGreaterThan(4);
  });
});

describe("GET /api/pool", () => {
  it("shows hash rates, miners, the running job, the last blocks and how to connect", async () => {
    const pool = await get(visitor, "/api/pool", VIEWS.Pool);

    expect(pool).toMatchObject({
      miners: 2,
      workers: 3,
      connections: 3,
      minute: 4,
      height: 1011,
      feeRate: "0.05000000",
    });
    expect(pool.poolHashrate).toBeGreaterThan(85_000);
    expect(pool.poolHashrate).toBeLessThan(115_000);
    expect(pool.networkHashrate).toBeGreaterThan(220_000);
    expect(pool.job?.height).toBe(FIRST_HEIGHT + BLOCKS);
    expect(pool.blocks.map((block) => block.height)).toEqual(
      Array.from({ length: BLOCKS }, (_, i) => FIRST_HEIGHT + BLOCKS - 1 - i),
    );
    expect(pool.connect.stratum).toBe("pool.example:1234");
  });

  it("tells of each price where it comes from", async () => {
    const { job } = await get(visitor, "/api/pool", VIEWS.Pool);

    const of = (asset: string) => job?.prices.find((price) => price.asset === asset);
    expect(job?.prices).toHaveLength(62);
    expect(job?.prices[0]?.asset).toBe("PEG");
    expect(of("EUR")).toMatchObject({ basis: "quotes", source: "CoinGecko", agreeing: 2, closed: false });
    expect(of("XAU")).toMatchObject({ basis: "quotes", closed: true });
    expect(of("PEG")).toMatchObject({ basis: "carried", source: null, agreeing: 0 });
    expect(of("DCR")).toMatchObject({ basis: "last-good", pricedAt: expect.any(String) });
  });

  it("reckons luck from our part of the network's work", async () => {
    const { luck, blocks } = await get(visitor, "/api/pool", VIEWS.Pool);

    expect(luck.blocks).toBe(BLOCKS);
    expect(luck.places).toBe(blocks.reduce((sum, block) => sum + block.winning, 0));
    // Half of the hash rate, half of the 25 places.
    expect(luck.expectedPlaces / BLOCKS).toBeGreaterThan(11);
    expect(luck.expectedPlaces / BLOCKS).toBeLessThan(14);
    expect(luck.percent).toBeCloseTo((100 * luck.places) / luck.expectedPlaces, 6);
    expect(BigInt(luck.reward)).toBe(BigInt(luck.places) * 36_000_000_000n);
  });

  it("keeps the books in sight: fee, paid and carry make up the reward of every block", async () => {
    const { blocks } = await get(visitor, "/api/blocks", VIEWS.BlockList);

    expect(blocks).toHaveLength(BLOCKS);
    for (const block of blocks) {
      expect(block.state).toBe("sealed");
      const [fee, paid, carried, carriedIn] = [block.fee, block.paid, block.carried, block.carriedIn].map(
        (x) => BigInt(x ?? 0),
      );
      expect((fee ?? 0n) + (paid ?? 0n) + (carried ?? 0n)).toBe(BigInt(block.reward) + (carriedIn ?? 0n));
      expect(block.places).toHaveLength(block.winning);
    }
  });

  it("is gathered at most once a second however many look", async () => {
    const fresh = await createTestApi({ seeded: false });
    const statements: string[] = [];
    const db = {
      ...fresh.modules.db,
      query: ((statement, row) => {
        statements.push(statement.text);
        return fresh.modules.db.query(statement, row);
      }) satisfies typeof fresh.modules.db.query,
    };
    const { createApiHandler } = await import("../../../functions/api/handler.ts");
    const client = testClient(createApiHandler(fresh.options, { ...fresh.modules, db }));

    await Promise.all(Array.from({ length: 100 }, () => client.send("GET", "/api/pool")));
    const first = statements.length;
    fresh.clock.advance(1001);
    await client.send("GET", "/api/pool");

    expect(first).toBeLessThanOrEqual(5);
    expect(statements.length).toBeGreaterThan(first);
    await fresh.database.drop();
  });

  it("has an answer on a pool that has no block and no miner yet", async () => {
    const fresh = await createTestApi({ seeded: false });
    const client = testClient(fresh.handler);

    const pool = await get(client, "/api/pool", VIEWS.Pool);

    expect(pool).toMatchObject({
      poolHashrate: 0,
      networkHashrate: null,
      miners: 0,
      job: null,
      blocks: [],
      feeRate: null,
    });
    expect(pool.luck.percent).toBeNull();
    expect((await get(client, "/api/pool/history", VIEWS.History)).blocks).toEqual([]);
    expect(
      (await get(client, "/api/pool/hashrate", VIEWS.Hashrate)).points.every(([, rate]) => rate === null),
    ).toBe(true);
    expect((await client.json("GET", "/api/pool/quotes")).status).toBe(404);
    await fresh.database.drop();
  });
});

describe("hash rates after a clock was set back", () => {
  it("count no minute from the future, so that none is a multiple of the true one", async () => {
    const jumped = await createTestApi();
    jumped.clock.advance(-30 * 60_000);
    const { poolHashrate } = await get(testClient(jumped.handler), "/api/pool", VIEWS.Pool);

    expect(poolHashrate).toBeGreaterThan(70_000);
    expect(poolHashrate).toBeLessThan(130_000);
    await jumped.database.drop();
  });
});

describe("series and pages", () => {
  it("gives the hash rate of the last hour by minute, without the running minute", async () => {
    const { points } = await get(visitor, "/api/pool/hashrate", VIEWS.Hashrate);

    expect(points).toHaveLength(60);
    const rates = points.map(([, rate]) => rate ?? 0);
    expect(Math.min(...rates)).toBeGreaterThan(80_000);
    expect(Math.max(...rates)).toBeLessThan(120_000);
  });

  it("turns pages by height without gap or repetition", async () => {
    const heights: number[] = [];
    let before: number | null = null;
    do {
      const query: string = before === null ? "limit=5" : `limit=5&before=${before}`;
      const page = await get(visitor, "/api/blocks", VIEWS.BlockList, query);
      heights.push(...page.blocks.map((block) => block.height));
      before = page.next;
    } while (before !== null);

    expect(heights).toEqual(Array.from({ length: BLOCKS }, (_, i) => FIRST_HEIGHT + BLOCKS - 1 - i));
  });

  it("turns pages of submissions between blocks", async () => {
    const hashes = new Set<string>();
    let before: number | null = null;
    let pages = 0;
    do {
      const query: string = before === null ? "limit=20" : `limit=20&before=${before}`;
      const page = await get(visitor, "/api/submissions", VIEWS.SubmissionList, query);
      for (const row of page.submissions) hashes.add(row.entryHash);
      before = page.next;
      pages++;
    } while (before !== null);

    expect(hashes.size).toBe(6 * BLOCKS);
    expect(pages).toBe(4);
  });

  it("shows one block with all graded records, and 404 for others", async () => {
    const detail = await get(visitor, `/api/blocks/${FIRST_HEIGHT}`, VIEWS.BlockDetail);

    expect(detail.winners).toHaveLength(50);
    const paid = detail.winners.filter((place) => place.ours && place.payout !== "0");
    expect(paid.map((place) => place.position)).toEqual(detail.block.places);
    for (const height of ["1", "x", "99999999999", "1000.5"])
      expect((await visitor.json("GET", `/api/blocks/${height}`)).status).toBe(404);
  });

  it("refuses what is no limit or height, naming it [G14]", async () => {
    for (const query of [
      "limit=0",
      "limit=201",
      "limit=-1",
      "limit=1e9",
      "before=x",
      "before=99999999999",
      "colour=red",
      "limit=1;drop",
    ]) {
      const { status, body } = await visitor.json("GET", "/api/blocks", { query });
      expect(status, query).toBe(400);
      expect(v.parse(VIEWS.Error, body).error.message).toMatch(/^query/);
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
    expect(await page("workersFrom=2&sessionsFrom=1&search=ann")).toEqual([0, 0, 0, 1]);
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

describe("GET /api/roots", () => {
  it("says where the chain stands, and that of a block what the chain says of it", async () => {
    const nothing = {
      chainId: null,
      readThrough: null,
      lastHeight: null,
      waiting: 0,
      creditsADay: 0,
      wrong: [],
    };
    expect(await get(visitor, "/api/roots", VIEWS.Roots)).toEqual(nothing);
    expect((await get(visitor, "/api/blocks/1003", VIEWS.BlockDetail)).chain).toEqual([]);

    const { db } = api.database;
    await db.execute(sql`INSERT INTO root_chains (chain_id, key, read_through) VALUES ('cc', 'key', 1010)`);
    await db.execute(sql`INSERT INTO chain_roots (height, entry_hash, placed_in, place, root, reward, carried_in, fee, paid, carried, books)
      SELECT height, 'entry' || height, height + 2, 0, CASE height WHEN 1004 THEN 'other' ELSE root END, reward, carried_in, fee, paid, carried, ''
      FROM jobs WHERE height IN (1003, 1004)
      UNION ALL SELECT height, 'later', height + 5, 0, root, reward, carried_in, fee, paid, carried, 'other' FROM jobs WHERE height = 1003`);

    expect((await get(visitor, "/api/blocks/1003", VIEWS.BlockDetail)).chain).toMatchObject([
      { entryHash: "entry1003", directoryBlock: 1005, isSame: true, isRepeated: true },
      { entryHash: "later", directoryBlock: 1008, isSame: true, isRepeated: false },
    ]);
    expect((await get(visitor, "/api/blocks/1004", VIEWS.BlockDetail)).chain).toMatchObject([
      { root: "other", isSame: false, isRepeated: true },
    ]);
    api.clock.advance(31_000);
    expect(await get(visitor, "/api/roots", VIEWS.Roots)).toEqual({
      ...nothing,
      ...{ chainId: "cc", readThrough: 1010, lastHeight: 1004, waiting: BLOCKS - 5, wrong: [1003, 1004] },
    });
  });
});
