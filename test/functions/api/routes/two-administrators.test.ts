/** An adjustment where two administrators are needed: asked for by one, confirmed by another, and in the log with both names. */

import * as v from "valibot";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { VIEWS } from "../../../../functions/api/views/views.ts";
import { dbAdjustCommand } from "../../../../infra/cli/books/adjust.ts";
import { insertUser, setAdmin } from "../../../../shared/db/accounts.ts";
import { owedTo } from "../../../../shared/db/payments.ts";
import { sql } from "../../../../shared/db/port.ts";
import { cheapPasswords } from "../../../support/accounts.ts";
import { createTestApi, loggedIn, PASSWORD, type TestApi } from "../../../support/api.ts";
import type { TestClient } from "../../../support/http-client.ts";

let api: TestApi;
let boss: TestClient;
let second: TestClient;
beforeAll(async () => {
  api = await createTestApi({ seeded: false, options: { twoAdministrators: true } });
  const password = await cheapPasswords().hash(PASSWORD);
  await insertUser(api.database.db, { name: "second", password, payoutAddress: null, isAdmin: true });
  boss = await loggedIn(api, "boss");
  second = await loggedIn(api, "second");
});
afterAll(() => api.database.drop());

const PATH = "/api/admin/adjustments";
const ask = (requestId: string, amount = "40") =>
  boss.json("POST", PATH, { body: { user: "ann", amount, reason: "shares of May", requestId } });
const shown = async () => v.parse(VIEWS.Adjustments, (await boss.json("GET", PATH)).body);
const decide = (who: TestClient, how: "confirm" | "withdraw", id: string) =>
  who.json("POST", `${PATH}/${how}`, { body: { id } });

async function log(): Promise<{ actor: string; action: string; details: Record<string, string> }[]> {
  const { body } = await boss.json("GET", "/api/admin/log", { query: "limit=2" });
  return v.parse(VIEWS.AdminLog, body).entries;
}

describe("an adjustment that two must agree to", () => {
  it("waits with the balance before and after, is booked once by another, and the log names both", async () => {
    expect(await ask("request-1")).toMatchObject({ status: 200, body: { waiting: true } });
    expect(await ask("request-1")).toMatchObject({ status: 200, body: { waiting: true } });
    expect(await ask("request-1", "41")).toMatchObject({ status: 409 });
    const view = await shown();
    expect(view).toMatchObject({ twoAdministrators: true, administrators: 2, adjustments: [] });
    expect(view.waiting).toMatchObject([
      { user: "ann", amount: "40", reason: "shares of May", madeBy: "boss", owed: "0", owedAfter: "40" },
    ]);
    const id = view.waiting[0]?.id ?? "";
    expect(await decide(boss, "confirm", id)).toMatchObject({
      status: 409,
      body: { error: { code: "own" } },
    });
    expect(await owedTo(api.database.db, "ann")).toBe(0n);

    const both = await Promise.all([decide(second, "confirm", id), decide(second, "confirm", id)]);
    expect(both.map(({ status }) => status).toSorted()).toEqual([200, 409]);
    expect(await owedTo(api.database.db, "ann")).toBe(40n);
    expect(await shown()).toMatchObject({ waiting: [], adjustments: [{ user: "ann", madeBy: "boss" }] });
    expect(await log()).toMatchObject([
      { actor: "second", action: "confirm-adjustment", details: { askedBy: "boss", amount: "40" } },
      { actor: "boss", action: "adjust" },
    ]);
  });

  it("is taken back by anybody, and not confirmed once who asked is no administrator any more", async () => {
    await ask("request-2");
    await ask("request-3");
    const [first, other] = (await shown()).waiting;
    expect((await decide(boss, "withdraw", first?.id ?? "")).status).toBe(200);
    expect(await decide(second, "confirm", first?.id ?? "")).toMatchObject({
      body: { error: { code: "gone" } },
    });
    await api.database.db.execute(sql`UPDATE users SET is_admin = false WHERE name = 'boss'`);
    expect(await decide(second, "confirm", other?.id ?? "")).toMatchObject({
      body: { error: { code: "left" } },
    });
    await setAdmin(api.database.db, "boss");
    expect((await decide(second, "withdraw", other?.id ?? "")).status).toBe(200);
    expect(await owedTo(api.database.db, "ann")).toBe(40n);
  });

  it("by command waits for an administrator, any of them", async () => {
    const lines: string[] = [];
    await dbAdjustCommand(
      "ann",
      "-0.0000004",
      { reason: "twice", twoAdministrators: true },
      { db: api.database.db, print: (line) => lines.push(line) },
    );
    expect(lines[0]).toMatch(/^Asked for adjustment \d+: ann -0\.00000040 PEG, twice/);
    const [waiting] = (await shown()).waiting;
    expect(waiting).toMatchObject({ madeBy: "command line", amount: "-40", owedAfter: "0" });
    expect((await decide(boss, "confirm", waiting?.id ?? "")).status).toBe(200);
    expect(await owedTo(api.database.db, "ann")).toBe(0n);
  });
});
