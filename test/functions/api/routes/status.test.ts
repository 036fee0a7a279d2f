import * as v from "valibot";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { VIEWS } from "../../../../functions/api/views/views.ts";
import { noteProbe, type Probe } from "../../../../shared/db/canary.ts";
import { giveNotice } from "../../../../shared/db/notices.ts";
import { sql } from "../../../../shared/db/port.ts";
import { BLOCKS, createTestApi, FIRST_HEIGHT, type TestApi } from "../../../support/api.ts";
import { testClient } from "../../../support/http-client.ts";

let api: TestApi;
beforeAll(async () => {
  api = await createTestApi();
});
beforeEach(async () => {
  await api.database.db.execute(sql`DELETE FROM canary`);
  // What was answered is kept for some seconds.
  api.clock.advance(60_000);
});
afterAll(() => api.database.drop());

const status = async () => {
  api.clock.advance(6_000);
  return v.parse(VIEWS.Status, (await testClient(api.handler).json("GET", "/api/status")).body);
};
const probed = (change: Partial<Probe> = {}): Promise<void> =>
  noteProbe(api.database.db, {
    ...{ atMs: api.clock.wallMs(), failedAt: null, words: "", height: FIRST_HEIGHT },
    ...{ connectMs: 2, loginMs: 8, jobMs: 1, answerMs: 12, rowMs: 5_400 },
    ...change,
  });

describe("the status", () => {
  it("without a canary has checks, the last blocks, and no figures that nobody measured", async () => {
    expect(await status()).toMatchObject({
      ...{ state: "ok", checks: { database: "ok" }, notices: [], canary: null },
      uptime: { day: null, week: null },
      lastBlock: { height: FIRST_HEIGHT + BLOCKS - 1 },
      lastWon: { height: expect.any(Number) },
      lastRecord: { height: expect.any(Number) },
    });
  });

  it("has what the canary measured, its medians and the uptime", async () => {
    for (const loginMs of [8, 9, 40]) {
      await probed({ loginMs });
      api.clock.advance(300_000);
    }

    const { state, canary, uptime } = await status();

    expect(state).toBe("ok");
    expect(canary).toEqual({
      ...{ at: expect.any(String), failedAt: null },
      last: { connect: 2, login: 40, job: 1, answer: 12, row: 5_400 },
      usual: { connect: 2, login: 9, job: 1, answer: 12, row: 5_400 },
    });
    expect(uptime.day).toMatchObject({ part: 1, looks: 3 });
    expect(uptime.week).toEqual(uptime.day);
  });

  it("is trouble where the canary's last look failed, and does not say why to everybody", async () => {
    await probed({ failedAt: "connect", words: "connect ECONNREFUSED 10.0.0.7:1234", connectMs: null });

    const shown = await status();

    expect(shown).toMatchObject({
      state: "trouble",
      canary: { failedAt: "connect", last: { connect: null } },
    });
    expect(JSON.stringify(shown)).not.toContain("10.0.0.7");
  });

  it("shows no look that is a day old as if it were of now", async () => {
    await probed({ atMs: api.clock.wallMs() - 25 * 3_600_000, failedAt: "job" });

    expect(await status()).toMatchObject({
      state: "ok",
      canary: null,
      uptime: { day: null, week: { part: 0 } },
    });
  });

  it("is maintenance while it goes on, with what the operator said", async () => {
    await giveNotice(api.database.db, {
      ...{ kind: "maintenance", words: "A new disk", inMs: 0, forMs: 600_000, by: "boss" },
    });

    expect(await status()).toMatchObject({
      state: "maintenance",
      notices: [{ kind: "maintenance", words: "A new disk" }],
    });
  });
});
