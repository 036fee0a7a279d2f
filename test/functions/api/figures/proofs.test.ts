import * as v from "valibot";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { VIEWS } from "../../../../functions/api/views/views.ts";
import { toHex } from "../../../../shared/bytes.ts";
import { sql } from "../../../../shared/db/port.ts";
import { type ProofFile, proofFile } from "../../../../shared/proofs/proof-file.ts";
import { verifyProof } from "../../../../shared/proofs/verify.ts";
import { BLOCKS, createTestApi, EVIL, FIRST_HEIGHT, loggedIn, type TestApi } from "../../../support/api.ts";
import { text } from "../../../support/books.ts";
import { type TestClient, testClient } from "../../../support/http-client.ts";
import { POOL_KEYS } from "../../../support/proofs.ts";

let api: TestApi;
let visitor: TestClient;
let ann: TestClient;
let boss: TestClient;
beforeAll(async () => {
  api = await createTestApi();
  visitor = testClient(api.handler);
  ann = await loggedIn(api, "ann");
  boss = await loggedIn(api, "boss");
});
afterAll(() => api.database.drop());

const pathOf = (height: number | string): string => `/api/me/blocks/${height}/proof`;

async function proofOf(client: TestClient, height: number, query = ""): Promise<ProofFile> {
  const { status, body } = await client.json("GET", pathOf(height), { query });
  expect(status, JSON.stringify(body)).toBe(200);
  return v.parse(proofFile, body);
}

describe("GET /api/me/blocks/{height}/proof", () => {
  it("gives every worker of the user a proof under the root that everybody can see, and a receipt under the pool's key", async () => {
    const file = await proofOf(ann, FIRST_HEIGHT);
    const { body } = await visitor.json("GET", `/api/blocks/${FIRST_HEIGHT}`);
    const { block, receiptKey } = v.parse(VIEWS.BlockDetail, body);

    const checks = verifyProof(file, { root: block.root ?? "", keys: [receiptKey ?? ""] });

    expect(checks.filter(({ ok }) => !ok)).toEqual([]);
    expect(receiptKey).toBe(toHex(POOL_KEYS.publicKey));
    expect(file.workers.map(({ user, worker }) => [user, worker])).toEqual([
      ["ann", EVIL],
      ["ann", "rig"],
    ]);
    expect(file).toMatchObject({ leaves: 3, shares: block.shares, work: block.work, pool: "Prosper Pool" });
    const booked = await text(
      api.database.db,
      sql`SELECT amount FROM payouts WHERE job = ${FIRST_HEIGHT} AND user_name = 'ann'`,
    );
    expect(file.receipts.map(({ amount }) => amount)).toEqual([booked, booked]);
  });

  it("gives one worker's proof by name, the same file every time", async () => {
    const [first, again] = await Promise.all(
      [1, 2].map(() => proofOf(ann, FIRST_HEIGHT + 3, `worker=${encodeURIComponent(EVIL)}`)),
    );

    expect(again).toEqual(first);
    expect(first?.workers).toHaveLength(1);
    expect(verifyProof(first ?? never()).every(({ ok }) => ok)).toBe(true);
  });

  it.each([
    ["a running block", FIRST_HEIGHT + BLOCKS, "", 404, "not-sealed"],
    ["a height without a block", 7, "", 404, "not-sealed"],
    ["no height at all", "x", "", 404, "not-sealed"],
    ["a worker of somebody else", FIRST_HEIGHT, "worker=", 404, "no-work"],
    ["a name that no worker can have", FIRST_HEIGHT, "worker=%00", 400, "bad-input"],
  ])("refuses %s", async (_, height, query, status, code) => {
    const reply = await ann.json("GET", pathOf(height), { query });

    expect(reply).toMatchObject({ status, body: { error: { code } } });
  });

  it("needs a login, and never proves another user's work", async () => {
    expect((await visitor.json("GET", pathOf(FIRST_HEIGHT))).status).toBe(401);
    const bob = await proofOf(await loggedIn(api, "bob"), FIRST_HEIGHT);

    expect(bob.workers.map(({ user }) => user)).toEqual(["bob"]);
    expect(JSON.stringify(bob)).not.toContain("ann");
  });

  it("fails rather than proves when the stored work is not what was sealed", async () => {
    await api.database.db.transaction(async (tx) => {
      await tx.execute(sql`SET LOCAL session_replication_role = replica`);
      await tx.execute(
        sql`UPDATE work SET shares = shares + 1 WHERE job = ${FIRST_HEIGHT + 5} AND worker = 'rig'`,
      );
    });

    expect((await ann.json("GET", pathOf(FIRST_HEIGHT + 5))).status).toBe(500);
  });
});

