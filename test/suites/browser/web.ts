/** The real web of a pool on a loopback port, over books that look as if it had run for a while. */

import type { Doctor } from "../../../functions/api/doctor.ts";
import type { Payday } from "../../../functions/api/payday.ts";
import type { SightingsReader } from "../../../functions/api/sightings.ts";
import { loadConfig } from "../../../infra/config/load.ts";
import { startPoolWeb } from "../../../infra/pool/pool-web.ts";
import { type Clock, systemClock, systemRandom } from "../../../shared/clock.ts";
import { insertUser } from "../../../shared/db/accounts.ts";
import { noteProbe } from "../../../shared/db/canary.ts";
import { type Db, sql } from "../../../shared/db/port.ts";
import { countWithholding } from "../../../shared/db/withholding.ts";
import { SILENT } from "../../../shared/logger.ts";
import { addressOf, cheapPasswords } from "../../support/accounts.ts";
import { createTestDatabase } from "../../support/database.ts";
import { poolKeys } from "../../support/payout/payout-steps.ts";
import { seedPool } from "../../support/seed-pool.ts";

export const PASSWORD = "a long password";
export const FIRST_HEIGHT = 1000;
export const BLOCKS = 12;
/** A worker's name that would run if a page took it for HTML; the pages' tests must see it as text. */
export const EVIL = "<img src=x onerror=console.error(1)>";

export interface PoolOfPages {
  readonly url: string;
  /** The books, to change something in. */
  readonly db: Db;
  stop(): Promise<void>;
}

/** `paying`: makes the part that pays; there is then a second administrator, `second`, and two must agree. `speed`: how fast the web's own deadlines pass. Users: `ann` with two workers, `bob` who sent none of the hits that were due, `boss` the administrator; all with PASSWORD. */
export async function startPages({
  speed = 1,
  doctor,
  paying,
  smtp = "",
  sightings,
  signs = paying !== undefined,
}: {
  speed?: number;
  doctor?: Doctor;
  paying?: (db: Db) => Payday;
  /** Where alerts by e-mail are sent. */
  smtp?: string;
  /** Where "we see you" is learned from; without it nothing is watched. */
  sightings?: SightingsReader;
  /** Whether it signs receipts. */
  signs?: boolean;
} = {}): Promise<PoolOfPages> {
  const database = await createTestDatabase();
  const { db } = database;
  const passwords = cheapPasswords();
  const password = await passwords.hash(PASSWORD);
  for (const name of ["ann", "bob"]) await insertUser(db, { name, password, payoutAddress: addressOf(name) });
  for (const name of paying === undefined ? ["boss"] : ["boss", "second"])
    await insertUser(db, { name, password, payoutAddress: null, isAdmin: true });
  await seedPool(db, {
    nowMs: systemClock.wallMs(),
    blocks: BLOCKS,
    blockSeconds: 600,
    firstHeight: FIRST_HEIGHT,
    workers: { "ann/rig": 40_000, [`ann/${EVIL}`]: 10_000, "bob/": 50_000 },
    rivalHashrate: 100_000,
  });
  // The seeded jobs have a threshold of 0: every share in time is a hit.
  await db.execute(sql`INSERT INTO tallies (job, user_name, judged, sent)
    VALUES (${FIRST_HEIGHT}::int, 'ann', 30, 31), (${FIRST_HEIGHT}::int, 'bob', 30, 0)`);
  await countWithholding(db);
  for (const [minutesAgo, rowMs] of [
    [12, 5_210],
    [7, null],
    [2, 4_800],
  ] as const)
    await noteProbe(db, {
      ...{
        atMs: systemClock.wallMs() - minutesAgo * 60_000,
        failedAt: null,
        words: "",
        height: FIRST_HEIGHT,
      },
      ...{ connectMs: 1.4, loginMs: 12.6, jobMs: 0.2, answerMs: rowMs === null ? null : 31, rowMs },
    });
  const overrides = [
    { section: "web", key: "host", value: "127.0.0.1", from: "this test" },
    { section: "web", key: "port", value: 0, from: "this test" },
    { section: "pool", key: "twoadministrators", value: paying !== undefined, from: "this test" },
    { section: "payout", key: "minimum", value: "1", from: "this test" },
    { section: "alerts", key: "smtp", value: smtp, from: "this test" },
  ];
  const web = await startPoolWeb(
    { config: loadConfig("no-file", { required: false, overrides }), version: "0.1.0", lxrBits: 30 },
    {
      ...{ db, clock: clockOf(speed), random: systemRandom, logger: SILENT, passwords },
      ...(doctor && { doctor }),
      ...(sightings && { sightings }),
      ...(paying && { payday: paying(db) }),
      ...(signs && { receiptKeys: poolKeys }),
    },
  );
  return {
    url: web.url,
    db,
    stop: async () => {
      await web.stop();
      await database.drop();
    },
  };
}

/** Its wall clock is the machine's; a deadline of `speed` seconds passes in one. */
function clockOf(speed: number): Clock {
  return {
    wallMs: systemClock.wallMs,
    monotonicMs: () => systemClock.monotonicMs() * speed,
    after: (delayMs, run) => systemClock.after(delayMs / speed, run),
  };
}
