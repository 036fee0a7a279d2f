import { describe, expect, it } from "vitest";
import { readEnvironment } from "../../functions/environment.ts";

const DATABASE = {
  DATABASE_CLUSTER_ARN: "arn:cluster",
  DATABASE_SECRET_ARN: "arn:secret",
  DATABASE_NAME: "prosper",
};
const PRICES = {
  priorities: { Kraken: 1 },
  overrides: {},
  urls: {},
  fixed: { FCT: "0.012" },
  rule: "priority",
};
const POLL = {
  ...DATABASE,
  BLOCK_SECONDS: "600",
  ACTIVATION: "-1",
  START_HEIGHT: "206422",
  STALE_SECONDS: "1800",
  PRICES: JSON.stringify(PRICES),
};

describe("a function's environment", () => {
  it("is parsed: numbers, lists, and prices in 1e-8 USD", () => {
    const env = readEnvironment("poll", POLL);
    expect(env).toMatchObject({
      BLOCK_SECONDS: 600,
      ACTIVATION: -1,
      START_HEIGHT: 206_422,
      LOG_LEVEL: "info",
      AWS_LAMBDA_FUNCTION_NAME: "local",
      PRICES: { fixed: { FCT: 1_200_000n }, priorities: { Kraken: 1 } },
    });
  });

  it.each([
    ["BLOCK_SECONDS", "0", "poll: BLOCK_SECONDS: expected seconds, 0.1 or more"],
    ["START_HEIGHT", "many", "poll: START_HEIGHT: expected a number"],
    ["PRICES", "{", "poll: PRICES: expected JSON"],
    [
      "PRICES",
      JSON.stringify({ ...PRICES, fixed: { FCT: "a penny" } }),
      "poll: PRICES.fixed.FCT: expected a price",
    ],
    ["DATABASE_NAME", "", "poll: DATABASE_NAME: expected text"],
  ])("with a wrong %s is refused, and the variable named", (key, value, message) => {
    expect(() => readEnvironment("poll", { ...POLL, [key]: value })).toThrow(message);
  });

  it("names what is missing and never says a value", () => {
    const { BLOCK_SECONDS: _, ...rest } = POLL;
    expect(() => readEnvironment("poll", rest)).toThrow("poll: BLOCK_SECONDS");
    const secret = { ...DATABASE, DATABASE_SECRET_ARN: "arn:very:secret", REGISTRATION: "closed" };
    expect(() => readEnvironment("auth", secret)).toThrow(expect.not.stringContaining("very"));
  });
});
