import * as v from "valibot";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { VIEWS } from "../../../../functions/api/views/views.ts";
import { addressOf } from "../../../support/accounts.ts";
import { createTestApi, loggedIn, type TestApi } from "../../../support/api.ts";
import { type TestClient, testClient } from "../../../support/http-client.ts";

let api: TestApi;
let visitor: TestClient;
let ann: TestClient;
beforeAll(async () => {
  api = await createTestApi();
  visitor = testClient(api.handler);
  ann = await loggedIn(api, "ann");
});
afterAll(() => api.database.drop());

async function found(who: string): Promise<v.InferOutput<typeof VIEWS.FoundMiners>["miners"]> {
  const { status, body } = await visitor.json("GET", "/api/find", {
    query: `who=${encodeURIComponent(who)}`,
  });
  expect(status, JSON.stringify(body)).toBe(200);
  return v.parse(VIEWS.FoundMiners, body).miners;
}
async function choose(...shows: string[]): Promise<void> {
  const { status, body } = await ann.json("PUT", "/api/me/public", { body: { shows } });
  expect([status, body]).toEqual([200, { shows }]);
}

describe("find my miner", () => {
  it("shows nothing at first, and answers for a user that is there as for one that is not", async () => {
    expect(await found("ann")).toEqual([]);
    expect(await found("ann")).toEqual(await found("nobody"));
    expect(await found(addressOf("ann"))).toEqual([]);
  });

  it("shows what the owner chose and no more, until it chooses otherwise", async () => {
    await choose("rate", "workers");
    const [shown] = await found("ann");
    expect(shown).toMatchObject({
      name: "ann",
      workers: { online: 2, offline: 0 },
      address: null,
      earned: null,
      paid: null,
    });
    expect(shown?.hashrateLong).toBeGreaterThan(30_000);

    await choose("earned");
    expect(await found("ann")).toMatchObject([
      { hashrateLong: null, workers: null, earned: expect.stringMatching(/^[1-9]\d+$/) },
    ]);
    await choose();
    expect(await found("ann")).toEqual([]);
  });

  it("is found by its address only where the owner lets that be known", async () => {
    await choose("rate");
    expect(await found(addressOf("ann"))).toEqual([]);
    await choose("rate", "address");
    expect(await found(addressOf("ann"))).toMatchObject([{ name: "ann", address: addressOf("ann") }]);
  });

  it("takes no other choice", async () => {
    expect((await ann.json("PUT", "/api/me/public", { body: { shows: ["password"] } })).status).toBe(400);
    expect((await visitor.json("PUT", "/api/me/public", { body: { shows: [] } })).status).toBe(401);
    expect((await visitor.json("GET", "/api/find", { query: "who=" })).status).toBe(400);
  });
});