function never(): never {
  throw new Error("no file");
}

describe("adjustments", () => {
  const gift = { user: "bob", amount: "-1200", reason: " a slip ", requestId: "request-22" };
  const send = (body: unknown) => boss.json("POST", "/api/admin/adjustments", { body });

  it("are booked once per request, seen by the user with the reason, listed and logged with who made them", async () => {
    const [first, again] = [await send(gift), await send(gift)];

    expect([first.status, again]).toEqual([200, first]);
    const bob = await loggedIn(api, "bob");
    const me = v.parse(VIEWS.Me, (await bob.json("GET", "/api/me")).body);
    expect(me.adjusted).toBe("-1200");
    expect(BigInt(me.owed)).toBe(BigInt(me.booked) - 1200n);
    const own = v.parse(VIEWS.MyPayments, (await bob.json("GET", "/api/me/payments")).body);
    expect(own.adjustments).toMatchObject([{ amount: "-1200", reason: "a slip" }]);
    const list = v.parse(VIEWS.Adjustments, (await boss.json("GET", "/api/admin/adjustments")).body);
    expect(list.adjustments[0]).toMatchObject({ user: "bob", amount: "-1200", madeBy: "boss" });
    const log = v.parse(
      VIEWS.AdminLog,
      (await boss.json("GET", "/api/admin/log", { query: "limit=1" })).body,
    );
    expect(log.entries).toMatchObject([
      { actor: "boss", action: "adjust", subject: "bob", details: { amount: "-1200", reason: "a slip" } },
    ]);
    const older = { query: `limit=200&before=${log.next}` };
    const rest = v.parse(VIEWS.AdminLog, (await boss.json("GET", "/api/admin/log", older)).body);
    expect(rest.entries.map(({ id }) => BigInt(id) < BigInt(log.next ?? "0"))).not.toContain(false);
  });

  it.each([
    ["of nothing", { amount: "0" }, 422, "bad-amount"],
    ["too large for the books", { amount: "9".repeat(20) }, 422, "bad-amount"],
    ["of a fraction", { amount: "1.5" }, 400, "bad-input"],
    ["without a reason", { reason: "  " }, 422, "bad-reason"],
    ["with a reason of two lines", { reason: "a\nb" }, 422, "bad-reason"],
    ["for a stranger", { user: "zoe" }, 422, "no-user"],
    ["under the request of another", { amount: "1", requestId: "request-22" }, 409, "conflict"],
    ["without a request id", { requestId: "" }, 400, "bad-input"],
  ])("%s are refused", async (_, change, status, code) => {
    const reply = await send({ ...gift, requestId: "request-33", ...change });

    expect(reply).toMatchObject({ status, body: { error: { code } } });
  });

  it("are an administrator's only, and never another site's", async () => {
    const asAnn = await ann.json("POST", "/api/admin/adjustments", { body: gift });
    const headers = { origin: "https://evil.example" };
    const forged = await boss.json("POST", "/api/admin/adjustments", { body: gift, headers });

    expect([asAnn.status, forged.status]).toEqual([403, 403]);
  });
});
