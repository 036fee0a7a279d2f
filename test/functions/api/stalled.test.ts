/** A chain that stands still, as the first page tells it: by the edge where it is in reach, else by the database's own clock. */

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createApiHandler } from "../../../functions/api/handler.ts";
import type { ApiModules } from "../../../functions/api/options.ts";
import { sql } from "../../../shared/db/port.ts";
import { createTestApi, LIVE, OPTIONS, type TestApi } from "../../support/api.ts";
import { testClient } from "../../support/http-client.ts";

let api: TestApi;
beforeAll(async () => {
  api = await createTestApi();
});
afterAll(() => api.database.drop());

async function stalledSeconds(change: Partial<ApiModules>): Promise<unknown> {
  const { live: _, ...modules } = api.modules;
  const handler = createApiHandler(OPTIONS, { ...modules, ...change });
  const { body } = await testClient(handler).json("GET", "/api/pool");
  return typeof body === "object" && body !== null && "stalledSeconds" in body ? body.stalledSeconds : body;
}

/** One more job, so old by the database's clock, with no block of its height. */
const addJobOfAge = (seconds: number): Promise<unknown> =>
  api.database.db.execute(
    sql`INSERT INTO jobs (height, version, opr_hash, opr, prices, threshold, fee_rate, split, credit, created_at)
      SELECT height + 1, version, opr_hash, opr, prices, threshold, fee_rate, split, credit,
        now() - make_interval(secs => ${seconds}::float8)
      FROM jobs ORDER BY height DESC LIMIT 1`,
  );

describe("the first page of a chain that stands still", () => {
  it("says for how long, by the edge's monotonic clock", async () => {
    expect(await stalledSeconds({ live: { ...LIVE, stalledMs: () => 1_861_400 } })).toBe(1861);
    expect(await stalledSeconds({ live: LIVE })).toBeNull();
  });

  it("reckons without an edge by the age of the job that waits for its block, whatever the wall clock here says", async () => {
    const clock = { ...api.clock, wallMs: () => api.clock.wallMs() + 86_400_000 };
    await addJobOfAge(3 * OPTIONS.blockSeconds - 60);
    expect(await stalledSeconds({ clock })).toBeNull();

    await addJobOfAge(4 * OPTIONS.blockSeconds);
    expect(await stalledSeconds({ clock })).toBeGreaterThanOrEqual(4 * OPTIONS.blockSeconds);
  });

  it("says nothing of it where the block came and only the next job is missing", async () => {
    await addJobOfAge(4 * OPTIONS.blockSeconds);
    await api.database.db.execute(
      sql`INSERT INTO blocks (height, version, key_mr, at, entries, graded, winners, winning, reward)
        SELECT max(height), 5, 'ab', now(), 0, false, '[]', 0, 0 FROM jobs`,
    );
    expect(await stalledSeconds({})).toBeNull();
  });
});
