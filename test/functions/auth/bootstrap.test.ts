import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  createInvite,
  draftAdmin,
  ensureAdmin,
  ensureInvite,
  ensureUser,
} from "../../../functions/auth/bootstrap.ts";
import { checkLogin } from "../../../functions/auth/credentials.ts";
import {
  dbAdminCommand,
  dbCodeCommand,
  dbDemoteCommand,
  dbPasswordCommand,
} from "../../../infra/cli/books/accounts.ts";
import { systemRandom } from "../../../shared/clock.ts";
import { demoteAdmin, findUser, insertUser, registerWithInvite } from "../../../shared/db/accounts.ts";
import { listAdminLog } from "../../../shared/db/admin-log.ts";
import { isUnclaimed } from "../../../shared/db/invites.ts";
import { sql } from "../../../shared/db/port.ts";
import { addressOf, cheapPasswords } from "../../support/accounts.ts";
import { createTestDatabase, type TestDatabase } from "../../support/database.ts";

let database: TestDatabase;
const passwords = cheapPasswords();
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());
const modules = () => ({ db: database.db, random: systemRandom, passwords });

describe("what a new pool needs", () => {
  it("makes an administrator once and tells its password only then", async () => {
    const draft = await draftAdmin(modules());
    const made = await ensureAdmin(modules(), draft);
    const again = await ensureAdmin(modules(), await draftAdmin(modules()));
    const later = await ensureAdmin(modules());

    expect(made).toEqual({ name: draft.name, password: draft.password });
    expect(made?.name).toMatch(/^admin-[a-z2-9]{4}$/);
    expect(made?.password).toMatch(/^[a-z2-9]{5}(-[a-z2-9]{5}){3}$/);
    expect([again, later]).toEqual([undefined, undefined]);
    expect(await checkLogin(modules(), made?.name ?? "", made?.password ?? "")).toMatchObject({
      isAdmin: true,
    });
  });

  it("keeps one unclaimed code at hand: the same one until it is claimed", async () => {
    const first = await ensureInvite(modules());
    const second = await ensureInvite(modules());
    await registerWithInvite(
      database.db,
      { name: "claimer", password: null, payoutAddress: addressOf("claimer") },
      first,
    );
    const third = await ensureInvite(modules());

    expect(second).toBe(first);
    expect(third).not.toBe(first);
    expect(await isUnclaimed(database.db, third)).toBe(true);
  });

  it("makes the built-in miner's user, keeps the address it has, and refuses an address that is none", async () => {
    await ensureUser(database.db, "local", addressOf("one"));
    await ensureUser(database.db, "local", addressOf("two"));

    expect(await findUser(database.db, "local")).toMatchObject({
      payoutAddress: addressOf("one"),
      password: null,
      isAdmin: false,
    });
    await expect(ensureUser(database.db, "local", "FAxyz")).rejects.toMatchObject({
      code: "address-invalid",
    });
  });

  it("refuses to make a code that exists", async () => {
    const code = await createInvite(modules());

    await expect(createInvite(modules(), code)).rejects.toMatchObject({ code: "invite-exists" });
    const spelled = createInvite(modules(), code.replaceAll("-", "").toUpperCase());
    await expect(spelled).rejects.toMatchObject({ code: "invite-exists" });
    await expect(createInvite(modules(), "has space")).rejects.toMatchObject({ code: "invite-invalid" });
  });
});

