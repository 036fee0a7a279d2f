import * as v from "valibot";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { storyId } from "../../../functions/api/figures/story.ts";
import { createApiHandler } from "../../../functions/api/handler.ts";
import type { KeptShare, RefusedShare } from "../../../functions/api/share-history.ts";
import type { StoryView } from "../../../functions/api/views/story.ts";
import { VIEWS } from "../../../functions/api/views/views.ts";
import { recordReceipt } from "../../../shared/db/payments.ts";
import { sql } from "../../../shared/db/port.ts";
import { addressOf } from "../../support/accounts.ts";
import { BLOCKS, createTestApi, FIRST_HEIGHT, loggedIn, PASSWORD, type TestApi } from "../../support/api.ts";
import { type TestClient, testClient } from "../../support/http-client.ts";

const SHARE: KeptShare = {
  ...{ job: FIRST_HEIGHT, user: "ann", worker: "rig", nonce: "0000100100aa", late: false, record: 7 },
  ...{ assigned: 0xffff_0000_0000_0000n, reached: 0xffff_8000_0000_0000n, atMs: 1_700_000_000_000 },
  waitedMs: 25,
  ...{ epoch: { slot: 0, epoch: 1 }, seq: 0 },
};
const REFUSED: RefusedShare = {
  ...{ user: "ann", worker: "rig", jobId: "1003", atMs: 1_700_000_000_000, waitedMs: 1 },
  code: "stale",
  reason: "block 1003 is over",
};

let api: TestApi;
/** Of a pool that keeps shares. */
let ann: TestClient;
let bob: TestClient;
let boss: TestClient;

beforeAll(async () => {
  api = await createTestApi();
  // More than the first blocks brought.
  const paid = { user: "ann", address: addressOf("ann"), amount: 20_000n * 100_000_000n };
  await recordReceipt(api.database.db, [{ entryHash: "cd".repeat(32), ...paid }]);
  const shares = {
    keepMs: 86_400_000,
    find: async (nonce: string) => (nonce === SHARE.nonce ? [SHARE, { ...SHARE, waitedMs: undefined }] : []),
    refused: async (nonce: string) => (nonce === "0000100100bb" ? [REFUSED] : []),
  };
  const handler = createApiHandler(api.options, { ...api.modules, shares });
  const client = async (name: string): Promise<TestClient> => {
    const one = testClient(handler);
    await one.send("POST", "/api/session", { body: { name, password: PASSWORD } });
    return one;
  };
  [ann, bob, boss] = await Promise.all([client("ann"), client("bob"), client("boss")]);
});
afterAll(() => api.database.drop());

async function told(client: TestClient, id: string): Promise<v.InferOutput<typeof VIEWS.Stories>> {
  const { status, body } = await client.json("GET", `/api/me/story/${encodeURIComponent(id)}`);
  expect(status, JSON.stringify(body)).toBe(200);
  return v.parse(VIEWS.Stories, body);
}
const states = (story: StoryView | undefined): string[] =>
  story?.steps.map((one) => `${one.step} ${one.state}`) ?? [];

describe("the story of a share", () => {
  it("goes from its verdict to its payment, with times, hashes and reasons", async () => {
    const { stories } = await told(ann, SHARE.nonce.toUpperCase());
    const [story, ofOldEdge] = stories;

    expect(stories).toHaveLength(2);
    expect(story).toMatchObject({ kind: "share", of: { user: "ann", worker: "rig" }, height: FIRST_HEIGHT });
    expect(states(story)).toEqual([
      ...["received done", "judged done", "journaled done", "credited done"],
      ...["sealed done", "submitted not", "paid done"],
    ]);
    expect(story?.steps[0]).toMatchObject({
      at: new Date(SHARE.atMs - 25).toISOString(),
      words: "its line was read by the edge, 25 ms before the verdict",
    });
    expect(states(ofOldEdge)[0]).toBe("received unknown");
    const [, , , credited, sealed, , paid] = story?.steps ?? [];
    expect(credited?.hash).toMatch(/^[0-9a-f]{64}$/);
    expect(sealed).toMatchObject({
      hash: expect.stringMatching(/^[0-9a-f]{64}$/),
      link: `/api/me/blocks/${FIRST_HEIGHT}/proof`,
    });
    expect(paid?.words).toMatch(/PEG booked to ann for \d+ shares of this block, and paid$/);
    expect(paid?.hash).toMatch(/^[0-9a-f]{64}$/);
  });

  it("is told to its owner and to administrators only, to whom the same link is sent", async () => {
    expect((await told(bob, SHARE.nonce)).stories).toEqual([]);
    expect((await told(boss, SHARE.nonce)).stories[0]).toMatchObject({ of: { user: "ann" } });
    expect((await testClient(api.handler).json("GET", `/api/me/story/${SHARE.nonce}`)).status).toBe(401);
  });

  it("says why one was refused", async () => {
    const { stories } = await told(ann, "0000100100bb");
    expect(stories).toMatchObject([
      {
        kind: "refused",
        height: 1003,
        steps: [
          { step: "received", state: "done", at: "2023-11-14T22:13:19.999Z" },
          { step: "judged", state: "not", words: "refused as stale: block 1003 is over" },
        ],
      },
    ]);
  });

  it("is not known where the pool keeps no shares, and that is said", async () => {
    const lambda = await loggedIn(api, "ann");
    expect(await told(lambda, SHARE.nonce)).toEqual({ stories: [], keptSeconds: null, refusedKnown: false });
    expect(await told(ann, "ffffffffffff")).toEqual({ stories: [], keptSeconds: 86_400, refusedKnown: true });
  });
});

