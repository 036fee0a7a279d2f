/** A pool that looks at itself: what is broken reaches an administrator with its cure, and the outside notices. */

import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createCockpit } from "../../../infra/doctor/cockpit.ts";
import type { Patient } from "../../../infra/doctor/finding.ts";
import { createHeartbeat, failAddress } from "../../../infra/pool/heartbeat.ts";
import { SelfWatch } from "../../../infra/pool/self-watch.ts";
import { insertUser } from "../../../shared/db/accounts.ts";
import { openPg } from "../../../shared/db/drivers/pg.ts";
import { lastHeartbeat } from "../../../shared/db/heartbeat.ts";
import type { Db } from "../../../shared/db/port.ts";
import { SILENT } from "../../../shared/logger.ts";
import { type HttpCatcher, startHttpCatcher } from "../../support/alert-catchers.ts";
import { deliverer, destinationOf } from "../../support/alerts.ts";
import { type ManualClock, manualClock } from "../../support/manual-clock.ts";
import { TestPatient } from "../../support/patient.ts";

const MINUTE_MS = 60_000;
const DAY_MS = 1440 * MINUTE_MS;
const AWAY = "factomd: http://two does not answer: connect ECONNREFUSED";

let pool: TestPatient;
let web: HttpCatcher;
let clock: ManualClock;
let patient: Patient;
/** The second node. */
let isAway = false;
beforeEach(async () => {
  pool = await TestPatient.open();
  web = await startHttpCatcher();
  clock = manualClock();
  isAway = false;
  const node = await pool.node();
  const second = await pool.node({
    heights: () => (isAway ? Promise.reject(new Error("connect ECONNREFUSED")) : node.heights()),
  });
  patient = await pool.patient({
    nodes: [
      { url: "http://one", factomd: node },
      { url: "http://two", factomd: second },
    ],
  });
  await insertUser(pool.database.db, { name: "boss", password: null, payoutAddress: null, isAdmin: true });
});
afterEach(async () => {
  await web.stop();
  await pool.close();
});

const toldTo = (user: string, change: Partial<Parameters<typeof destinationOf>[1]> = {}): Promise<bigint> =>
  destinationOf(pool.database.db, { user, target: `${web.url}/${user}`, events: ["red"], ...change });

function watching(db: Db = pool.database.db): SelfWatch {
  return new SelfWatch(MINUTE_MS, { db, clock, logger: SILENT, doctor: createCockpit(patient, { clock }) });
}

/** So many looks, a minute apart, with what they told. */
async function looks(watch: SelfWatch, count: number): Promise<string[]> {
  for (let i = 0; i < count; i++) {
    clock.advance(MINUTE_MS);
    await watch.look();
    await deliverer(pool.database.db, clock)();
  }
  return web.requests.splice(0).map(({ path, body }) => `${path} ${JSON.parse(body).data.text}`);
}

