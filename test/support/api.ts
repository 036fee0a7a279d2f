/** The api function over a seeded database, with an administrator and a user who can log in. */

import * as v from "valibot";
import { expect } from "vitest";
import { onlyReceiptKey } from "../../functions/api/figures/receipt-keys.ts";
import { createApiHandler, type HttpHandler } from "../../functions/api/handler.ts";
import type { Live } from "../../functions/api/live.ts";
import type { ApiModules, ApiOptions } from "../../functions/api/options.ts";
import { createWebAccounts } from "../../functions/auth/web-accounts.ts";
import { openDashboard } from "../../infra/dashboard/open.ts";
import { systemRandom } from "../../shared/clock.ts";
import { insertUser } from "../../shared/db/accounts.ts";
import { SILENT } from "../../shared/logger.ts";
import { addressOf, cheapPasswords } from "./accounts.ts";
import { createTestDatabase, type TestDatabase } from "./database.ts";
import { type TestClient, testClient } from "./http-client.ts";
import { type ManualClock, manualClock } from "./manual-clock.ts";
import { POOL_KEYS } from "./proofs.ts";
import { seedPool } from "./seed-pool.ts";

export const PASSWORD = "a long password";
export const FIRST_HEIGHT = 1000;
export const BLOCKS = 12;
/** Text that would run if a page ever took it for HTML. */
export const EVIL = "<img src=x onerror=alert(1)>";

export const OPTIONS: ApiOptions = {
  poolName: "Prosper Pool",
  version: "0.1.0",
  blockSeconds: 600,
  registration: "invite",
  stratum: { port: 1234 },
  lxrBits: 30,
  alertChannels: ["email", "webhook"],
};

export const LIVE: Live = {
  minute: () => 4,
  height: () => FIRST_HEIGHT + BLOCKS - 1,
  stalledMs: () => undefined,
  connections: () => 3,
  submitSync: () => ({ submitting: true, submitHeight: 1012, syncing: false, lastNonZeroHeight: 1011 }),
  sessions: async () => [
    {
      id: "s1",
      user: "ann",
      worker: EVIL,
      agent: EVIL,
      address: "192.0.2.1:4000",
      subscribed: true,
      authorized: true,
      target: 0xffff_0000_0000_0000n,
      noncePrefix: 4097,
    },
  ],
};

export interface TestApi {
  readonly handler: HttpHandler;
  readonly options: ApiOptions;
  readonly modules: ApiModules;
  readonly database: TestDatabase;
  readonly clock: ManualClock;
}

/** Users: `ann` with two workers, `bob` with one, `boss` the administrator; all with PASSWORD. */
export async function createTestApi(
  change: { options?: Partial<ApiOptions>; seeded?: boolean } = {},
): Promise<TestApi> {
  const database = await createTestDatabase();
  const { db } = database;
  const clock = manualClock();
  const passwords = cheapPasswords({ concurrency: 8, queueLimit: 1000 });
  const password = await passwords.hash(PASSWORD);
  for (const name of ["ann", "bob"]) await insertUser(db, { name, password, payoutAddress: addressOf(name) });
  await insertUser(db, { name: "boss", password, payoutAddress: null, isAdmin: true });
  if (change.seeded !== false) {
    await seedPool(db, {
      nowMs: clock.wallMs(),
      blocks: BLOCKS,
      blockSeconds: 600,
      firstHeight: FIRST_HEIGHT,
      workers: { "ann/rig": 40_000, [`ann/${EVIL}`]: 10_000, "bob/": 50_000 },
      rivalHashrate: 100_000,
    });
  }
  // What the function has on AWS.
  const api = await database.as("api");
  const accounts = createWebAccounts(
    { openRegistration: false },
    { db: api, passwords, clock, random: systemRandom },
  );
  const modules: ApiModules = {
    ...{ db: api, clock, random: systemRandom, accounts, logger: SILENT, live: LIVE },
    assets: await openDashboard(),
    receiptKeys: onlyReceiptKey(POOL_KEYS),
  };
  const options = { ...OPTIONS, ...change.options };
  return { handler: createApiHandler(options, modules), options, modules, database, clock };
}

/** A client of the api that has logged in. */
export async function loggedIn({ handler }: TestApi, name: string): Promise<TestClient> {
  const client = testClient(handler);
  await client.send("POST", "/api/session", { body: { name, password: PASSWORD } });
  return client;
}

/** The answer of a route that has one, as the view that it promises. */
export async function get<Schema extends v.GenericSchema>(
  client: TestClient,
  path: string,
  schema: Schema,
  query = "",
): Promise<v.InferOutput<Schema>> {
  const { status, body } = await client.json("GET", path, { query });
  expect(status, JSON.stringify(body)).toBe(200);
  return v.parse(schema, body);
}
