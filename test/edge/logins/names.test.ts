/** Names that are tried out without a password: how many are looked at, and what that costs. */

import * as v from "valibot";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type AccountsOptions, createAccounts } from "../../../edge/logins/logins.ts";
import { addressPlace } from "../../../shared/accounts/place.ts";
import { systemRandom } from "../../../shared/clock.ts";
import { insertUser } from "../../../shared/db/accounts.ts";
import { rememberPlace } from "../../../shared/db/login-places.ts";
import { type Db, one, sql } from "../../../shared/db/port.ts";
import { SILENT } from "../../../shared/logger.ts";
import type { TestDatabase } from "../../support/database.ts";
import { loginDatabase, request, setUpLogins } from "../../support/logins.ts";
import { manualClock } from "../../support/manual-clock.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await loginDatabase();
});
afterAll(() => database.drop());

describe("trying out names without a password", () => {
  /** Counts the statements that reach the database. */
  function counted(options: AccountsOptions = {}) {
    const seen = { statements: 0 };
    const db: Db = {
      ...database.db,
      query: (statement, row) => {
        seen.statements += 1;
        return database.db.query(statement, row);
      },
    };
    const clock = manualClock();
    const modules = { db, auth: setUpLogins(database.db).auth, clock, random: systemRandom, logger: SILENT };
    const accounts = createAccounts(options, modules);
    const from = async (address: string, user: string) =>
      (await accounts.authorize({ ...request(user, ""), remoteAddress: address })).kind;
    return { accounts, clock, seen, from };
  }

  it("from one address ends after twenty names: then neither an unknown nor a known one gets a verdict", async () => {
    const { from } = counted();
    const kinds: string[] = [];
    for (let i = 0; i < 1_000; i++) kinds.push(await from("198.51.100.1", `name-${i}`));

    expect(kinds.filter((kind) => kind === "refused")).toHaveLength(20);
    expect(kinds.filter((kind) => kind === "unavailable")).toHaveLength(980);
    expect(await from("198.51.100.1", "ann")).toBe("unavailable");
    expect(await from("198.51.100.2", "ann")).toBe("ok");
  });

  it("is let in once a minute from then on: 80 names in an hour", async () => {
    const { clock, from } = counted();
    let verdicts = 0;
    for (let second = 0; second < 3_600; second++) {
      if ((await from("198.51.100.1", `slow-${second}`)) === "refused") verdicts += 1;
      clock.advance(1_000);
    }

    expect(verdicts).toBe(20 + 59);
  });

  it("does not bind a miner that was let in at that address before, or whose password came from there", async () => {
    await insertUser(database.db, { name: "cid", password: null, payoutAddress: null });
    await rememberPlace(database.db, "cid", addressPlace("198.51.100.1"), 0);
    const { clock, from, seen } = counted();
    expect(await from("198.51.100.1", "ann")).toBe("ok");
    for (let i = 0; i < 100; i++) await from("198.51.100.1", `other-${i}`);
    clock.advance(10_000);

    const before = seen.statements;
    expect(await from("198.51.100.1", "ann")).toBe("ok");
    expect(await from("198.51.100.1", "cid")).toBe("ok");
    for (let i = 0; i < 100; i++) await from("198.51.100.1", `more-${i}`);
    // What a hundred more tries cost: nothing, the owners of the address are known.
    expect(seen.statements).toBe(before);
  });

  it("reads one name once a minute at most, whoever asks, and never refuses one that registered meanwhile", async () => {
    const { clock, from, seen } = counted();
    expect(await from("198.51.100.1", "late")).toBe("refused");
    await insertUser(database.db, { name: "late", password: null, payoutAddress: null });
    const kinds = [];
    for (let i = 0; i < 50; i++) kinds.push(await from(`198.51.101.${i}`, "late"));
    expect(new Set(kinds)).toEqual(new Set(["unavailable"]));
    expect(seen.statements).toBe(1);
    clock.advance(60_000);

    expect(await from("198.51.100.1", "late")).toBe("ok");
  });

  it("is not counted for a farm's rigs that all come at once under one known name", async () => {
    const { from, seen } = counted();

    const kinds = await Promise.all(Array.from({ length: 200 }, () => from("198.51.100.1", "ann")));

    expect(new Set(kinds)).toEqual(new Set(["ok"]));
    expect(seen.statements).toBe(1);
  });

  it("gets ten times as far from an address that stands for many", async () => {
    const { from } = counted({ exemptAddresses: ["198.51.100.0/24"] });
    const kinds: string[] = [];
    for (let i = 0; i < 1_000; i++) kinds.push(await from("198.51.100.1", `farm-${i}`));

    expect(kinds.filter((kind) => kind === "refused")).toHaveLength(200);
  });

  it("makes no more accounts than that where logins are not required", async () => {
    const { accounts, from } = counted({ requireAuth: false });
    const kinds: string[] = [];
    for (let i = 0; i < 100; i++) kinds.push(await from("198.51.100.1", `made-${i}`));

    expect(kinds.filter((kind) => kind === "ok")).toHaveLength(20);
    const made = await one(
      database.db,
      sql`SELECT count(*)::int AS users FROM users WHERE name LIKE 'made-%'`,
      v.object({ users: v.number() }),
    );
    expect(made.users).toBe(20);
    expect(
      await accounts.authorize({ ...request("ann", "any password"), remoteAddress: "198.51.100.2" }),
    ).toEqual({
      kind: "ok",
      registered: false,
    });
  });
});
