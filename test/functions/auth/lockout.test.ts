/** Guessing over the web: what gets through, what it costs, and that nobody can tell which names exist. */

import * as v from "valibot";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { register } from "../../../functions/auth/credentials.ts";
import { createAuthHandler, createLocalAuth } from "../../../functions/auth/handler.ts";
import { createLockout } from "../../../functions/auth/lockout.ts";
import { type Argon2Cost, createPasswords, type Passwords } from "../../../functions/auth/password.ts";
import { createWebAccounts, type WebAccounts } from "../../../functions/auth/web-accounts.ts";
import { systemRandom } from "../../../shared/clock.ts";
import { insertUser } from "../../../shared/db/accounts.ts";
import { insertInvite } from "../../../shared/db/invites.ts";
import { type Db, one, type Sql, sql } from "../../../shared/db/port.ts";
import { SILENT } from "../../../shared/logger.ts";
import type { Auth } from "../../../shared/messages/login.ts";
import { addressOf, cheapPasswords, uniqueName } from "../../support/accounts.ts";
import { createTestDatabase, type TestDatabase } from "../../support/database.ts";
import { type ManualClock, manualClock } from "../../support/manual-clock.ts";

const PASSWORD = "correct horse battery";
let database: TestDatabase;
let clock: ManualClock;
let accounts: WebAccounts;
let stratum: Auth;
beforeAll(async () => {
  database = await createTestDatabase();
  clock = manualClock();
  accounts = accountsOver(database.db);
  const modules = {
    db: database.db,
    clock,
    passwords: cheapPasswords({ concurrency: 8, queueLimit: 10_000 }),
  };
  const lockout = createLockout({}, modules);
  stratum = createLocalAuth(
    createAuthHandler({ openRegistration: false }, { ...modules, lockout, logger: SILENT }),
  );
});
afterAll(() => database.drop());

function accountsOver(
  db: Db,
  passwords: Passwords = cheapPasswords({ concurrency: 8, queueLimit: 10_000 }),
): WebAccounts {
  return createWebAccounts({ openRegistration: false }, { db, clock, random: systemRandom, passwords });
}

async function addUser(): Promise<string> {
  const name = uniqueName("user");
  const password = await cheapPasswords().hash(PASSWORD);
  await insertUser(database.db, { name, password, payoutAddress: addressOf(name) });
  return name;
}

const HOUR_MS = 3_600_000;
const proof = (password: string) => ({ password, code: "" });
const at = (remoteAddress: string, device = "") => ({ remoteAddress, device });
const login = (name: string, password: string, remoteAddress = "192.0.2.1", device = "") =>
  accounts.login(name, proof(password), at(remoteAddress, device));

/** Logs in with the right password; the session and the device's token. */
async function enter(name: string, remoteAddress: string, device = "") {
  const reply = await login(name, PASSWORD, remoteAddress, device);
  if (reply.kind !== "ok") throw new Error(`expected to get in: ${reply.reason}`);
  const user = await accounts.whoIs(reply.token);
  if (user === undefined) throw new Error("no session");
  return { session: { user, token: reply.token }, device: reply.device };
}

/** Wrong passwords over the web and over stratum, each from another address; how many were looked at. */
async function attack(name: string, guesses: number, round = 0): Promise<number> {
  let letIn = 0;
  for (let i = 0; i < guesses; i++) {
    const address = `198.51.${round % 250}.${i}`;
    if (i % 2 === 0) letIn += (await login(name, `guess-${i}`, address)).kind === "refused" ? 1 : 0;
    else {
      const request = { user: name, password: `guess-${i}`, invite: "", address: "", from: address };
      const { kind } = await stratum.authorize({ v: 1, kind: "authorize", ...request });
      letIn += kind === "refused" ? 1 : 0;
    }
  }
  return letIn;
}

