/** A changed payout address, a forgotten password, and leaving: over the API with the rights that it has on AWS. */

import * as v from "valibot";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { VIEWS } from "../../../../functions/api/views/views.ts";
import { whyLeftOut } from "../../../../shared/accounting/payout-batch.ts";
import { findUser, insertUser, mayMine, setPayoutAddress } from "../../../../shared/db/accounts.ts";
import { prepareBatch, readPayable } from "../../../../shared/db/payout-batches.ts";
import { recordIntent } from "../../../../shared/db/payout-intents.ts";
import { first, sql } from "../../../../shared/db/port.ts";
import { addressOf, uniqueName } from "../../../support/accounts.ts";
import { type MailCatcher, startMailCatcher } from "../../../support/alert-catchers.ts";
import { deliverer, destinationOf } from "../../../support/alerts.ts";
import { createTestApi, loggedIn, PASSWORD, type TestApi } from "../../../support/api.ts";
import { owe } from "../../../support/books.ts";
import { type TestClient, testClient } from "../../../support/http-client.ts";

let api: TestApi;
let boss: TestClient;
let smtp: MailCatcher;
let stranger: TestClient;
let tests = 0;
beforeAll(async () => {
  api = await createTestApi({ seeded: false, options: { payoutMinimum: 10n } });
  smtp = await startMailCatcher();
});
beforeEach(async () => {
  tests += 1;
  stranger = testClient(api.handler, `198.51.100.${tests}`);
  api.clock.advance(2 * 3_600_000);
  smtp.mails.length = 0;
  await api.database.db.execute(sql`DELETE FROM alerts`);
  // The two hours may have ended the last one.
  boss = await loggedIn(api, "boss");
});
afterAll(async () => {
  await smtp.stop();
  await api.database.drop();
});

/** Somebody new who is owed 100 and has a confirmed address of e-mail. */
async function newUser(): Promise<{ name: string; client: TestClient }> {
  const name = uniqueName("user");
  const { db } = api.database;
  const like = await findUser(db, "ann");
  await insertUser(db, { name, password: like?.password ?? null, payoutAddress: addressOf(name) });
  await owe(db, name, 100n);
  await destinationOf(db, { user: name, kind: "email", target: `${name}@example.com`, events: ["address"] });
  return { name, client: await loggedIn(api, name) };
}

const change = (client: TestClient, address: string) =>
  client.json("PUT", "/api/me/address", { body: { address, password: PASSWORD } });
const held = async (client: TestClient) =>
  v.parse(VIEWS.Address, (await client.json("GET", "/api/me/address")).body);
/** What a payout of now would be: the addresses by user. */
async function payout(name: string): Promise<string | undefined> {
  const all = await readPayable(api.database.db);
  const one = all.find(({ user }) => user === name);
  return one === undefined || whyLeftOut(one, 10n) !== undefined ? undefined : one.address;
}
const prepare = () =>
  prepareBatch(api.database.db, {
    nowSeconds: Math.floor(api.clock.wallMs() / 1000),
    choose: (all) => all.filter((one) => whyLeftOut(one, 10n) === undefined),
  });
/** The database's own clock says when a day is over. */
async function dayPasses(name: string): Promise<void> {
  await api.database.db.execute(
    sql`UPDATE address_holds SET held_until = held_until - interval '24 hours' WHERE user_name = ${name}`,
  );
}
/** The text of the one e-mail that is due. */
async function mail(): Promise<string> {
  await api.database.db.execute(
    sql`UPDATE alerts SET due_at = to_timestamp(${api.clock.wallMs()}::float8 / 1000) WHERE due_at IS NOT NULL`,
  );
  await deliverer(api.database.db, api.clock, { smtp: smtp.url })();
  const [one, ...others] = smtp.mails.splice(0);
  expect(others).toEqual([]);
  // Long lines are broken on the way.
  return (one?.text ?? "").replaceAll(/=\r?\n/g, "").replaceAll("=3D", "=");
}

