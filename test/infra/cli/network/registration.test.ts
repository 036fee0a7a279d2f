/** Where password, invite code and payout address come from. */

import { describe, expect, it } from "vitest";
import { type Ask, readRegistration } from "../../../../infra/cli/network/registration.ts";
import { addressOf } from "../../../support/accounts.ts";

const FA = addressOf("ann");

/** Answers in order, and keeps the questions with whether they were hidden. */
function person(...answers: string[]): { ask: Ask; asked: [string, boolean][] } {
  const asked: [string, boolean][] = [];
  const ask: Ask = async (question, hidden) => {
    asked.push([question, hidden]);
    return answers.shift() ?? "";
  };
  return { ask, asked };
}

describe("who registers", () => {
  it("is asked for all three, the password unseen", async () => {
    const { ask, asked } = person("a secret", "CODE", ` ${FA} `);
    expect(await readRegistration({ register: true }, { env: {}, ask })).toEqual({
      password: "a secret",
      invite: "CODE",
      address: FA,
    });
    expect(asked.map(([, hidden]) => hidden)).toEqual([true, false, false]);
  });

  it("is asked only for what flags and environment leave out", async () => {
    const { ask, asked } = person("CODE");
    const env = { PROSPER_PASSWORD: "from env", PROSPER_ADDRESS: addressOf("bob") };
    expect(await readRegistration({ register: true, address: FA }, { env, ask })).toEqual({
      password: "from env",
      invite: "CODE",
      address: FA,
    });
    expect(asked).toHaveLength(1);
  });

  it("is told what to set where nobody can be asked", async () => {
    await expect(readRegistration({ register: true }, { env: {}, ask: undefined })).rejects.toThrow(
      /set PROSPER_PASSWORD, PROSPER_INVITE, PROSPER_ADDRESS/,
    );
  });

  it.each([
    ["an empty password", "", FA, /password is empty/],
    ["an address that is none", "secret", "FA123", /expected an FA… address/],
  ])("is refused by %s before anything is sent", async (_what, password, address, message) => {
    const { ask } = person(password, "CODE", address);
    await expect(readRegistration({ register: true }, { env: {}, ask })).rejects.toThrow(message);
  });
});

describe("who is registered", () => {
  it("is asked for nothing, and sends the password that its environment has", async () => {
    const { ask, asked } = person();
    expect(await readRegistration({}, { env: {}, ask })).toEqual({ password: "", invite: "", address: "" });
    expect(await readRegistration({}, { env: { PROSPER_PASSWORD: "p" }, ask })).toMatchObject({
      password: "p",
    });
    expect(asked).toEqual([]);
  });
});