describe("guessing a password", () => {
  it("2,000 times does not succeed, though the right one is among the guesses", async () => {
    const name = await addUser();
    const kinds = new Map<string, number>();

    for (let i = 0; i < 2_000; i += 50) {
      const guesses = Array.from({ length: 50 }, (_, j) => (i + j === 1_025 ? PASSWORD : `guess-${i + j}`));
      // From as many addresses as there are guesses at a time.
      const replies = await Promise.all(guesses.map((guess, j) => login(name, guess, `198.51.100.${j}`)));
      for (const { kind } of replies) kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
    }

    expect(Object.fromEntries(kinds)).toEqual({ refused: 5, throttled: 1_995 });
  });

  it("is let in nine times in an hour at most, over stratum and the web and from all addresses together", async () => {
    const name = await addUser();
    const letInMs: number[] = [];
    for (let minute = 0; minute < 180; minute++) {
      for (let n = await attack(name, 4, minute); n > 0; n--) letInMs.push(clock.wallMs());
      clock.advance(60_000);
    }

    const most = Math.max(
      ...letInMs.map((from) => letInMs.filter((ms) => ms >= from && ms < from + HOUR_MS).length),
    );
    expect(most).toBeLessThanOrEqual(9);
    // The lock is no wall: one in fifteen minutes goes on being looked at.
    expect(letInMs.length).toBe(5 + 11);
  });

  it("by strangers holds up neither the owner's address, nor its device elsewhere, nor its session", async () => {
    const name = await addUser();
    let { session, device } = await enter(name, "192.0.2.10");
    const outcomes: string[] = [];

    for (let round = 0; round < 42; round++) {
      await attack(name, 24, round);
      clock.advance(60_000);
      outcomes.push((await login(name, PASSWORD, "192.0.2.10")).kind);
      const travelling = await login(name, PASSWORD, `203.0.113.${round}`, device);
      outcomes.push(travelling.kind);
      if (travelling.kind === "ok") device = travelling.device;
      outcomes.push((await accounts.changeAddress(session, addressOf(`${round}`), proof(PASSWORD))).kind);
    }
    expect(outcomes.filter((kind) => kind === "ok")).toHaveLength(3 * 42);
    expect(
      await accounts.changePassword(session, "another password", proof(PASSWORD), at("192.0.2.10")),
    ).toMatchObject({ kind: "ok" });
    // From a place that nobody knows, the right password waits like any guess.
    expect((await login(name, "another password", "203.0.113.250")).kind).toBe("throttled");
  });

  it("by who shares the owner's address holds that address up, but neither its device nor its session", async () => {
    const name = await addUser();
    let { session, device } = await enter(name, "192.0.2.11");
    const outcomes: string[] = [];

    for (let round = 0; round < 42; round++) {
      for (let i = 0; i < 24; i++) await login(name, `guess-${i}`, "192.0.2.11");
      clock.advance(60_000);
      const owner = await login(name, PASSWORD, "192.0.2.11", device);
      outcomes.push(owner.kind);
      if (owner.kind === "ok") device = owner.device;
      outcomes.push((await accounts.changeAddress(session, addressOf(`${round}`), proof(PASSWORD))).kind);
    }

    expect(outcomes.filter((kind) => kind === "ok")).toHaveLength(2 * 42);
    expect((await login(name, PASSWORD, "192.0.2.11")).kind).toBe("throttled");
    // Nor does it use up what strangers elsewhere share, or get it on top.
    expect((await login(name, "guess", "198.51.100.1")).kind).toBe("refused");
  });

  it("of other names from the owner's address does not hold up the owner", async () => {
    const name = await addUser();
    await enter(name, "192.0.2.12");

    for (let i = 0; i < 60; i++) await login(uniqueName("nobody"), "12345678", "192.0.2.12");

    expect((await login(uniqueName("nobody"), "12345678", "192.0.2.12")).kind).toBe("throttled");
    expect((await login(name, PASSWORD, "192.0.2.12")).kind).toBe("ok");
  });

  it("in a stolen session is limited like any other, and holds up no other session", async () => {
    const name = await addUser();
    const stolen = await enter(name, "192.0.2.60");
    const other = await enter(name, "192.0.2.60");

    const replies = await Promise.all(
      Array.from({ length: 40 }, (_, i) =>
        accounts.changeAddress(stolen.session, addressOf("thief"), proof(`guess-${i}`)),
      ),
    );

    expect(replies.filter(({ kind }) => kind === "throttled")).toHaveLength(35);
    expect((await accounts.whoIs(stolen.session.token))?.payoutAddress).toBe(addressOf(name));
    expect(await accounts.changeAddress(other.session, addressOf("owner"), proof(PASSWORD))).toEqual({
      kind: "ok",
    });
  });

  it("is counted from the beginning of a try: 64 at once get no further than one after the other", async () => {
    const name = await addUser();

    const replies = await Promise.all(
      Array.from({ length: 64 }, (_, i) => login(name, `guess-${i}`, `10.7.0.${i}`)),
    );

    expect(replies.filter(({ kind }) => kind === "refused")).toHaveLength(5);
  });

  it("tells how long to wait, and lets the next one in when that is over", async () => {
    const name = await addUser();
    for (let i = 0; i < 5; i++) await login(name, "wrong", "192.0.2.30");

    const locked = await login(name, PASSWORD, "192.0.2.31");
    clock.advance(15 * 60_000);

    expect(locked).toEqual({
      kind: "throttled",
      reason: "too many failed logins: wait 900 s, then try again",
      waitMs: 900_000,
    });
    expect((await login(name, PASSWORD, "192.0.2.31")).kind).toBe("ok");
  });

  it("is no worse after the clock was set back: nobody waits longer than the lock", async () => {
    const name = await addUser();
    clock.advance(2 * HOUR_MS);
    for (let i = 0; i < 5; i++) await login(name, "wrong", "192.0.2.32");
    const back: WebAccounts = createWebAccounts(
      { openRegistration: false },
      {
        db: database.db,
        clock: { ...clock, wallMs: () => clock.wallMs() - 2 * HOUR_MS },
        random: systemRandom,
        passwords: cheapPasswords(),
      },
    );

    expect((await back.login(name, proof(PASSWORD), at("192.0.2.33"))).kind).toBe("ok");
  });

  it("of names from one address is stopped after twenty of them, registrations alike", async () => {
    const names = Array.from({ length: 40 }, () => uniqueName("nobody"));
    const logins = [];
    for (const name of names) logins.push(await login(name, "12345678", "192.0.2.70"));
    const registrations = [];
    for (const name of names) {
      const request = { name, password: PASSWORD, invite: uniqueName("code"), address: addressOf(name) };
      registrations.push(await accounts.register(request, at("192.0.2.71")));
    }

    for (const replies of [logins, registrations])
      expect(replies.filter(({ kind }) => kind === "refused")).toHaveLength(20);
  });
});