describe("a changed payout address", () => {
  it("is paid nothing for a day: a payout prepared meanwhile leaves the user out, and payday says so", async () => {
    const { name, client } = await newUser();
    expect(await payout(name)).toBe(addressOf(name));
    expect((await change(client, addressOf("other"))).status).toBe(200);

    expect(await held(client)).toMatchObject({ address: addressOf("other"), former: addressOf(name) });
    expect(await payout(name)).toBeUndefined();
    expect((await prepare())?.lines.map(({ user }) => user) ?? []).not.toContain(name);
    api.clock.advance(20_000);
    const payday = v.parse(VIEWS.Payday, (await boss.json("GET", "/api/admin/payday")).body);
    expect(payday.left.find(({ why }) => why === "held")?.largest).toContainEqual({
      user: name,
      amount: "100",
    });

    await dayPasses(name);
    expect(await payout(name)).toBe(addressOf("other"));
    expect(await held(client)).toEqual({ address: addressOf("other"), former: null, heldUntil: null });
    expect((await client.json("DELETE", "/api/me/address")).status).toBe(422);
  });

  it("is taken back at once by who is logged in, to the one before all changes of the day", async () => {
    const { name, client } = await newUser();
    await change(client, addressOf("first"));
    await change(client, addressOf("second"));
    expect(await held(client)).toMatchObject({ address: addressOf("second"), former: addressOf(name) });
    expect((await client.json("DELETE", "/api/me/address")).status).toBe(200);
    expect(await held(client)).toEqual({ address: addressOf(name), former: null, heldUntil: null });
    expect(await payout(name)).toBe(addressOf(name));
  });

  it("is taken back by the code of the alert without a login, and everybody is logged out", async () => {
    const { name, client } = await newUser();
    await change(client, addressOf("thief"));
    const text = await mail();
    expect(text).toContain(`changed to ${addressOf("thief")}`);
    expect(text).toMatch(/Nothing is paid to it before \d{4}-\d\d-\d\d \d\d:\d\d UTC/);
    const code = /with the code ([0-9a-f]{32})/.exec(text)?.[1] ?? "";

    expect(
      (await stranger.json("POST", "/api/address/keep", { body: { code: "0".repeat(32) } })).status,
    ).toBe(422);
    expect(
      (await stranger.json("POST", "/api/address/keep", { body: { code: ` ${code.toUpperCase()}` } })).status,
    ).toBe(200);
    expect(await payout(name)).toBe(addressOf(name));
    expect((await client.json("GET", "/api/me/address")).status).toBe(401);
    // The next alert tells that it is back; the code is worth nothing any more.
    expect(await mail()).toContain(`changed to ${addressOf(name)}`);
    expect((await stranger.json("POST", "/api/address/keep", { body: { code } })).status).toBe(422);
  });

  it("is held whoever changes it, and a first one is not", async () => {
    const { db } = api.database;
    const { name } = await newUser();
    await setPayoutAddress(db, (await findUser(db, name))?.id ?? 0n, addressOf("elsewhere"));
    expect(await payout(name)).toBeUndefined();
    const fresh = uniqueName("fresh");
    await insertUser(db, { name: fresh, password: null, payoutAddress: null });
    await owe(db, fresh, 100n, null);
    await setPayoutAddress(db, (await findUser(db, fresh))?.id ?? 0n, addressOf(fresh));
    expect(await payout(fresh)).toBe(addressOf(fresh));
  });

  it("leaves a list from before the change to the former address, and refuses one by hand to the new one", async () => {
    const { db } = api.database;
    const { name, client } = await newUser();
    const line = { user: name, amount: 100n, totalOwed: 100n, totalPaid: 0n };
    await change(client, addressOf("other"));
    const intent = (address: string, byHand: boolean) => ({
      ...{ digest: uniqueName("digest"), saltSeconds: Math.floor(api.clock.wallMs() / 1000), source: "FA" },
      ...{
        lines: [{ ...line, address }],
        entries: [{ entryHash: "ab".repeat(32), raw: "00", count: 1 }],
        byHand,
      },
    });
    expect(await recordIntent(db, intent(addressOf("other"), true))).toMatchObject({
      kind: "unpayable",
      payable: 0n,
    });
    await dayPasses(name);
    expect(await recordIntent(db, intent(addressOf("other"), true))).toMatchObject({ kind: "intended" });
  });
});

