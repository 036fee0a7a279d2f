/** What a login is told, with a password and without. */

import * as v from "valibot";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  type AccountsOptions,
  ADDRESS_KEPT,
  createAccounts,
  type LoginThrottle,
} from "../../../edge/logins/logins.ts";
import { createLoginThrottle } from "../../../edge/logins/throttle.ts";
import { addressPlace } from "../../../shared/accounts/place.ts";
import { systemRandom } from "../../../shared/clock.ts";
import { openPg } from "../../../shared/db/drivers/pg.ts";
import { rememberPlace } from "../../../shared/db/login-places.ts";
import { sql } from "../../../shared/db/port.ts";
import { CodedError } from "../../../shared/errors.ts";
import { SILENT } from "../../../shared/logger.ts";
import type { LoginReply } from "../../../shared/messages/login.ts";
import type { TestDatabase } from "../../support/database.ts";
import { loginDatabase, ok, request, setUpLogins } from "../../support/logins.ts";
import { manualClock } from "../../support/manual-clock.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await loginDatabase();
});
afterAll(() => database.drop());

const away = (): Promise<never> => Promise.reject(new CodedError("auth-away", "gone"));
const setup = (options?: AccountsOptions, extra?: { throttle?: LoginThrottle }) =>
  setUpLogins(database.db, options, extra);

describe("a login without a password", () => {
  it("is let in for a known user without asking auth, to mine only", async () => {
    const { accounts, auth } = setup();

    expect(await accounts.authorize(request("ann", ""))).toEqual({ kind: "ok", registered: false });
    expect(auth.asked).toHaveLength(0);
  });

  it("is refused for an unknown user, with what to do", async () => {
    const { accounts } = setup();

    expect(await accounts.authorize(request("nobody", ""))).toMatchObject({
      kind: "refused",
      reason: expect.stringContaining("register"),
    });
    expect(await accounts.authorize(request("no-one", "", "code", "FA1"))).toEqual({
      kind: "refused",
      reason: "registering needs a password",
    });
  });

  it("is told that an address which it brings is not taken, in the same words for the one on record", async () => {
    const { accounts } = setup();

    const verdicts = await Promise.all(
      ["FA-other", "FA-ann"].map((address) => accounts.authorize(request("ann", "", "", address))),
    );

    for (const verdict of verdicts)
      expect(verdict).toEqual({ kind: "ok", registered: false, notice: ADDRESS_KEPT });
  });

  it("is refused for an administrator's name like for an unknown one", async () => {
    const { accounts } = setup();

    const admin = await accounts.authorize(request("admin-x7k2", ""));

    expect(admin).toEqual(await accounts.authorize(request("admin-x7k3", "")));
    expect(admin.kind).toBe("refused");
  });

  it("gets no verdict while the database is away, unless the name was seen before", async () => {
    const db = openPg({ url: database.url });
    const clock = manualClock();
    const modules = { db, auth: setup().auth, clock, random: systemRandom, logger: SILENT };
    const accounts = createAccounts({}, modules);
    await accounts.authorize(request("ann", ""));
    await db.close();
    clock.advance(3_600_000);

    expect(await accounts.authorize(request("ann", ""))).toEqual({ kind: "ok", registered: false });
    expect(await accounts.authorize(request("bob", ""))).toEqual({ kind: "unavailable" });
  });
});

