/** What is told beside the states of rigs, from the statements that change it. */

import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createSealer } from "../../../functions/accounting/sealer.ts";
import { watchWorkers } from "../../../functions/janitor/worker-watch.ts";
import { alertEvent } from "../../../shared/alerts/kinds.ts";
import { setPayoutAddress } from "../../../shared/db/accounts.ts";
import { recordReceipt } from "../../../shared/db/payments.ts";
import { sql } from "../../../shared/db/port.ts";
import { SILENT } from "../../../shared/logger.ts";
import { addressOf } from "../../support/accounts.ts";
import { type HttpCatcher, startHttpCatcher } from "../../support/alert-catchers.ts";
import { deliverer, destinationOf } from "../../support/alerts.ts";
import { createTestApi, PASSWORD, type TestApi } from "../../support/api.ts";
import { testClient } from "../../support/http-client.ts";

let api: TestApi;
let web: HttpCatcher;
beforeAll(async () => {
  api = await createTestApi();
  web = await startHttpCatcher();
});
beforeEach(async () => {
  await api.database.db.execute(sql`DELETE FROM alert_destinations`);
  web.requests.length = 0;
  await destinationOf(api.database.db, { user: "ann", target: web.url, events: alertEvent.options });
});
afterAll(async () => {
  await web.stop();
  await api.database.drop();
});

/** The text of the one message that is due. */
async function told(): Promise<string> {
  // What the database dates is now; the clock of these tests is not.
  await api.database.db.execute(
    sql`UPDATE alerts SET due_at = to_timestamp(${api.clock.wallMs()}::float8 / 1000) WHERE due_at IS NOT NULL`,
  );
  await deliverer(api.database.db, api.clock)();
  const texts = web.requests.splice(0).map(({ body }) => JSON.parse(body).data.text);
  expect(texts).toHaveLength(1);
  return texts[0];
}

describe("money", () => {
  it("that was paid is told with its entry, several payments together", async () => {
    const line = { user: "ann", address: addressOf("ann"), amount: 150_000_000n };
    expect(await recordReceipt(api.database.db, [{ ...line, entryHash: "aa".repeat(32) }])).toMatchObject({
      outcome: "recorded",
    });
    expect(await told()).toContain(`1.5 PEG were paid to you. Entry: ${"aa".repeat(32)}.`);

    await recordReceipt(api.database.db, [{ ...line, entryHash: "bb".repeat(32), amount: 1n }]);
    await recordReceipt(api.database.db, [{ ...line, entryHash: "cc".repeat(32) }]);
    expect(await told()).toContain(
      `1.50000001 PEG were paid to you, in 2 payments. Entry: ${"cc".repeat(32)}.`,
    );
  });

  it("of a block that was won is told to who has a part of it, when it is sealed", async () => {
    const { db } = api.database;
    const height = 1012;
    await db.execute(
      sql`UPDATE jobs SET state = 'closing', closed_seen_at = now(), forced = true WHERE height = ${height}::int AND state = 'open'`,
    );
    await db.execute(
      sql`INSERT INTO blocks SELECT (jsonb_populate_record(b, jsonb_build_object('height', ${height}::int))).* FROM blocks b WHERE b.reward > 0 ORDER BY b.height DESC LIMIT 1`,
    );
    const clock = { ...api.clock, wallMs: () => Date.now() };
    const sealed = await createSealer(
      { deadlineMs: 1 },
      { db: await api.database.as("accounting"), clock, logger: SILENT },
    ).run();
    expect(sealed.map((block) => block.height)).toContain(height);

    expect(await told()).toMatch(/Block 1012 was won: your part \d+(\.\d+)? PEG\./);
  });
});

describe("an account", () => {
  it("whose payout address changed is told where it goes now", async () => {
    await setPayoutAddress(await api.database.as("api"), 1n, addressOf("somebody"));
    expect(await told()).toContain(`Your payout address was changed to ${addressOf("somebody")}`);
    await setPayoutAddress(api.database.db, 1n, addressOf("ann"));
  });

  it("is told of a login from an address and a browser that are new, not of one from known places", async () => {
    const logIn = (address: string) =>
      testClient(api.handler, address).send("POST", "/api/session", {
        body: { name: "ann", password: PASSWORD },
      });
    // The first login ever makes a place.
    await logIn("192.0.2.7");
    await logIn("192.0.2.7");
    await logIn("198.51.100.9");
    await logIn("198.51.100.9");

    expect(await told()).toContain("from 198.51.100.9, an address and a browser not seen before");
  });
});

describe("refused shares", () => {
  it("of a rig are told once a day where they are more than a tenth", async () => {
    const db = api.database.db;
    await db.execute(sql`INSERT INTO worker_hours (user_name, worker, hour, shares, work, rejected)
      SELECT 'ann', w, date_trunc('hour', to_timestamp(${api.clock.wallMs()}::float8 / 1000)), 80, 1, r FROM (VALUES ('good', 8), ('bad', 21)) x(w, r)`);
    const accounting = await api.database.as("accounting");
    await watchWorkers(accounting, api.clock, 600_000);
    await watchWorkers(accounting, api.clock, 600_000);
    const text = await told();
    expect(text).toContain("Rig bad: 21 of 101 shares of the last hours were refused.");
    expect(text).not.toContain("good");

    await watchWorkers(accounting, api.clock, 600_000);
    await deliverer(db, api.clock)();
    expect(web.requests).toEqual([]);
  });
});
