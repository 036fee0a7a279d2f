import { describe, expect, it } from "vitest";
import { parsePriceKeys } from "../../../functions/poll/price-keys.ts";

describe("the secret with the keys of price sources", () => {
  it("has them by the names of the configuration, in any case", () => {
    expect(parsePriceKeys("prosper/dev/prices", '{"CoinCapKey":"abc","1forgekey":"def"}')).toEqual({
      coincapkey: "abc",
      "1forgekey": "def",
    });
  });

  it.each(["", "abc", "[7]", '{"coincapkey":7}'])(
    "is refused as %j, by its name and without a word of it",
    (text) => {
      expect(() => parsePriceKeys("prosper/dev/prices", text)).toThrow(
        'the secret prosper/dev/prices: expected JSON like {"coincapkey":"…"}, with the names of [oracle]',
      );
    },
  );
});
