/** Payday over the API with the rights that it has on AWS: it shows and takes an administrator's word, and leaves preparing and sending to others. */

import * as v from "valibot";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { VIEWS } from "../../../../functions/api/views/views.ts";
import { isPayoutOf, payoutDigest } from "../../../../shared/accounting/payout-signature.ts";
import { toHex } from "../../../../shared/bytes.ts";
import { adjust, recordReceipt } from "../../../../shared/db/payments.ts";
import { prepareBatch } from "../../../../shared/db/payout-batches.ts";
import { recordIntent } from "../../../../shared/db/payout-intents.ts";
import { addressOf } from "../../../support/accounts.ts";
import { createTestApi, loggedIn, type TestApi } from "../../../support/api.ts";
import { owe } from "../../../support/books.ts";
import { type TestClient, testClient } from "../../../support/http-client.ts";
import { POOL_KEYS } from "../../../support/proofs.ts";

let api: TestApi;
let boss: TestClient;
beforeAll(async () => {
  api = await createTestApi({ seeded: false, options: { twoAdministrators: true, payoutMinimum: 10n } });
  boss = await loggedIn(api, "boss");
});
afterAll(() => api.database.drop());

const show = async () => {
  api.clock.advance(20_000);
  return v.parse(VIEWS.Payday, (await boss.json("GET", "/api/admin/payday")).body);
};
const nowSeconds = (): number => Math.floor(api.clock.wallMs() / 1000);

describe("payday", () => {
  it("shows what is due, who is not paid and why, and asks for a second administrator", async () => {
    const { db } = api.database;
    await owe(db, "ann", 100n);
    await owe(db, "bob", 9n);
    await owe(db, "cid", 50n, null);
    await owe(db, "eve", -7n);
    expect(await show()).toMatchObject({
      ...{ here: false, minimum: "10", due: { users: 1, total: "100" }, payout: null, sent: [] },
      ...{ twoAdministrators: true, administrators: 1, credits: null },
      left: [
        { why: "minimum", users: 1, total: "9", largest: [{ user: "bob", amount: "9" }] },
        { why: "no-address", users: 1, total: "50" },
        { why: "overpaid", users: 1, total: "-7" },
      ],
    });
    for (const path of ["prepare", "confirm"])
      expect(await boss.json("POST", `/api/admin/payday/${path}`)).toMatchObject({ status: 409 });
    expect((await boss.json("GET", "/api/admin/payday/file")).status).toBe(404);
    for (const client of [testClient(api.handler), await loggedIn(api, "ann")])
      for (const path of ["/api/admin/payday", "/api/admin/payday/file"])
        expect([401, 403]).toContain((await client.json("GET", path)).status);
  });

  it("shows who gets what and why, after the payout before: earned, adjusted, carried, another address", async () => {
    const { db } = api.database;
    const prepare = () =>
      prepareBatch(db, {
        nowSeconds: nowSeconds(),
        choose: (all) => all.filter(({ amount, address }) => amount >= 10n && address !== ""),
        ...{ by: "command line", approvalsNeeded: 2 },
      });
    const before = await prepare();
    if (before === undefined) throw new Error("nothing was prepared");
    const { batch, lines } = before;
    const entries = [{ entryHash: "ab".repeat(32), raw: "00", count: 1 }];
    expect(await boss.json("POST", "/api/admin/payday/approve", { body: { id: batch.id } })).toMatchObject({
      status: 200,
    });
    expect(await boss.json("POST", "/api/admin/payday/approve", { body: { id: batch.id } })).toMatchObject({
      status: 409,
    });
    const intent = {
      digest: batch.digest,
      saltSeconds: batch.saltSeconds,
      source: "FA",
      lines,
      entries,
      byHand: false,
    };
    expect(await recordIntent(db, intent)).toMatchObject({ kind: "intended" });
    const ann = await loggedIn(api, "ann");
    expect((await ann.json("GET", "/api/me/payments")).body).toMatchObject({
      payments: [],
      onTheWay: [{ amount: "100" }],
    });
    expect((await show()).sent[0]?.entries).toMatchObject([{ state: "intended", users: 1, amount: "100" }]);
    const address = addressOf("ann");
    await recordReceipt(db, [{ entryHash: "ab".repeat(32), user: "ann", address, amount: 100n }]);
    expect((await ann.json("GET", "/api/me/payments")).body).toMatchObject({
      payments: [{ amount: "100" }],
      onTheWay: [],
    });

    await db.execute({
      text: `UPDATE users SET payout_address = '${addressOf("new")}' WHERE name = 'ann'`,
      values: [],
    });
    await adjust(db, { user: "ann", amount: 40n, reason: "x", madeBy: "boss" });
    await adjust(db, { user: "bob", amount: 1n, reason: "x", madeBy: "boss" });
    await prepare();
    const { payout } = await show();
    expect(payout?.lines).toEqual([
      {
        ...{
          user: "ann",
          address: addressOf("new"),
          amount: "40",
          earned: "0",
          adjusted: "40",
          carried: "0",
        },
        ...{ lastAmount: "100", lastAddress: address },
      },
      {
        ...{ user: "bob", address: addressOf("bob"), amount: "10", earned: "0", adjusted: "1", carried: "9" },
        ...{ lastAmount: null, lastAddress: null },
      },
    ]);
    expect(payout).toMatchObject({ agreed: ["command line"], needed: 2, isFile: true });
    expect(payout?.credits).toBe(1);
  });

  it("gives the file that the pool signs, while it can be signed in time, with the digest that is shown", async () => {
    const file = v.parse(VIEWS.PayoutFile, (await boss.json("GET", "/api/admin/payday/file")).body);
    const lines = file.lines.map((line) => ({
      ...line,
      amount: BigInt(line.amount),
      totalOwed: BigInt(line.totalOwed),
      totalPaid: BigInt(line.totalPaid),
    }));
    const list = { saltSeconds: file.saltSeconds, lines };
    expect(isPayoutOf(toHex(POOL_KEYS.publicKey), list, file.signature)).toBe(true);
    expect((await show()).payout?.digest).toBe(payoutDigest(list));
    api.clock.advance(10 * 3_600_000);
    expect((await show()).payout?.isFile).toBe(false);
    expect((await boss.json("GET", "/api/admin/payday/file")).status).toBe(409);
  });

  it("tells everybody what was paid, entry by entry and page by page", async () => {
    const { db } = api.database;
    for (const [i, user] of ["bob", "ann"].entries())
      await recordReceipt(db, [
        { entryHash: `${i + 1}${"0".repeat(63)}`, user, address: addressOf(user), amount: 5n },
      ]);
    const anybody = testClient(api.handler);
    const page = async (query: string) =>
      v.parse(VIEWS.PaymentFeed, (await anybody.json("GET", "/api/pool/payments", { query })).body);
    const all: string[] = [];
    let next: string | null = null;
    do {
      const { payments, next: more }: v.InferOutput<typeof VIEWS.PaymentFeed> = await page(
        `limit=1${next === null ? "" : `&before=${next}`}`,
      );
      all.push(...payments.map(({ entryHash }) => entryHash.slice(0, 2)));
      next = more;
    } while (next !== null);
    expect(all).toEqual(["20", "10", "ab"]);
  });
});
