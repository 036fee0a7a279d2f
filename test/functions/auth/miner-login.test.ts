import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ensureUser } from "../../../functions/auth/bootstrap.ts";
import { BAD_ADDRESS, WRONG_LOGIN } from "../../../functions/auth/credentials.ts";
import { createAuthHandler, createLocalAuth } from "../../../functions/auth/handler.ts";
import { createLockout } from "../../../functions/auth/lockout.ts";
import {
  BAD_INVITE_OR_PASSWORD,
  LEAVE_EMPTY,
  TAKEN_OR_PASSWORD,
} from "../../../functions/auth/miner-login.ts";
import { addressPlace } from "../../../shared/accounts/place.ts";
import { findUser, setAdmin } from "../../../shared/db/accounts.ts";
import { openPg } from "../../../shared/db/drivers/pg.ts";
import { findUnclaimed, insertInvite, isUnclaimed, listInvites } from "../../../shared/db/invites.ts";
import { minersAt } from "../../../shared/db/login-places.ts";
import { sql } from "../../../shared/db/port.ts";
import {
  confirmSecondFactor,
  proposeSecondFactor,
  removeSecondFactor,
} from "../../../shared/db/second-factors.ts";
import { SILENT } from "../../../shared/logger.ts";
import type { Auth, LoginReply } from "../../../shared/messages/login.ts";
import { addressOf, cheapPasswords, uniqueName } from "../../support/accounts.ts";
import { createTestDatabase, type TestDatabase } from "../../support/database.ts";
import { manualClock } from "../../support/manual-clock.ts";

let database: TestDatabase;
let closed: Auth;
let open: Auth;

beforeAll(async () => {
  database = await createTestDatabase();
  const modules = {
    db: database.db,
    passwords: cheapPasswords({ concurrency: 8, queueLimit: 1000 }),
    logger: SILENT,
    lockout: createLockout({}, { db: database.db, clock: manualClock() }),
  };
  closed = createLocalAuth(createAuthHandler({ openRegistration: false }, modules));
  open = createLocalAuth(createAuthHandler({ openRegistration: true }, modules));
});
afterAll(() => database.drop());

function login(
  auth: Auth,
  user: string,
  password: string,
  registration: { invite?: string; address?: string } = {},
): Promise<LoginReply> {
  const { invite = "", address = "" } = registration;
  return auth.authorize({ v: 1, kind: "authorize", user, password, invite, address });
}

async function newInvite(): Promise<string> {
  const code = uniqueName("code");
  await insertInvite(database.db, code);
  return code;
}

async function registered(password: string): Promise<string> {
  const user = uniqueName("user");
  await login(closed, user, password, { invite: await newInvite(), address: addressOf(user) });
  return user;
}

