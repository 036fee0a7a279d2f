/** What each route reads and sends of a pool that has run for long: by its plans, at a size at which a table that is read whole shows. */

import * as v from "valibot";
import { afterAll, beforeAll, expect, it } from "vitest";
import { apiRoutes, createApiHandler } from "../../../functions/api/handler.ts";
import { LOCAL_CONTEXT } from "../../../functions/local-context.ts";
import { loadConfig } from "../../../infra/config/load.ts";
import { openDashboard } from "../../../infra/dashboard/open.ts";
import { apiOfPool } from "../../../infra/pool/pool-web.ts";
import { systemClock, systemRandom } from "../../../shared/clock.ts";
import { keepBookedSums } from "../../../shared/db/booked-sums.ts";
import { openPg } from "../../../shared/db/drivers/pg.ts";
import { type Sql, sql } from "../../../shared/db/port.ts";
import { SILENT } from "../../../shared/logger.ts";
import { cheapPasswords } from "../../support/accounts.ts";
import { createTestDatabase, type TestDatabase } from "../../support/database.ts";
import { eventOf } from "../../support/http-client.ts";
import { type Ask, asksOf, cookiesOfAll, PASSWORD } from "../../support/load/asks.ts";
import { seedLargePool } from "../../support/load/large-pool.ts";
import { mostRowsRead, planOf, statementsOf } from "../../support/plans.ts";
import { POOL_KEYS } from "../../support/proofs.ts";

const SEED_MS = 60_000;
const FARM = 60;
const BLOCKS = 600;
/** Tables that grow with time: block by block, minute by minute. */
const GROWING = [
  ...[
    "work",
    "deltas",
    "blocks",
    "block_places",
    "jobs",
    "payouts",
    "submissions",
    "tallies",
    "close_markers",
  ],
  ...["worker_minutes", "worker_hours", "user_minutes", "pool_minutes", "worker_changes", "worker_refused"],
  ...["prices", "archive_files", "admin_log", "chain_roots"],
];
/** Bounded by far more rows than there are here (30 days of earnings, files of 20,000 rows, listings of 5,000), or small sums over narrow rows. */
const MAY_READ_ALL = ["/earnings/expected", "/export/", "/api/v1", "/api/roots", "/api/archive"];

interface Answer {
  readonly ask: Ask;
  readonly status: number;
  readonly bytes: number;
  readonly statements: readonly Sql[];
}

let database: TestDatabase;
const answers: Answer[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
  const { db } = database;
  const nowMs = Date.now();
  const passwords = cheapPasswords();
  const size = { nowMs, rigs: 2 * FARM, farm: FARM, users: 40, blocks: BLOCKS };
  // Whole tables are written at once.
  const patient = openPg({ url: database.url, timeoutMs: SEED_MS });
  const pool = await seedLargePool(patient, { ...size, password: await passwords.hash(PASSWORD) });
  await patient.close();
  while ((await keepBookedSums(db)) > 0);
  const config = loadConfig("no-file", { required: false, overrides: [] });
  const assets = await openDashboard();
  const clock = { ...systemClock, wallMs: () => nowMs };
  const modules = { db, clock, random: systemRandom, logger: SILENT, passwords, receiptKeys: POOL_KEYS };
  const options = { config, version: "0", lxrBits: 30 };
  const api = apiOfPool(options, modules, assets);
  const cookies = await cookiesOfAll(createApiHandler(api.options, api.modules));
  const asks = asksOf(apiRoutes(api.options, api.modules), pool);
  for (const ask of asks.filter(({ method, path }) => method === "GET" || path === "/api/v1")) {
    const { method, path, query, body, headers } = ask;
    const sent = { query, body, headers: { "accept-encoding": "br", ...headers } };
    let [status, bytes] = [0, 0];
    const statements = await statementsOf(db, async (watched) => {
      const asked = apiOfPool(options, { ...modules, db: watched }, assets);
      const event = eventOf(method, path, sent, cookies.get(ask.who) ?? []);
      const reply = await createApiHandler(asked.options, asked.modules)(event, LOCAL_CONTEXT);
      status = reply.statusCode ?? 0;
      bytes = Buffer.byteLength(reply.body ?? "", reply.isBase64Encoded === true ? "base64" : "utf8");
    });
    answers.push({ ask, status, bytes, statements });
  }
});
afterAll(() => database.drop());

it("every route answers, in a few statements and some ten thousand bytes", () => {
  expect(answers.length).toBeGreaterThan(100);
  const wrong = answers.filter(
    ({ ask, status, bytes, statements }) =>
      status !== (ask.name === "page not found" ? 404 : 200) || bytes > 60_000 || statements.length > 20,
  );
  expect(
    wrong.map(({ ask, status, bytes, statements }) => [ask.name, status, bytes, statements.length]),
  ).toEqual([]);
});

it("no statement of a route reads a table whole that grows with time", async () => {
  const { db } = database;
  const count = v.object({ name: v.string(), rows: v.number() });
  const counted = await db.query(
    sql`SELECT relname::text AS name, reltuples::float8 AS rows FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace`,
    count,
  );
  const rows = new Map(counted.map((one) => [one.name, one.rows]));
  for (const table of GROWING) expect(rows.get(table), table).toBeGreaterThan(30);
  const seen = new Set<string>();
  const whole: string[] = [];
  for (const { ask, statements } of answers)
    for (const statement of statements) {
      if (seen.has(statement.text) || !/^\s*(\(?SELECT|WITH)/.test(statement.text)) continue;
      seen.add(statement.text);
      const plan = await planOf(db, statement, { large: true });
      for (const [table, read] of mostRowsRead(plan))
        if (
          !MAY_READ_ALL.some((part) => ask.name.includes(part)) &&
          GROWING.includes(table) &&
          read >= 0.9 * (rows.get(table) ?? 0)
        )
          whole.push(`${ask.name}: ${table}, ${read}\n${statement.text}\n${plan}`);
    }
  expect(seen.size).toBeGreaterThan(60);
  expect(whole).toEqual([]);
});