describe("the story of an entry, a block and a payment", () => {
  it("tells an entry's way to its place; of others' no name and no money", async () => {
    const { db } = api.database;
    const rows = await db.query(
      sql`SELECT entry_hash AS hash, height FROM submissions WHERE state = 'revealed' ORDER BY height, entry_hash LIMIT 1`,
      v.object({ hash: v.string(), height: v.number() }),
    );
    const { hash = "", height = 0 } = rows[0] ?? {};
    await db.execute(sql`INSERT INTO block_places (height, position, entry_hash, difficulty, payout, identity, ours)
      VALUES (${height}::int, 60, ${hash}, 1, 5, 'Prosper', true)`);
    const [mine] = (await told(ann, hash)).stories;
    const [others] = (await told(bob, hash)).stories;

    expect(mine).toMatchObject({ kind: "entry", of: { user: "ann" }, height });
    expect(states(mine)).toEqual([
      "judged done",
      "sealed done",
      "submitted done",
      "placed done",
      "paid done",
    ]);
    expect(others?.of).toBeNull();
    expect(states(others)).toEqual(["judged done", "sealed done", "submitted done", "placed done"]);
    expect(JSON.stringify(others)).not.toMatch(/ann|nonce/);
  });

  it("tells of a block what the asker did in it, open or sealed", async () => {
    const [sealed] = (await told(ann, "1000")).stories;
    const [open] = (await told(ann, String(FIRST_HEIGHT + BLOCKS))).stories;
    const [stranger] = (await told(boss, "1000")).stories;

    expect(states(sealed)).toEqual([
      "judged done",
      "credited done",
      "sealed done",
      "placed done",
      "paid done",
    ]);
    expect(states(open)).toEqual([
      "judged done",
      "credited done",
      "sealed waits",
      "placed waits",
      "paid waits",
    ]);
    expect(states(stranger)).toContain("credited not");
    expect((await told(ann, "5")).stories).toEqual([]);
  });

  it("tells what a payment's entry paid, and to whom asks its own part", async () => {
    const { body } = await ann.json("GET", "/api/me/payments");
    const { payments } = v.parse(VIEWS.MyPayments, body);
    const hash = payments[0]?.entryHash ?? "";
    const [story] = (await told(ann, hash)).stories;

    expect(story).toMatchObject({ kind: "payment", steps: [{ step: "paid", state: "done", hash }] });
    expect(story?.steps[0]?.words).toMatch(/PEG of it to you$/);
  });

  it.each(["", "xyz", "12.5", "aabb", "ab".repeat(33), "99999999999"])(
    "is not looked for by %j",
    async (text) => {
      expect(storyId(text)).toBeUndefined();
    },
  );

  it("takes a height, an entry hash and a nonce as they are shown", () => {
    expect(storyId(" #1,234 ")).toEqual({ kind: "height", height: 1234 });
    expect(storyId("AB".repeat(32))).toEqual({ kind: "hex", hex: "ab".repeat(32) });
    // No height has zeros before it.
    expect(storyId("0000100100")).toEqual({ kind: "hex", hex: "0000100100" });
  });
});
