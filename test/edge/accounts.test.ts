import * as v from "valibot";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  type Accounts,
  type AccountsOptions,
  createAccounts,
  type LoginThrottle,
} from "../../edge/accounts.ts";
import { systemRandom } from "../../shared/clock.ts";
import { insertUser } from "../../shared/db/accounts.ts";
import { openPg } from "../../shared/db/pg.ts";
import { sql } from "../../shared/db/port.ts";
import { CodedError } from "../../shared/errors.ts";
import { SILENT } from "../../shared/logger.ts";
import type { Auth, AuthorizeRequest, AuthorizeVerdict } from "../../shared/messages/accounts.ts";
import { createTestDatabase, type TestDatabase } from "../helpers/database.ts";
import { type ManualClock, manualClock } from "../helpers/manual-clock.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
  await insertUser(database.db, { name: "ann", password: null, payoutAddress: null });
});
afterAll(() => database.drop());

/** An auth whose answer each test sets, and that counts what it is asked. */
interface ScriptedAuth extends Auth {
  asked: AuthorizeRequest[];
  answer: (request: AuthorizeRequest) => Promise<AuthorizeVerdict>;
}

const ok = (): Promise<AuthorizeVerdict> => Promise.resolve({ kind: "ok", registered: false });
const away = (): Promise<never> => Promise.reject(new CodedError("auth-away", "gone"));

interface Setup {
  auth: ScriptedAuth;
  clock: ManualClock;
  accounts: Accounts;
}

function setup(options: AccountsOptions = {}, extra: { throttle?: LoginThrottle } = {}): Setup {
  const auth: ScriptedAuth = {
    asked: [],
    answer: ok,
    authorize(request) {
      auth.asked.push(request);
      return auth.answer(request);
    },
  };
  const clock = manualClock();
  const modules = { db: database.db, auth, clock, random: systemRandom, logger: SILENT, ...extra };
  return { auth, clock, accounts: createAccounts(options, modules) };
}

function request(user: string, password: string, invite = "", payoutAddress = "") {
  return { user, worker: "rig", password, invite, payoutAddress, remoteAddress: "192.0.2.1", agent: "" };
}

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
    expect(await accounts.authorize(request("nobody", "", "code", "FA1"))).toEqual({
      kind: "refused",
      reason: "registering needs a password",
    });
  });

  it("gets no verdict while the database is away, unless the name was seen before", async () => {
    const db = openPg({ url: database.url });
    const clock = manualClock();
    const modules = { db, auth: setup().auth, clock, random: systemRandom, logger: SILENT };
    const accounts = createAccounts({}, modules);
    await accounts.authorize(request("ann", ""));
    await db.close();

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
      { v: 1, kind: "authorize", user: "new", password: "secret", invite: "code", address: "FA1" },
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
    const { promise, resolve } = Promise.withResolvers<AuthorizeVerdict>();
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
    const reports: unknown[] = [];
    const throttle: LoginThrottle = {
      mayTry: (user) => user !== "banned",
      report: (...report) => reports.push(report),
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

    expect(reports).toEqual([
      ["ann", "192.0.2.1", "failed"],
      ["ann", "192.0.2.1", "unknown"],
      ["ann", "192.0.2.1", "passed"],
    ]);
  });

  it("that passed not long ago is not held up by a stranger's failures", async () => {
    const throttle: LoginThrottle = { mayTry: () => !locked, report: () => undefined };
    let locked = false;
    const { accounts, clock } = setup({}, { throttle });
    await accounts.authorize(request("ann", "right"));
    locked = true;
    clock.advance(10 * 60_000);

    expect(await accounts.authorize(request("ann", "right"))).toMatchObject({ kind: "ok" });
    expect(await accounts.authorize(request("ann", "guess"))).toEqual({ kind: "unavailable" });
  });
});