describe("a forgotten password", () => {
  const ask = (name: string, client = stranger) =>
    client.json("POST", "/api/password-reset", { body: { name } });
  const set = (code: string, next = "a new long password") =>
    stranger.json("PUT", "/api/password-reset", { body: { code, next } });
  const login = (name: string, password: string) =>
    testClient(api.handler, `203.0.113.${tests}`).json("POST", "/api/session", { body: { name, password } });
  const codeOf = (text: string): string => /\b(?:[A-Z2-7]{4}-){5}[A-Z2-7]{4}\b/.exec(text)?.[0] ?? "";

  it("is set anew by a code that comes by e-mail, once; sessions and tokens end", async () => {
    const { name, client } = await newUser();
    await client.json("POST", "/api/me/tokens", { body: { name: "script", password: PASSWORD } });
    expect(await ask(name)).toEqual({ status: 200, body: { ok: true } });
    const code = codeOf(await mail());

    expect((await set(code, "short")).status).toBe(400);
    expect((await set(code.toLowerCase().replaceAll("-", " "))).status).toBe(200);
    expect((await set(code)).status).toBe(422);
    expect((await client.json("GET", "/api/me/address")).status).toBe(401);
    const { db } = api.database;
    const left = await first(
      db,
      sql`SELECT count(*)::int AS n FROM api_tokens t JOIN users u ON u.id = t.user_id WHERE u.name = ${name}`,
      v.object({ n: v.number() }),
    );
    expect(left?.n).toBe(0);
    expect((await login(name, PASSWORD)).status).toBe(401);
    expect((await login(name, "a new long password")).status).toBe(200);
    // What was sent is not kept where it could be read.
    const kept = await first(
      db,
      sql`SELECT details FROM alerts WHERE kind = 'reset' ORDER BY at DESC LIMIT 1`,
      v.object({ details: v.string() }),
    );
    expect(kept?.details).toBe("");
  });

  it("is answered alike whoever is asked for, and nobody but a user with an address of e-mail is sent anything", async () => {
    const { name } = await newUser();
    await destinationOf(api.database.db, {
      user: "boss",
      kind: "email",
      target: "boss@example.com",
      events: [],
    });
    await destinationOf(api.database.db, { user: "bob", target: "https://example.com", events: [] });
    for (const asked of [name, "nobody", "boss", "bob", "a,b"])
      expect(await ask(asked)).toEqual({ status: 200, body: { ok: true } });
    const text = await mail();
    expect(text).toContain(`${name}@example.com`);
    expect(codeOf(text)).not.toBe("");
    await api.database.db.execute(sql`DELETE FROM alert_destinations WHERE user_name IN ('boss', 'bob')`);
  });

  it("has a code that is good for half an hour, and only the newest one", async () => {
    const { name } = await newUser();
    await ask(name);
    const old = codeOf(await mail());
    await ask(name);
    const newest = codeOf(await mail());
    expect((await set(old)).status).toBe(422);
    api.clock.advance(30 * 60_000);
    expect((await set(newest)).status).toBe(422);
  });

  it("is sent three codes a day at most, and one address asks only so often", async () => {
    const { name } = await newUser();
    for (let i = 0; i < 3; i++) {
      await ask(name);
      await mail();
    }
    expect((await ask(name)).status).toBe(200);
    await deliverer(api.database.db, api.clock, { smtp: smtp.url })();
    expect(smtp.mails).toEqual([]);
    const answers = await Promise.all(Array.from({ length: 30 }, (_, i) => ask(`nobody-${i}`)));
    expect(answers.filter(({ status }) => status === 429).length).toBeGreaterThan(5);
  });

  it("is the operator's business where the pool sends no e-mail", async () => {
    const without = await createTestApi({ seeded: false, options: { alertChannels: ["webhook"] } });
    const answer = await testClient(without.handler).json("POST", "/api/password-reset", {
      body: { name: "ann" },
    });
    expect(answer).toMatchObject({ status: 409, body: { error: { code: "no-mail" } } });
    await without.database.drop();
  });
});

describe("leaving", () => {
  it("takes the login and all that belongs to it; name, debt and address stay, and nobody mines by the name", async () => {
    const { db } = api.database;
    const { name, client } = await newUser();
    expect(await mayMine(db, name)).toBe(true);
    await db.execute(sql`INSERT INTO public_miners (user_name, shows) VALUES (${name}, '{rate}')`);
    const leave = (body: object) =>
      client.json("DELETE", "/api/me", { body: { name, password: PASSWORD, ...body } });
    expect((await leave({ name: "ann" })).status).toBe(422);
    expect((await leave({ password: "guess" })).status).toBe(422);
    expect((await leave({})).status).toBe(200);

    expect((await client.json("GET", "/api/me/address")).status).toBe(401);
    expect(await mayMine(db, name)).toBe(false);
    const again = testClient(api.handler, "203.0.113.200");
    expect((await again.json("POST", "/api/session", { body: { name, password: PASSWORD } })).status).toBe(
      401,
    );
    expect(await payout(name)).toBe(addressOf(name));
    expect(await insertUser(db, { name, password: null, payoutAddress: null })).toBe(false);
    const left = await first(
      db,
      sql`SELECT (SELECT count(*) FROM alert_destinations WHERE user_name = ${name})::int + (SELECT count(*) FROM public_miners WHERE user_name = ${name})::int + (SELECT count(*) FROM login_places p JOIN users u ON u.id = p.user_id WHERE u.name = ${name})::int AS n`,
      v.object({ n: v.number() }),
    );
    expect(left?.n).toBe(0);
  });

  it("is not for administrators", async () => {
    const answer = await boss.json("DELETE", "/api/me", { body: { name: "boss", password: PASSWORD } });
    expect(answer).toMatchObject({
      status: 422,
      body: { error: { message: expect.stringContaining("administrator") } },
    });
    expect((await boss.json("GET", "/api/admin/payday")).status).toBe(200);
  });
});
