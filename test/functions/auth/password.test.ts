import { describe, expect, it } from "vitest";
import { createPasswords } from "../../../functions/auth/password.ts";
import { systemRandom } from "../../../shared/clock.ts";
import { cheapPasswords } from "../../support/accounts.ts";

describe("createPasswords", () => {
  it("stores argon2id of 19 MiB and two passes in PHC form, with a salt of its own each time", async () => {
    const passwords = createPasswords({}, { random: systemRandom });

    const [a, b] = [await passwords.hash("correct horse"), await passwords.hash("correct horse")];

    expect(a).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
    expect(b).not.toBe(a);
    expect(await passwords.verify("correct horse", a)).toBe(true);
    expect(await passwords.verify("correct horsf", a)).toBe(false);
  });

  it("verifies a hash made by the argon2 reference program", async () => {
    // echo -n password | argon2 somesalt -id -t 2 -m 16 -p 1 -l 32 -e (the reference's test vector)
    const stored = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";

    expect(await cheapPasswords().verify("password", stored)).toBe(true);
    expect(await cheapPasswords().verify("differentpassword", stored)).toBe(false);
  });

  it("takes a password typed in either Unicode form", async () => {
    const passwords = cheapPasswords();

    const stored = await passwords.hash("caf\u00e9");

    expect(await passwords.verify("cafe\u0301", stored)).toBe(true);
  });

  it("says no to every password where none is stored, after doing the same work", async () => {
    const passwords = cheapPasswords({ concurrency: 1, queueLimit: 0 });

    const answer = passwords.verify("anything", null);
    const whileBusy = passwords.verify("anything", null);

    await expect(whileBusy).rejects.toMatchObject({ code: "auth-away" });
    expect(await answer).toBe(false);
  });

  it("refuses a stored text that is not PHC instead of guessing", async () => {
    await expect(cheapPasswords().verify("x", "plain")).rejects.toMatchObject({ code: "password-form" });
  });

  it("hashes two at a time, lets 64 wait and tells the next one to come back", async () => {
    const passwords = cheapPasswords();

    const outcomes = await Promise.allSettled(Array.from({ length: 67 }, () => passwords.hash("p")));

    const refused = outcomes.filter((outcome) => outcome.status === "rejected");
    expect(refused).toHaveLength(1);
    expect(refused[0]).toMatchObject({ reason: { code: "auth-away" } });
    await expect(passwords.hash("p")).resolves.toContain("$argon2id$");
  });
});
