import * as v from "valibot";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { VIEWS } from "../../../functions/api/views/views.ts";
import { codeOf, stepAt } from "../../../functions/auth/totp.ts";
import { dbResetSecondFactorCommand } from "../../../infra/cli/books/accounts.ts";
import { insertUser } from "../../../shared/db/accounts.ts";
import { listAdminLog } from "../../../shared/db/admin-log.ts";
import { sql } from "../../../shared/db/port.ts";
import { addressOf, cheapPasswords, uniqueName } from "../../support/accounts.ts";
import { createTestApi, PASSWORD, type TestApi } from "../../support/api.ts";
import { type TestClient, testClient } from "../../support/http-client.ts";

const PATH = "/api/me/second-factor";
let api: TestApi;
let name = "";
let client: TestClient;
beforeAll(async () => {
  api = await createTestApi({ seeded: false });
});
afterAll(() => api.database.drop());
beforeEach(async () => {
  name = uniqueName("user");
  const password = await cheapPasswords().hash(PASSWORD);
  await insertUser(api.modules.db, { name, password, payoutAddress: addressOf(name) });
  client = testClient(api.handler);
  await login(client);
});

async function login(who: TestClient, extra: { password?: string; code?: string } = {}) {
  const { status, body } = await who.json("POST", "/api/session", {
    body: { name, password: PASSWORD, ...extra },
  });
  return { status, code: v.is(VIEWS.Error, body) ? body.error.code : "ok" };
}

/** What an authenticator with this secret shows. */
function shown(secret: string, steps = 0): string {
  const bits = [...secret].map((letter) =>
    "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(letter).toString(2).padStart(5, "0"),
  );
  const bytes = Uint8Array.from(bits.join("").match(/.{8}/g) ?? [], (octet) => Number.parseInt(octet, 2));
  return codeOf(bytes, stepAt(api.clock.wallMs()) + steps);
}

async function propose(): Promise<string> {
  const { body } = await client.json("POST", PATH, { body: { password: PASSWORD } });
  return v.parse(VIEWS.Enrolment, body).secret;
}

/** A user with a second factor; the clock has left the half minute in which it was confirmed. */
async function enrolled(): Promise<{ secret: string; recovery: string[] }> {
  const secret = await propose();
  const { body } = await client.json("PUT", PATH, { body: { code: shown(secret) } });
  api.clock.advance(60_000);
  return { secret, recovery: v.parse(VIEWS.RecoveryCodes, body).recoveryCodes };
}

