import * as v from "valibot";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { VIEWS } from "../../../functions/api/views/views.ts";
import { minedBlocks } from "../../../shared/db/earnings.ts";
import { sql } from "../../../shared/db/port.ts";
import { dayAt } from "../../../shared/earnings/earnings.ts";
import { BLOCKS, createTestApi, loggedIn, type TestApi } from "../../support/api.ts";

let api: TestApi;
beforeAll(async () => {
  api = await createTestApi({ options: { payoutMinimum: 5n, payoutEveryMs: 3_600_000 } });
});
afterAll(() => api.database.drop());

async function earnings(name: string): Promise<v.InferOutput<typeof VIEWS.EarningsTruth>> {
  const { status, body } = await (await loggedIn(api, name)).json("GET", "/api/me/earnings/expected");
  expect(status, JSON.stringify(body)).toBe(200);
  return v.parse(VIEWS.EarningsTruth, body);
}

describe("what a user's work should have earned", () => {
  it("stands beside what was booked, which is all that was booked, with a range around it", async () => {
    const { period, periods, whole } = await earnings("ann");
    const [me] = await api.database.db.query(
      sql`SELECT booked::text AS booked FROM balances WHERE user_name = 'ann'`,
      v.object({ booked: v.string() }),
    );

    expect(period).toBe("day");
    expect(whole).toMatchObject({ blocks: BLOCKS, booked: me?.booked });
    expect(periods.at(-1)?.sum).toEqual(whole);
    expect(periods.reduce((sum, one) => sum + BigInt(one.expected), 0n)).toBe(BigInt(whole?.expected ?? 0));
    const [low, expected, high] = [whole?.low, whole?.expected, whole?.high].map(Number);
    // Half of the network, and half of the pool: a quarter of 9,000 PEG a block, less 5 %.
    expect((expected ?? 0) / 1e8 / BLOCKS).toBeGreaterThan(1_900);
    expect((expected ?? 0) / 1e8 / BLOCKS).toBeLessThan(2_500);
    expect(low).toBeLessThan(expected ?? 0);
    expect(high).toBeGreaterThan(expected ?? 0);
  });

  it("tells what a hash rate earns beside everybody else's, and what the next payout needs", async () => {
    const { rate, payout } = await earnings("ann");
    const day = { otherRate: rate?.others ?? 0, payouts: BigInt(rate?.payouts ?? 0) };

    // 144 blocks of 9,000 PEG, less 5 %.
    expect(day.payouts).toBe(144n * 9_000n * 95_000_000n);
    expect((rate?.mine ?? 0) / ((rate?.mine ?? 0) + day.otherRate)).toBeCloseTo(0.25, 1);
    expect(Number(dayAt(day.otherRate, day)) / Number(day.payouts)).toBeCloseTo(0.5, 4);
    expect(dayAt(0, day)).toBe(0n);
    expect(payout).toMatchObject({
      minimum: "5",
      hasAddress: true,
      lastAt: null,
      nextAt: null,
      waitsSince: null,
    });
  });

  it("is nothing for who has not mined, and not guessed from few blocks", async () => {
    const young = await createTestApi({ seeded: false });
    const { body } = await (await loggedIn(young, "ann")).json("GET", "/api/me/earnings/expected");
    expect(body).toMatchObject({ periods: [], whole: null, rate: null });
    await young.database.drop();
    expect((await earnings("boss")).periods).toEqual([]);
  });

  it("reads the blocks in their order, and no more than it is asked for", async () => {
    const blocks = await minedBlocks(api.database.db, 5);
    expect(blocks.map(({ height }) => height)).toEqual([1007, 1008, 1009, 1010, 1011]);
  });
});