describe("the account commands", () => {
  it("db code prints a code that works", async () => {
    const lines: string[] = [];

    await dbCodeCommand(undefined, { db: database.db, print: (line) => lines.push(line) });

    expect(lines).toHaveLength(1);
    expect(await isUnclaimed(database.db, lines[0]?.replace("New Code: ", "") ?? "")).toBe(true);
  });

  it("db code makes several with a note and an end; what is over makes no user, and what is meant for somebody is not told at a start", async () => {
    const lines: string[] = [];
    const print = (line: string): void => void lines.push(line);
    await dbCodeCommand(
      undefined,
      { db: database.db, print },
      { count: 2, note: "the club", for: 3_600_000 },
    );
    const codes = lines.map((line) => line.replace("New Code: ", ""));
    expect(codes).toHaveLength(2);
    const [code = "", other = ""] = codes;
    expect(codes).not.toContain(await ensureInvite(modules()));
    await database.db.execute(sql`UPDATE invites SET ends_at = now() WHERE code = ${code}`);
    expect(await isUnclaimed(database.db, code)).toBe(false);
    const user = { name: "late", password: null, payoutAddress: addressOf("late") };
    expect(await registerWithInvite(database.db, user, code)).toBe("bad-invite");
    expect(await registerWithInvite(database.db, user, other)).toBe("registered");
    const own = dbCodeCommand("mine", { db: database.db, print }, { count: 2 });
    await expect(own).rejects.toMatchObject({ code: "invite-count" });
  });

  it("db demote makes an administrator a user again, and never the last who can log in, whoever is first", async () => {
    const { db } = database;
    await db.execute(sql`UPDATE users SET is_admin = false`);
    for (const name of ["one", "two", "no-login"])
      await insertUser(db, {
        name,
        password: name === "no-login" ? null : "x",
        payoutAddress: null,
        isAdmin: true,
      });
    const both = await Promise.all(["one", "two"].map((name) => demoteAdmin(db, name, "boss")));
    expect(both.toSorted()).toEqual(["demoted", "last"]);
    const left = (await findUser(db, "one"))?.isAdmin === true ? "one" : "two";
    const modules = { db, print: () => undefined };
    await expect(dbDemoteCommand(left, modules)).rejects.toMatchObject({ code: "last-admin" });
    await expect(dbDemoteCommand("nobody", modules)).rejects.toMatchObject({ code: "not-admin" });
    await dbDemoteCommand("no-login", modules);
    const [logged] = await listAdminLog(db, 1);
    expect(logged).toMatchObject({ action: "demote", subject: "no-login", details: { after: "user" } });
  });

  it("db admin makes a user an administrator, and gives it a password only where it has none or is asked to", async () => {
    const lines: string[] = [];
    const print = (line: string): void => void lines.push(line);
    await insertUser(database.db, {
      name: "boss",
      password: await passwords.hash("mine"),
      payoutAddress: null,
    });

    await dbAdminCommand("boss", {}, { db: database.db, print });
    expect(lines).toEqual(["boss is an administrator now: its name no longer mines, use another for miners"]);
    expect(await checkLogin(modules(), "boss", "mine")).toMatchObject({ isAdmin: true });

    await dbAdminCommand("boss", { resetPassword: true }, { db: database.db, print });
    const password = lines[2]?.split(": ")[1] ?? "";
    expect(await checkLogin(modules(), "boss", password)).toMatchObject({ isAdmin: true });
    expect(await checkLogin(modules(), "boss", "mine")).toBeUndefined();
  });

  it("db password gives a user a new password and ends its sessions, and changes nothing else", async () => {
    const lines: string[] = [];
    await insertUser(database.db, {
      name: "lost",
      password: await passwords.hash("forgotten"),
      payoutAddress: addressOf("lost"),
    });

    await dbPasswordCommand("lost", { db: database.db, print: (line) => lines.push(line) });

    const password = lines[0]?.split(": ")[1] ?? "";
    expect(await checkLogin(modules(), "lost", password)).toMatchObject({
      isAdmin: false,
      payoutAddress: addressOf("lost"),
    });
    expect(await checkLogin(modules(), "lost", "forgotten")).toBeUndefined();
    const [entry] = await listAdminLog(database.db, 1);
    expect(entry).toMatchObject({ action: "reset-password", subject: "lost" });
    expect(JSON.stringify(entry?.details)).not.toContain(password);
    await expect(
      dbPasswordCommand("ghost", { db: database.db, print: () => undefined }),
    ).rejects.toMatchObject({ code: "user-unknown" });
  });

  it("db admin says what to do about a user that does not exist", async () => {
    const command = dbAdminCommand("ghost", {}, { db: database.db, print: () => undefined });

    await expect(command).rejects.toMatchObject({
      code: "user-unknown",
      message: expect.stringContaining("register it first"),
    });
  });
});