describe("what failed logins leave behind", () => {
  const count = async () =>
    one(
      database.db,
      sql`SELECT (SELECT count(*) FROM login_guesses)::int AS guesses, (SELECT count(*) FROM login_places)::int AS places,
        (SELECT count(*) FROM login_failures)::int AS failures`,
      v.object({ guesses: v.number(), places: v.number(), failures: v.number() }),
    );

  it("is one counter for a name that exists, and nothing for others, however many there are", async () => {
    const name = await addUser();
    const before = await count();

    for (let i = 0; i < 300; i++) {
      await login(uniqueName("nobody"), "guess", `10.8.${i}.1`);
      await login(name, "guess", `10.9.${i % 250}.1`);
    }

    expect(await count()).toEqual({ ...before, guesses: before.guesses + 1 });
  });

  it("is not written to by a try that has to wait", async () => {
    const name = await addUser();
    for (let i = 0; i < 5; i++) await login(name, "guess", `10.10.${i}.1`);
    const rowVersion = async () =>
      one(
        database.db,
        sql`SELECT g.xmin::text || '/' || g.xmax::text AS version FROM login_guesses g JOIN users u ON u.id = g.user_id WHERE u.name = ${name}`,
        v.object({ version: v.string() }),
      );
    const before = await rowVersion();

    const replies = [];
    for (let i = 0; i < 20; i++) replies.push((await login(name, "guess", `10.11.${i}.1`)).kind);

    expect(new Set(replies)).toEqual(new Set(["throttled"]));
    expect(await rowVersion()).toEqual(before);
  });

  it("is at most eight addresses and eight devices of an owner, those not used for longest forgotten first", async () => {
    const name = await addUser();
    const before = await count();
    for (let i = 0; i < 20; i++) {
      await enter(name, `10.12.${i}.1`);
      clock.advance(1_000);
    }
    for (let i = 0; i < 5; i++) await login(name, "guess", `10.13.${i}.1`);

    expect((await count()).places - before.places).toBe(16);
    expect((await login(name, PASSWORD, "10.12.19.1")).kind).toBe("ok");
    expect((await login(name, PASSWORD, "10.12.11.1")).kind).toBe("throttled");
  });

  it("goes with an old password: a device that knew it is a stranger's", async () => {
    const name = await addUser();
    const thief = await enter(name, "10.14.0.1");
    const owner = await enter(name, "10.14.0.2");
    const changed = await accounts.changePassword(
      owner.session,
      "another password",
      proof(PASSWORD),
      at("10.14.0.2", owner.device),
    );
    if (changed.kind !== "ok") throw new Error(changed.kind);
    for (let i = 0; i < 5; i++) await login(name, "guess", `10.15.${i}.1`);

    expect((await login(name, "another password", "10.14.0.1", thief.device)).kind).toBe("throttled");
    expect((await login(name, "another password", "10.16.0.1", changed.device)).kind).toBe("ok");
  });
});