describe("a red check", () => {
  it("is told an administrator once with its cure, again a day later, and once when it is mended", async () => {
    await toldTo("boss");
    await toldTo("ann");
    const watch = watching();
    expect(await looks(watch, 2)).toEqual([]);

    isAway = true;
    expect(await looks(watch, 1)).toEqual([]);
    expect(await looks(watch, 5)).toEqual([
      expect.stringMatching(
        /^\/boss Check factomd: red since 2020-09-13 12:29 UTC: http:\/\/two does not answer: connect ECONNREFUSED\. To mend it: Start it, or correct factom\.factomdlocation/,
      ),
    ]);
    clock.advance(DAY_MS - 10 * MINUTE_MS);
    expect(await looks(watch, 1)).toEqual([]);
    clock.advance(10 * MINUTE_MS);
    expect(await looks(watch, 3)).toEqual([expect.stringMatching(/^\/boss Check factomd: red since/)]);

    isAway = false;
    expect(await looks(watch, 2)).toEqual([]);
    expect(await looks(watch, 5)).toEqual([
      expect.stringMatching(/^\/boss Check factomd: in order again since 2020-09-14 12:\d\d UTC\./),
    ]);
  });

  it("that comes and goes makes one message of each kind in the destination's hour", async () => {
    await toldTo("boss");
    const watch = watching();
    let told = 0;
    for (let i = 0; i < 12; i++) {
      isAway = i % 2 === 0;
      // The doctor asks the database's clock what is late: what waits for the hour here is years overdue there.
      told += (await looks(watch, 5)).filter((text) => text.includes("Check factomd: ")).length;
    }

    expect(told).toBe(2);
  });

  it("that was red before the pool was started again is not told as new", async () => {
    await toldTo("boss");
    isAway = true;
    expect(await looks(watching(), 2)).toHaveLength(1);

    expect(await looks(watching(), 5)).toEqual([]);
  });

  it("about money or the chain is told in quiet hours too, unless they are to hold it", async () => {
    // 12:27 UTC it is.
    const quiet = { from: 12 * 60, until: 14 * 60, zone: "UTC" };
    await toldTo("boss", { quiet });
    await insertUser(pool.database.db, { name: "chief", password: null, payoutAddress: null, isAdmin: true });
    await toldTo("chief", { quiet, quietUrgent: true });
    patient = {
      ...patient,
      config: { ...patient.config, pegnet: { ...patient.config.pegnet, lxrbits: 16, activation: -1 } },
    };
    isAway = true;
    const watch = watching();

    const [first, ...others] = await looks(watch, 3);
    expect(others).toEqual([]);
    expect(first).toMatch(/^\/boss Check factomd: red/);
    expect(first).not.toContain("Check table");
    clock.advance(100 * MINUTE_MS);
    const later = await looks(watch, 2);
    expect(later.find((text) => text.startsWith("/boss"))).toMatch(
      /^\/boss Check table: red .*lxrbits to 30/,
    );
    expect(later.find((text) => text.startsWith("/chief"))).toMatch(/Check factomd: red/);
  });

  it("that was the database's own is told when it is back", async () => {
    await toldTo("boss");
    const away = openPg({ url: "postgres://nobody@127.0.0.1:1/none" });
    pool.undo.push(() => away.close());
    const home = patient.db;
    let db: Db = pool.database.db;
    const present: Db = {
      query: (statement, row) => db.query(statement, row),
      execute: (statement, options) => db.execute(statement, options),
      transaction: (work) => db.transaction(work),
      close: async () => undefined,
    };
    const both = { ...patient, db: home };
    patient = both;
    const watch = watching(present);
    await looks(watch, 1);
    db = away;
    both.db = away;
    for (let i = 0; i < 3; i++) {
      clock.advance(MINUTE_MS);
      await expect(watch.look()).rejects.toMatchObject({ code: "db-away" });
    }
    expect(watch.wellness()).toMatchObject({ isWell: false, why: expect.stringMatching(/^database: /) });
    db = pool.database.db;
    both.db = home;

    const told = await looks(watch, 5);
    expect(told).toHaveLength(2);
    expect(told[0]).toMatch(/Check database: red since .* To mend it: Start the database server/);
    expect(told[1]).toMatch(/Check database: in order again/);
  });
});

describe("the heartbeat", () => {
  const beatOf = (watch: SelfWatch, allowPrivate = true) =>
    createHeartbeat(
      { url: `${web.url}/beat`, allowPrivate, timeoutMs: 2_000 },
      { db: pool.database.db, clock, logger: SILENT, wellness: watch.wellness },
    );

  it("is called while all is well, and at /fail with what is red while the chain is not", async () => {
    const watch = watching();
    const beat = beatOf(watch);
    await beat();
    expect(web.requests).toEqual([]);

    await looks(watch, 1);
    await beat();
    expect(web.requests.splice(0)).toMatchObject([{ method: "GET", path: "/beat", body: "" }]);
    expect(await lastHeartbeat(pool.database.db)).toEqual({
      atMs: clock.wallMs(),
      wasWell: true,
      result: "",
    });

    isAway = true;
    await looks(watch, 2);
    await beat();
    expect(web.requests.splice(0)).toMatchObject([
      { method: "POST", path: "/beat/fail", body: expect.stringContaining(AWAY) },
    ]);
  });

  it("fails where the doctor has not looked for long, and goes on where what is red can wait", async () => {
    patient = {
      ...patient,
      config: { ...patient.config, pegnet: { ...patient.config.pegnet, activation: -1 } },
    };
    const watch = watching();
    const beat = beatOf(watch);
    await looks(watch, 3);
    await beat();
    expect(web.requests.splice(0)).toMatchObject([{ path: "/beat" }]);

    clock.advance(6 * MINUTE_MS);
    await beat();
    expect(web.requests.splice(0)).toMatchObject([
      { path: "/beat/fail", body: "the doctor has not looked for 360 s" },
    ]);
  });

  it("is noted with why it failed, and dials no address inside unless allowed", async () => {
    const watch = watching();
    await looks(watch, 1);
    web.answer(() => ({ status: 404 }));
    await beatOf(watch)();
    expect(await lastHeartbeat(pool.database.db)).toMatchObject({ result: "it answered 404" });

    web.requests.length = 0;
    await beatOf(watch, false)();
    expect(web.requests).toEqual([]);
    expect(await lastHeartbeat(pool.database.db)).toMatchObject({ result: "expected https://, got http://" });
  });

  it("fails at the address that the service has for it", () => {
    expect(failAddress("https://hc-ping.com/5f0c")).toBe("https://hc-ping.com/5f0c/fail");
    expect(failAddress("https://status.example.com/push/x/?name=pool")).toBe(
      "https://status.example.com/push/x/fail?name=pool",
    );
  });
});