describe("a login with a password", () => {
  it("confirms its rig as the user's own, once, also while auth need not be asked; without a password none is", async () => {
    const { accounts } = setup();
    const rigs = (): Promise<unknown> =>
      database.db.query(
        sql`SELECT worker, state FROM workers WHERE user_name = 'ann' ORDER BY worker`,
        v.object({ worker: v.string(), state: v.string() }),
      );
    await accounts.authorize({ ...request("ann", ""), worker: "stranger" });
    for (const worker of ["one", "two", "one", ""])
      await accounts.authorize({ ...request("ann", "right"), worker });

    await expect.poll(rigs).toEqual([
      { worker: "", state: "own" },
      { worker: "one", state: "own" },
      { worker: "two", state: "own" },
    ]);
  });

  it("goes to auth with invite and address, and brings back its verdict", async () => {
    const { accounts, auth } = setup();
    auth.answer = () => Promise.resolve({ kind: "ok", registered: true });

    const verdict = await accounts.authorize(request("new", "secret", "code", "FA1"));

    expect(verdict).toEqual({ kind: "ok", registered: true });
    expect(auth.asked).toEqual([
      {
        ...{ v: 1, kind: "authorize", user: "new", password: "secret", invite: "code", address: "FA1" },
        ...{ from: "192.0.2.1", exempt: false },
      },
    ]);
  });

  it("is remembered for five minutes, another password is not", async () => {
    const { accounts, auth, clock } = setup();
    await accounts.authorize(request("ann", "secret"));

    clock.advance(5 * 60_000 - 1);
    expect(await accounts.authorize(request("ann", "secret"))).toEqual({ kind: "ok", registered: false });
    expect(auth.asked).toHaveLength(1);

    await accounts.authorize(request("ann", "Secret"));
    expect(auth.asked).toHaveLength(2);

    clock.advance(1);
    await accounts.authorize(request("ann", "secret"));
    expect(auth.asked).toHaveLength(3);
  });

  it("survives an outage of auth for a day where it passed before; others are told to come back", async () => {
    const { accounts, auth, clock } = setup();
    await accounts.authorize(request("ann", "secret"));
    auth.answer = away;

    clock.advance(23 * 3_600_000);
    expect(await accounts.authorize(request("ann", "secret"))).toEqual({ kind: "ok", registered: false });
    expect(await accounts.authorize(request("ann", "guess"))).toEqual({ kind: "unavailable" });
    expect(await accounts.authorize(request("new", "secret"))).toEqual({ kind: "unavailable" });

    clock.advance(3_600_000);
    expect(await accounts.authorize(request("ann", "secret"))).toEqual({ kind: "unavailable" });
  });

  it("is forgotten when auth refuses it, so that no outage brings an old password back", async () => {
    const { accounts, auth, clock } = setup();
    await accounts.authorize(request("ann", "old"));
    clock.advance(5 * 60_000);
    auth.answer = () => Promise.resolve({ kind: "refused", reason: "wrong user name or password" });
    await accounts.authorize(request("ann", "old"));
    auth.answer = away;

    expect(await accounts.authorize(request("ann", "old"))).toEqual({ kind: "unavailable" });
  });

  it("of many rigs at once is asked once", async () => {
    const { accounts, auth } = setup();

    const verdicts = await Promise.all(
      Array.from({ length: 50 }, () => accounts.authorize(request("ann", "secret"))),
    );

    expect(verdicts.every((verdict) => verdict.kind === "ok")).toBe(true);
    expect(auth.asked).toHaveLength(1);
  });

  it("beyond the limit of open questions is told to come back", async () => {
    const { accounts, auth } = setup({ pendingLimit: 1 });
    const { promise, resolve } = Promise.withResolvers<LoginReply>();
    auth.answer = () => promise;
    const first = accounts.authorize(request("ann", "secret"));

    expect(await accounts.authorize(request("bob", "secret"))).toEqual({ kind: "unavailable" });
    resolve({ kind: "ok", registered: false });
    expect(await first).toEqual({ kind: "ok", registered: false });
  });

  it("without an answer for ten seconds is told to come back", async () => {
    const { accounts, auth, clock } = setup();
    auth.answer = () => new Promise(() => undefined);

    const verdict = accounts.authorize(request("ann", "secret"));
    clock.advance(10_000);

    expect(await verdict).toEqual({ kind: "unavailable" });
  });

  it("forgets the login not used for longest when the memory is full", async () => {
    const { accounts, auth } = setup({ cacheSize: 2 });
    for (const user of ["a", "b", "a", "c"]) await accounts.authorize(request(user, "secret"));

    await accounts.authorize(request("a", "secret"));
    expect(auth.asked.map((asked) => asked.user)).toEqual(["a", "b", "c"]);
    await accounts.authorize(request("b", "secret"));
    expect(auth.asked.map((asked) => asked.user)).toEqual(["a", "b", "c", "b"]);
  });

  it("asks the throttle first, once for rigs that ask the same, and tells it how the try ended", async () => {
    const ended: unknown[] = [];
    const throttle: LoginThrottle = {
      isLocked: () => false,
      begin: (user, address) =>
        user === "banned" ? undefined : (outcome) => ended.push([user, address, outcome]),
    };
    const { accounts, auth } = setup({}, { throttle });
    auth.answer = (asked) =>
      asked.password === "right"
        ? ok()
        : asked.password === "away"
          ? away()
          : Promise.resolve({ kind: "refused", reason: "wrong" });

    expect(await accounts.authorize(request("banned", "right"))).toEqual({ kind: "unavailable" });
    await Promise.all([
      accounts.authorize(request("ann", "wrong")),
      accounts.authorize(request("ann", "wrong")),
    ]);
    await accounts.authorize(request("ann", "away"));
    await accounts.authorize(request("ann", "right"));

    expect(ended).toEqual([
      ["ann", "192.0.2.1", "failed"],
      ["ann", "192.0.2.1", "unknown"],
      ["ann", "192.0.2.1", "passed"],
    ]);
  });

  it("from an address of its owner's is asked after a restart too, whatever names a neighbour tries there", async () => {
    await rememberPlace(database.db, "ann", addressPlace("192.0.2.1"), 0);
    const throttle = createLoginThrottle({ exemptAddresses: [] }, { clock: manualClock() });
    const { accounts, auth } = setup({}, { throttle });
    auth.answer = ({ user }) =>
      user === "ann" ? ok() : Promise.resolve({ kind: "refused", reason: "wrong user name or password" });
    const kinds = [];
    for (let i = 0; i < 30; i++)
      kinds.push((await accounts.authorize(request(`neighbour-${i}`, "guess"))).kind);

    expect(kinds.slice(19, 22)).toEqual(["refused", "unavailable", "unavailable"]);
    expect(await accounts.authorize(request("ann", "right"))).toEqual({ kind: "ok", registered: false });
  });

  it("is remembered for its own address only: guesses from elsewhere never meet what is remembered", async () => {
    const { accounts, auth } = setup();
    await accounts.authorize(request("ann", "right"));
    auth.answer = () => Promise.resolve({ kind: "throttled" });

    expect(await accounts.authorize({ ...request("ann", "right"), remoteAddress: "198.51.100.1" })).toEqual({
      kind: "unavailable",
    });
    expect(await accounts.authorize(request("ann", "right"))).toEqual({ kind: "ok", registered: false });
  });

  it("is told what is remembered only while its name is not locked at its address", async () => {
    let locked = false;
    const throttle: LoginThrottle = { isLocked: () => locked, begin: () => () => undefined };
    const { accounts } = setup({}, { throttle });
    await accounts.authorize(request("ann", "right"));
    locked = true;

    expect(await accounts.authorize(request("ann", "right"))).toEqual({ kind: "unavailable" });
  });

  it("is told each time that another payout address was not taken", async () => {
    const { accounts, auth } = setup();
    auth.answer = ({ address }) =>
      Promise.resolve({ kind: "ok", registered: false, otherAddress: address === "FA-other" });
    const verdicts = [];
    for (const address of ["FA-own", "FA-other", "FA-other"])
      verdicts.push(await accounts.authorize(request("ann", "right", "", address)));

    expect(verdicts).toEqual([
      { kind: "ok", registered: false },
      { kind: "ok", registered: false, notice: ADDRESS_KEPT },
      { kind: "ok", registered: false, notice: ADDRESS_KEPT },
    ]);
  });

  it("from an address that stands for many is told to auth as one that is not counted", async () => {
    const { accounts, auth } = setup({ exemptAddresses: ["192.0.2.0/24"] });

    await accounts.authorize(request("ann", "right"));

    expect(auth.asked[0]).toMatchObject({ from: "192.0.2.1", exempt: true });
  });
});