describe("a second factor", () => {
  it("is asked for from its confirmation on, and only of who knows the password", async () => {
    const secret = await propose();
    expect((await login(testClient(api.handler))).status).toBe(200);
    expect((await client.send("PUT", PATH, { body: { code: "000000" } })).statusCode).toBe(422);

    const confirmed = await client.json("PUT", PATH, { body: { code: shown(secret) } });
    api.clock.advance(60_000);

    expect(confirmed.status).toBe(200);
    const visitor = testClient(api.handler);
    expect(await login(visitor)).toEqual({ status: 401, code: "code-needed" });
    expect(visitor.cookies.size).toBe(0);
    expect(await login(visitor, { password: "wrong", code: shown(secret) })).toEqual({
      status: 401,
      code: "refused",
    });
    expect(await login(visitor, { code: shown(secret) })).toEqual({ status: 200, code: "ok" });
    const { body } = await visitor.json("GET", "/api/session");
    expect(v.parse(VIEWS.Session, body).user).toMatchObject({ name, twoFactor: true });
  });

  it("takes each code once, also when two come at once", async () => {
    const { secret } = await enrolled();
    const code = shown(secret);

    const both = await Promise.all([
      login(testClient(api.handler), { code }),
      login(testClient(api.handler), { code }),
    ]);

    expect(both.map(({ status }) => status).sort()).toEqual([200, 401]);
    expect((await login(testClient(api.handler), { code })).code).toBe("code-needed");
    expect((await login(testClient(api.handler), { code: shown(secret, -1) })).status).toBe(401);
    api.clock.advance(30_000);
    expect((await login(testClient(api.handler), { code: shown(secret) })).status).toBe(200);
  });

  it("may be replaced by each of ten recovery codes, once", async () => {
    const { recovery } = await enrolled();
    expect(new Set(recovery).size).toBe(10);

    const first = recovery[0] ?? "";
    expect((await login(testClient(api.handler), { code: ` ${first.toUpperCase()} ` })).status).toBe(200);
    expect((await login(testClient(api.handler), { code: first })).status).toBe(401);
    expect((await login(testClient(api.handler), { code: recovery[9] ?? "" })).status).toBe(200);
  });

  it("keeps only hashes of the recovery codes", async () => {
    const { recovery } = await enrolled();

    const kept = await api.modules.db.query(
      sql`SELECT code_hash AS hash FROM recovery_codes`,
      v.object({ hash: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)) }),
    );

    expect(kept.length).toBeGreaterThanOrEqual(10);
    for (const code of recovery) expect(JSON.stringify(kept)).not.toContain(code.replace("-", ""));
  });

  it("is asked for before money goes elsewhere, the password changes, or it is removed", async () => {
    const { secret, recovery } = await enrolled();
    const address = addressOf("thief");
    const change = (body: object) =>
      client.send("PUT", "/api/me/address", { body: { address, password: PASSWORD, ...body } });

    expect((await change({})).statusCode).toBe(422);
    expect((await change({ code: "123456" })).statusCode).toBe(422);
    expect(
      (await client.send("PUT", "/api/me/password", { body: { password: PASSWORD, next: "another one" } }))
        .statusCode,
    ).toBe(422);
    expect((await client.send("DELETE", PATH, { body: { password: PASSWORD } })).statusCode).toBe(422);
    expect((await change({ code: shown(secret) })).statusCode).toBe(200);
    expect(
      (await client.send("DELETE", PATH, { body: { password: PASSWORD, code: recovery[0] } })).statusCode,
    ).toBe(200);

    expect((await login(testClient(api.handler))).status).toBe(200);
  });

  it("ends every other session when it comes into force, and copies of its own cookie", async () => {
    const other = testClient(api.handler);
    await login(other);
    const copy = testClient(api.handler);
    for (const [cookie, value] of client.cookies) copy.cookies.set(cookie, value);

    await enrolled();

    expect(v.parse(VIEWS.Session, (await copy.json("GET", "/api/session")).body).user).toBeNull();
    expect(v.parse(VIEWS.Session, (await other.json("GET", "/api/session")).body).user).toBeNull();
    expect(v.parse(VIEWS.Session, (await client.json("GET", "/api/session")).body).user?.name).toBe(name);
  });

  it("in force is not replaced by who has only the password", async () => {
    const { secret } = await enrolled();

    const without = await client.send("POST", PATH, { body: { password: PASSWORD } });

    expect(without.statusCode).toBe(422);
    expect((await login(testClient(api.handler), { code: shown(secret) })).status).toBe(200);
  });

  it("is slowed down like passwords: of 1,000,000 codes few can be tried", async () => {
    await enrolled();

    const replies = [];
    for (let i = 0; i < 40; i++)
      replies.push(await login(testClient(api.handler), { code: String(100_000 + i) }));

    expect(replies.filter(({ code }) => code === "throttled")).toHaveLength(35);
  });

  it("lost together with its recovery codes is taken away by the operator, who is on record for it", async () => {
    await enrolled();
    const lines: string[] = [];

    for (let i = 0; i < 2; i++)
      await dbResetSecondFactorCommand(name, { db: api.modules.db, print: (line) => lines.push(line) });

    expect(lines).toEqual([`${name} logs in by the password alone now`, `${name} has no second factor`]);
    expect((await login(testClient(api.handler))).status).toBe(200);
    expect((await listAdminLog(api.modules.db, 1))[0]).toMatchObject({
      actor: "command line",
      action: "reset-second-factor",
      subject: name,
    });
  });
});
