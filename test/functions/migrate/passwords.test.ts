import { describe, expect, it } from "vitest";
import { readPasswords } from "../../../functions/migrate/passwords.ts";

const SECRET = JSON.stringify({ username: "prosper_api", password: "0123456789abcdef" });

describe("the passwords of the database's roles", () => {
  it("are read from each role's own secret, where there is one", async () => {
    const asked: string[] = [];
    const passwords = await readPasswords({ api: "arn:api", edge: "arn:edge" }, async (arn) => {
      asked.push(arn);
      return SECRET;
    });

    expect(passwords).toEqual({ api: "0123456789abcdef", edge: "0123456789abcdef" });
    expect(asked).toEqual(["arn:api", "arn:edge"]);
    expect(await readPasswords({}, async () => SECRET)).toEqual({});
  });

  it.each(["", "plain", '{"password":"short"}', '{"user":"x"}'])(
    "are refused where a secret is something else (%j), without a word of it",
    async (text) => {
      await expect(readPasswords({ poll: "arn:poll" }, async () => text)).rejects.toMatchObject({
        code: "role-secret",
        message: expect.stringMatching(/^the secret of role poll is not what the data stack makes/),
      });
    },
  );
});