describe("the auth function", () => {
  it("registers an unknown user with password, invite and address, and then lets it in by its password", async () => {
    const user = uniqueName("ann");
    const invite = await newInvite();

    const first = await login(closed, user, "secret", { invite, address: addressOf(user) });
    const second = await login(closed, user, "secret");

    expect(first).toEqual({ kind: "ok", registered: true });
    expect(second).toEqual({ kind: "ok", registered: false });
    expect(await findUser(database.db, user)).toMatchObject({
      payoutAddress: addressOf(user),
      isAdmin: false,
    });
    expect(await isUnclaimed(database.db, invite)).toBe(false);
    expect((await listInvites(database.db, 500)).find((row) => row.code === invite)?.claimedBy).toBe(user);
  });

  it("lets a known user in who sends its registration again, without touching another code, and says that another address was not taken", async () => {
    const user = await registered("secret");
    const invite = await newInvite();

    const verdict = await login(closed, user, "secret", { invite, address: addressOf("other") });

    expect(verdict).toEqual({ kind: "ok", registered: false, otherAddress: true });
    expect(await isUnclaimed(database.db, invite)).toBe(true);
    expect((await findUser(database.db, user))?.payoutAddress).toBe(addressOf(user));
  });

  it("answers a wrong password and an unknown user with the same words [G2]", async () => {
    const user = await registered("secret");

    const wrong = await login(closed, user, "Secret");
    const unknown = await login(closed, uniqueName("nobody"), "Secret");

    expect(wrong).toEqual({ kind: "refused", reason: WRONG_LOGIN });
    expect(unknown).toEqual(wrong);
  });

  it("answers a taken name with another password like an unknown name with a bad code", async () => {
    const user = await registered("secret");
    const address = addressOf("x");

    const taken = await login(closed, user, "other", { invite: "no-such-code", address });
    const unknown = await login(closed, uniqueName("nobody"), "other", { invite: "no-such-code", address });

    expect(taken).toEqual({ kind: "refused", reason: BAD_INVITE_OR_PASSWORD });
    expect(unknown).toEqual(taken);
  });

  it("tells who has a code that the name is taken, and spends nothing", async () => {
    const user = await registered("secret");
    const invite = await newInvite();

    const taken = await login(closed, user, "other", { invite, address: addressOf("x") });

    expect(taken).toEqual({ kind: "refused", reason: TAKEN_OR_PASSWORD });
    expect(await isUnclaimed(database.db, invite)).toBe(true);
  });

  it("reads a code without regard to case and separators, but takes the one that is just as typed first", async () => {
    const code = uniqueName("abc-de.fg");
    await insertInvite(database.db, code);
    const typed = ` ${code.replaceAll(/[-.]/g, " ").toUpperCase()}_`;
    const user = uniqueName("reader");

    expect(await login(closed, user, "secret", { invite: typed, address: addressOf(user) })).toEqual({
      kind: "ok",
      registered: true,
    });
    expect(await isUnclaimed(database.db, code)).toBe(false);
    // Codes of an earlier version may differ in case only.
    const old = uniqueName("old");
    for (const stored of [old, old.toUpperCase()])
      await database.db.execute(sql`INSERT INTO invites (code) VALUES (${stored})`);
    expect(await findUnclaimed(database.db, old.toUpperCase())).toBe(old.toUpperCase());
    expect(await findUnclaimed(database.db, old)).toBe(old);
    expect(await findUnclaimed(database.db, " - ")).toBeUndefined();
  });

  it.each(["x", "X", "d=1000", "d=0.5"])(
    "answers the password %j of other pools' miners with what to do, alike for every name",
    async (password) => {
      const user = await registered("secret");

      const known = await login(closed, user, password);
      const unknown = await login(closed, uniqueName("nobody"), password);

      expect(known).toEqual({ kind: "refused", reason: LEAVE_EMPTY });
      expect(unknown).toEqual(known);
    },
  );

  it("lets a farm whose miners send x wait for nothing, and lets in who really has that password", async () => {
    const user = await registered("secret");
    for (let i = 0; i < 40; i++) expect((await login(closed, user, "x")).kind).toBe("refused");

    expect(await login(closed, user, "secret")).toEqual({ kind: "ok", registered: false });
    expect(await login(closed, await registered("x"), "x")).toEqual({ kind: "ok", registered: false });
  });

  it("spends no code on a registration that fails [G12]", async () => {
    const invite = await newInvite();
    const user = uniqueName("user");

    const badAddress = await login(closed, user, "secret", { invite, address: `${addressOf(user)}x` });
    const noAddress = await login(closed, user, "secret", { invite });
    const taken = await login(closed, await registered("a"), "b", { invite, address: addressOf(user) });

    expect(badAddress).toEqual({ kind: "refused", reason: BAD_ADDRESS });
    expect(noAddress).toEqual({ kind: "refused", reason: BAD_ADDRESS });
    expect(taken.kind).toBe("refused");
    expect(await isUnclaimed(database.db, invite)).toBe(true);
    expect(await findUser(database.db, user)).toBeUndefined();
  });

  it("registers without a code where registration is open, but never without an address", async () => {
    const user = uniqueName("open");

    const withoutAddress = await login(open, user, "secret");
    const withAddress = await login(open, user, "secret", { address: addressOf(user) });
    const onClosedPool = await login(closed, uniqueName("open"), "secret", { address: addressOf(user) });

    expect(withoutAddress).toEqual({ kind: "refused", reason: WRONG_LOGIN });
    expect(withAddress).toEqual({ kind: "ok", registered: true });
    expect(onClosedPool).toEqual({ kind: "refused", reason: WRONG_LOGIN });
  });

  it("gives one code to exactly one of 64 racers", async () => {
    const invite = await newInvite();
    const names = Array.from({ length: 64 }, () => uniqueName("racer"));

    const verdicts = await Promise.all(
      names.map((name) => login(closed, name, "secret", { invite, address: addressOf(name) })),
    );

    expect(verdicts.filter((verdict) => verdict.kind === "ok")).toHaveLength(1);
    const made = await Promise.all(names.map((name) => findUser(database.db, name)));
    expect(made.filter((user) => user !== undefined)).toHaveLength(1);
  });

  it("gives one name to exactly one of 16 racers, each with a code of its own, and keeps the other codes", async () => {
    const user = uniqueName("contested");
    const codes = await Promise.all(Array.from({ length: 16 }, newInvite));

    const verdicts = await Promise.all(
      codes.map((invite, i) => login(closed, user, `secret ${i}`, { invite, address: addressOf(user) })),
    );

    expect(verdicts.filter((verdict) => verdict.kind === "ok")).toHaveLength(1);
    const unclaimed = await Promise.all(codes.map((code) => isUnclaimed(database.db, code)));
    expect(unclaimed.filter(Boolean)).toHaveLength(15);
  });

  it("lets nobody log in as a user that mines only", async () => {
    const name = uniqueName("local");
    await ensureUser(database.db, name, addressOf(name));

    expect(await login(closed, name, "a guess")).toEqual({ kind: "refused", reason: WRONG_LOGIN });
  });

  it("lets no administrator mine, and tells only who knows the password why", async () => {
    const user = await registered("secret");
    await setAdmin(database.db, user);

    const right = await login(closed, user, "secret");
    const wrong = await login(closed, user, "Secret");

    expect(right).toMatchObject({ kind: "refused", reason: expect.stringContaining("administrator") });
    expect(wrong).toEqual({ kind: "refused", reason: WRONG_LOGIN });
  });

  it("gives no verdict to a stranger's sixth guess, but goes on hearing the owner's address", async () => {
    const user = uniqueName("owner");
    const from = (address: string, password: string) =>
      closed.authorize({ v: 1, kind: "authorize", user, password, invite: "", address: "", from: address });
    await closed.authorize({
      ...{ v: 1, kind: "authorize", user, password: "secret", invite: await newInvite() },
      ...{ address: addressOf(user), from: "192.0.2.1" },
    });

    const guesses = [];
    for (let i = 0; i < 7; i++) guesses.push((await from(`198.51.100.${i}`, "guess")).kind);

    expect(guesses).toEqual([...Array.from({ length: 5 }, () => "refused"), "throttled", "throttled"]);
    expect((await from("198.51.100.9", "secret")).kind).toBe("throttled");
    expect((await from("192.0.2.1", "secret")).kind).toBe("ok");
  });

  it("makes an address no place of an owner that has a second factor: a password is not all", async () => {
    const user = await registered("secret");
    const { id = 0n } = (await findUser(database.db, user)) ?? {};
    const from = (address: string, password: string) =>
      closed.authorize({ v: 1, kind: "authorize", user, password, invite: "", address: "", from: address });
    const places = async () => (await minersAt(database.db, addressPlace("192.0.2.80"), 10)).includes(user);
    await proposeSecondFactor(database.db, id, new Uint8Array(20));
    await confirmSecondFactor(database.db, id, { secret: new Uint8Array(20), step: 1, recoveryHashes: [] });

    expect((await from("192.0.2.80", "secret")).kind).toBe("ok");
    expect(await places()).toBe(false);
    await removeSecondFactor(database.db, id);
    expect((await from("192.0.2.80", "secret")).kind).toBe("ok");
    expect(await places()).toBe(true);
  });

  it("does not count an exempt address for all names together", async () => {
    const kinds = [];
    for (let i = 0; i < 30; i++) {
      const request = { user: uniqueName("nobody"), password: "x", invite: "", address: "" };
      kinds.push(
        (await closed.authorize({ v: 1, kind: "authorize", ...request, from: "192.0.2.90", exempt: true }))
          .kind,
      );
    }

    expect(new Set(kinds)).toEqual(new Set(["refused"]));
  });

  it("throws on a request that is none, naming the field and not its value", async () => {
    const lockout = createLockout({}, { db: database.db, clock: manualClock() });
    const handler = createAuthHandler(
      { openRegistration: false },
      { db: database.db, passwords: cheapPasswords(), logger: SILENT, lockout },
    );
    const request = { v: 1, kind: "authorize", user: "a b", password: "hush", invite: "", address: "" };

    const auth = createLocalAuth(handler);

    await expect(auth.authorize(request as never)).rejects.toMatchObject({
      code: "auth-request",
      message: expect.not.stringContaining("hush"),
    });
  });

  it("throws auth-away where the database is away, and never gives a verdict", async () => {
    const db = openPg({ url: "postgres://nobody@127.0.0.1:1/none", timeoutMs: 2000 });
    const lockout = createLockout({}, { db, clock: manualClock() });
    const handler = createAuthHandler(
      { openRegistration: false },
      { db, passwords: cheapPasswords(), logger: SILENT, lockout },
    );

    await expect(login(createLocalAuth(handler), "ann", "secret")).rejects.toMatchObject({
      code: "auth-away",
    });
    await db.close();
  });
});
