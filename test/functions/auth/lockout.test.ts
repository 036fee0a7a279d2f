/** Guessing over the web: what gets through, what it costs, and that nobody can tell which names exist. */

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { register } from "../../../functions/auth/credentials.ts";
import { type Argon2Cost, createPasswords, type Passwords } from "../../../functions/auth/password.ts";
import { createWebAccounts, type WebAccounts } from "../../../functions/auth/web-accounts.ts";
import { systemRandom } from "../../../shared/clock.ts";
import { insertUser } from "../../../shared/db/accounts.ts";
import { insertInvite } from "../../../shared/db/invites.ts";
import type { Db, Sql } from "../../../shared/db/port.ts";
import { addressOf, cheapPasswords, uniqueName } from "../../helpers/accounts.ts";
import { createTestDatabase, type TestDatabase } from "../../helpers/database.ts";
import { type ManualClock, manualClock } from "../../helpers/manual-clock.ts";

const PASSWORD = "correct horse battery";
let database: TestDatabase;
let clock: ManualClock;
let accounts: WebAccounts;
beforeAll(async () => {
  database = await createTestDatabase();
  clock = manualClock();
  accounts = accountsOver(database.db);
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

const proof = (password: string, remoteAddress = "192.0.2.1") => ({ password, code: "", remoteAddress });

describe("guessing a password", () => {
  it("10,000 times does not succeed, though the right one is among the guesses", async () => {
    const name = await addUser();
    const kinds = new Map<string, number>();

    for (let i = 0; i < 10_000; i += 50) {
      const guesses = Array.from({ length: 50 }, (_, j) => (i + j === 5_025 ? PASSWORD : `guess-${i + j}`));
      // From as many addresses as there are guesses at a time.
      const replies = await Promise.all(
        guesses.map((guess, j) => accounts.login(name, proof(guess, `198.51.100.${j}`))),
      );
      for (const { kind } of replies) kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
    }

    expect(kinds.get("ok")).toBeUndefined();
    expect(kinds.get("refused")).toBeLessThanOrEqual(21);
    expect((kinds.get("refused") ?? 0) + (kinds.get("throttled") ?? 0)).toBe(10_000);
  });

  it("locks the pair of name and address for longer and longer, and tells for how long", async () => {
    const name = await addUser();
    const waits: number[] = [];
    for (let i = 0; i < 16; i++) {
      let reply = await accounts.login(name, proof("wrong", "192.0.2.30"));
      const [, seconds = "0"] = reply.kind === "throttled" ? (/wait (\d+) s/.exec(reply.reason) ?? []) : [];
      waits.push(Number(seconds));
      clock.advance(Number(seconds) * 1000);
      if (reply.kind === "throttled") reply = await accounts.login(name, proof("wrong", "192.0.2.30"));
      expect(reply.kind).toBe("refused");
    }

    expect(waits).toEqual([0, 0, 0, 0, 0, 0, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900]);
  });

  it("by strangers delays the owner by a minute at most, and a right password forgets its own failures", async () => {
    const name = await addUser();
    for (let i = 0; i < 60; i++) {
      await accounts.login(name, proof("wrong", `203.0.113.${i}`));
      clock.advance(60_000);
    }
    for (let i = 0; i < 5; i++) {
      await accounts.login(name, proof("typo", "192.0.2.40"));
      clock.advance(60_000);
    }

    expect((await accounts.login(name, proof(PASSWORD, "192.0.2.40"))).kind).toBe("ok");
    expect((await accounts.login(name, proof("typo", "192.0.2.40"))).kind).toBe("refused");
  });

  it("is counted from the beginning of a try: 64 at once get no further than one after the other", async () => {
    const name = await addUser();

    const replies = await Promise.all(
      Array.from({ length: 64 }, (_, i) => accounts.login(name, proof(`guess-${i}`, "192.0.2.50"))),
    );

    expect(replies.filter(({ kind }) => kind === "refused")).toHaveLength(6);
  });

  it("goes no further through the settings of a stolen session", async () => {
    const name = await addUser();
    const login = await accounts.login(name, proof(PASSWORD, "192.0.2.60"));
    const token = login.kind === "ok" ? login.token : "";
    const user = await accounts.whoIs(token);
    if (user === undefined) throw new Error("not logged in");

    const replies = [];
    for (let i = 0; i < 40; i++)
      replies.push(await accounts.changeAddress(user, addressOf("thief"), proof(`guess-${i}`, "192.0.2.61")));

    expect(replies.filter(({ kind }) => kind === "throttled")).toHaveLength(34);
    expect((await accounts.whoIs(token))?.payoutAddress).toBe(addressOf(name));
  });

  it("of names from one address is stopped after twenty of them, registrations alike", async () => {
    const names = Array.from({ length: 40 }, () => uniqueName("nobody"));
    const logins = [];
    for (const name of names) logins.push(await accounts.login(name, proof("12345678", "192.0.2.70")));
    const registrations = [];
    for (const name of names) {
      const request = { name, password: PASSWORD, invite: uniqueName("code"), address: addressOf(name) };
      registrations.push(await accounts.register(request, "192.0.2.71"));
    }

    for (const replies of [logins, registrations])
      expect(replies.filter(({ kind }) => kind === "refused")).toHaveLength(21);
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
    const reply = await accountsOver(db, passwords).login(name, proof(password, uniqueName("address")));
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
      for (let i = 0; i < 10; i++)
        replies.push((await accounts.login(name, proof("wrong", `${name}.example`))).kind);
      return replies;
    };

    expect(await kinds(uniqueName("nobody"))).toEqual(await kinds(await addUser()));
  });
});

describe("200 invite codes", () => {
  it("raced for by 64 each, over stratum and over the web, are claimed exactly once each [G11] [P8]", async () => {
    const passwords = cheapPasswords({ concurrency: 8, queueLimit: 10_000 });
    const codes = Array.from({ length: 200 }, () => uniqueName("code"));
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
            : accounts.register(request, `10.${i}.${j}.1`);
        }),
      );
      return replies.filter(({ kind }) => kind === "ok" || kind === "registered").length;
    };

    const claims: number[] = [];
    for (let i = 0; i < codes.length; i += 20)
      claims.push(...(await Promise.all(codes.slice(i, i + 20).map((code, j) => race(code, i + j)))));

    expect(claims).toEqual(codes.map(() => 1));
  });
});
