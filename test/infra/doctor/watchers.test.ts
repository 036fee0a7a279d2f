/** The doctor's checks of what watches the pool and tells of it: heartbeat, alerts, canary. */

import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { insertUser } from "../../../shared/db/accounts.ts";
import { markDelivered, markFailed } from "../../../shared/db/alerts.ts";
import { noteProbe, PROBE_STEPS } from "../../../shared/db/canary.ts";
import { noteHeartbeat } from "../../../shared/db/heartbeat.ts";
import { endNotice, giveNotice } from "../../../shared/db/notices.ts";
import { sql } from "../../../shared/db/port.ts";
import { destinationOf } from "../../support/alerts.ts";
import { TestPatient } from "../../support/patient.ts";

let pool: TestPatient;
beforeEach(async () => {
  pool = await TestPatient.open();
});
afterEach(() => pool.close());

describe("broken, it is named with its cure:", () => {
  it("heartbeat: never called, refused, or not for long", async () => {
    const config = pool.config('[alerts]\nheartbeaturl = "https://hc-ping.com/secret"');
    expect((await pool.look({ config })).filter(({ check }) => check === "heartbeat")).toEqual([
      expect.objectContaining({ level: "warn", said: "hc-ping.com was not called yet" }),
    ]);

    const { db } = pool.database;
    await noteHeartbeat(db, { atMs: Date.now(), wasWell: true, result: "" });
    expect(await pool.reds({ config })).toEqual([]);
    await noteHeartbeat(db, { atMs: Date.now() - 3_600_000, wasWell: true, result: "" });
    expect(await pool.reds({ config })).toEqual([
      "heartbeat: the last call of hc-ping.com was 60 min ago → Start the pool: npx prosper edge",
    ]);
    await noteHeartbeat(db, { atMs: Date.now(), wasWell: true, result: "it answered 404" });
    expect(await pool.reds({ config })).toEqual([
      expect.stringMatching(
        /^heartbeat: the last call of hc-ping\.com, \d s ago, failed: it answered 404 → Correct alerts\.heartbeaturl/,
      ),
    ]);
  });

  it("alerts: not sent, none arrives, and who watches is not reached", async () => {
    const { db } = pool.database;
    const now = Date.now();
    const failed = { result: "it answered 404", waitMs: 60_000, pauseAfterMs: 86_400_000 };
    const said = async (): Promise<(string | undefined)[]> =>
      (await pool.look()).filter(({ check }) => check === "alerts").map((found) => found.said);
    expect(await said()).toEqual([expect.stringMatching(/^no administrator is told what turns red/)]);
    await insertUser(db, { name: "boss", password: null, payoutAddress: null, isAdmin: true });
    const boss = await destinationOf(db, { user: "boss", target: "https://a.example/1", events: ["red"] });
    await markDelivered(db, boss, now);
    expect(await said()).toEqual(["1 of 1 destination reached when last tried"]);

    await markFailed(db, boss, failed, now);
    expect(await pool.reds()).toEqual([
      expect.stringMatching(
        /^alerts: who is to be told of red checks is not reached: boss by webhook: it answered 404 → Correct the destination/,
      ),
    ]);
    await markDelivered(db, boss, now);
    const ann = [];
    for (const target of ["https://a.example/2", "https://a.example/3"])
      ann.push(await destinationOf(db, { user: "ann", target }));
    for (const id of ann) await markFailed(db, id, failed, now);
    expect(await pool.reds()).toEqual([]);
    await db.execute(sql`UPDATE alert_destinations SET events = '{}' WHERE id = ${boss}::bigint`);
    await markFailed(db, boss, { ...failed, result: "ECONNREFUSED" }, now + 1);
    expect(await pool.reds()).toEqual([
      expect.stringMatching(
        /^alerts: no alert arrives: all 3 destinations fail, the last one with: ECONNREFUSED → Is the way out open/,
      ),
    ]);
    await markDelivered(db, boss, now);
    await db.execute(sql`INSERT INTO alerts (destination, kind, subject, at, events, due_at)
      VALUES (${boss}::bigint, 'test', '', now(), 1, now() - interval '20 minutes')`);
    expect(await pool.reds()).toEqual([
      "alerts: 1 alert not sent yet, the first was due 20 min ago → Does the pool run (`edges`)? Its log says what alerts wait for",
    ]);
  });

  it("canary: at each step where it may fail, and not for long", async () => {
    const config = pool.config('[canary]\nuser = "ops"');
    const { db } = pool.database;
    expect((await pool.look({ config })).filter(({ check }) => check === "canary")).toEqual([
      expect.objectContaining({ level: "warn", said: "it has not looked yet" }),
    ]);

    const seen = { height: null, connectMs: 1, loginMs: 2, jobMs: 3, answerMs: null, rowMs: null };
    await noteProbe(db, { atMs: Date.now() - 3_600_000, failedAt: null, words: "", ...seen });
    expect(await pool.reds({ config })).toEqual([
      "canary: it looked 60 min ago → Start the pool: npx prosper edge",
    ]);
    // Miners are stopped on purpose: it rests, and has its time to look again when that is over.
    const notice = { kind: "maintenance", words: "a new disk", inMs: 0, forMs: 60_000, by: "boss" } as const;
    const { id } = (await giveNotice(db, notice)) ?? {};
    expect((await pool.look({ config })).find(({ check }) => check === "canary")?.said).toMatch(/^it rests/);
    await endNotice(db, id ?? 0n, "boss");
    expect(await pool.reds({ config })).toEqual([]);
    await pool.forced(
      sql`UPDATE notices SET begins_at = begins_at - interval '1 hour', ended_at = ended_at - interval '40 minutes'`,
    );
    expect(await pool.reds({ config })).toEqual([expect.stringMatching(/^canary: it looked 60 min ago/)]);
    const cures = {
      connect: /public port/,
      login: /canary\.user/,
      job: /`prices`/,
      share: /log/,
      answer: /`journal`/,
      row: /`late work`/,
    };
    for (const step of PROBE_STEPS) {
      await noteProbe(db, { atMs: Date.now(), failedAt: step, words: "why", ...seen });
      const [red = "", ...others] = await pool.reds({ config });
      expect(others).toEqual([]);
      expect(red).toMatch(new RegExp(`^canary: it failed at its ${step}, \\d s ago: why → `));
      expect(red).toMatch(cures[step]);
    }
    await noteProbe(db, { atMs: Date.now() + 1, failedAt: null, words: "", ...seen });
    expect((await pool.look({ config })).find(({ check }) => check === "canary")?.said).toMatch(
      /^it got through \d s ago: connect 1 ms, login 2 ms, job 3 ms$/,
    );
  });
});