describe("known and unknown names", () => {
  /** Counts statements and derivations; the cost is one that no other hash of the test has. */
  async function costOf(name: string, password: string) {
    const statements: string[] = [];
    const seen = (statement: Sql): Sql => {
      statements.push(statement.text);
      return statement;
    };
    const db: Db = {
      ...database.db,
      query: (statement, row) => database.db.query(seen(statement), row),
      execute: (statement) => database.db.execute(seen(statement)),
    };
    const cost: Argon2Cost = { memoryKib: 8, passes: 1 };
    const real = createPasswords({ cost }, { random: systemRandom });
    let verified = 0;
    const passwords: Passwords = {
      hash: real.hash,
      verify(given, stored) {
        verified += 1;
        return real.verify(given, stored);
      },
    };
    const reply = await accountsOver(db, passwords).login(name, proof(password), at(uniqueName("address")));
    return { reply, statements, verified };
  }

  it("get the same answer after the same work: statements, hashes, and what is remembered", async () => {
    const known = await costOf(await addUser(), "wrong");
    const unknown = await costOf(uniqueName("nobody"), "wrong");
    const impossible = await costOf("no body\u0000", "wrong");

    expect(known.verified).toBe(1);
    expect(known.statements.length).toBeGreaterThan(1);
    expect(unknown).toEqual(known);
    expect(impossible).toEqual(known);
  });

  it("are locked alike", async () => {
    const kinds = async (name: string): Promise<string[]> => {
      const replies = [];
      for (let i = 0; i < 10; i++) replies.push((await login(name, "wrong", `${name}.example`)).kind);
      return replies;
    };

    expect(await kinds(uniqueName("nobody"))).toEqual(await kinds(await addUser()));
  });
});

/** `npm run test:load` does it to 200 codes over sockets. */
describe("twenty invite codes", () => {
  it("raced for by 64 each, over stratum and over the web, are claimed exactly once each [G11] [P8]", async () => {
    const passwords = cheapPasswords({ concurrency: 8, queueLimit: 10_000 });
    const codes = Array.from({ length: 20 }, () => uniqueName("code"));
    for (const code of codes) await insertInvite(database.db, code);
    const race = async (code: string, i: number): Promise<number> => {
      const replies = await Promise.all(
        Array.from({ length: 64 }, (_, j) => {
          const request = {
            name: uniqueName("racer"),
            password: PASSWORD,
            invite: code,
            address: addressOf(code),
          };
          // The miners' way in and the pages' way in at once; the latter counts each address.
          return j < 60
            ? register({ db: database.db, passwords }, request, false)
            : accounts.register(request, at(`10.${i}.${j}.1`));
        }),
      );
      return replies.filter(({ kind }) => kind === "ok" || kind === "registered").length;
    };

    const claims = await Promise.all(codes.map(race));

    expect(claims).toEqual(codes.map(() => 1));
  });
});
