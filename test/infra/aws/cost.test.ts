/** The cost tables of docs/aws.md and of the README are what the program makes of today's templates. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { billOf } from "../../../infra/aws/cost/bill.ts";
import { LIST_PRICES } from "../../../infra/aws/cost/list-prices.ts";
import { billsOf, SIZES, type SizeBills } from "../../../infra/aws/cost/sizes.ts";
import { fullTable, placed, shortTable } from "../../../infra/aws/cost/tables.ts";
import { STAGES } from "../../../infra/aws/stages.ts";

const ROOT = join(import.meta.dirname, "../../..");
let bills: SizeBills[];

beforeAll(() => {
  bills = SIZES.map(billsOf);
}, 300_000);

describe("the cost table", () => {
  it.each([
    ["docs/aws.md", fullTable],
    ["README.md", shortTable],
  ] as const)("of %s is the program's: npm run cost -- --write", (name, table) => {
    const page = readFileSync(join(ROOT, name), "utf8");
    expect(placed(page, table(bills))).toBe(page);
  });

  it("is of stages that can be deployed, dearer with miners and with books, cheaper when off", () => {
    for (const { size, month, idle, off, yearLater } of bills) {
      expect(Object.keys(STAGES)).toContain(size.stage);
      expect(off.total).toBeLessThan(idle.total);
      expect(idle.total).toBeLessThan(month.total);
      expect(month.total).toBeLessThan(yearLater.total);
    }
    const off = bills.find(({ size }) => size.stage === "try")?.off;
    expect([off?.edges, off?.database]).toEqual([0, 0]);
  });

  it("counts what is in the templates: a second edge, a second instance of the database", () => {
    const [, one, two, prod] = bills;
    expect(two?.month.edges).toBeCloseTo(2 * (one?.month.edges ?? 0));
    expect(prod?.idle.database).toBeCloseTo(2 * (one?.idle.database ?? 0));
  });

  it("has a page and a place for every price", () => {
    for (const [name, { usd, page, seen }] of Object.entries(LIST_PRICES)) {
      expect(usd, name).toBeGreaterThan(0);
      expect(page, name).toMatch(/^https:\/\/aws\.amazon\.com\/.+\/pricing\/$/);
      expect(seen, name).toMatch(/20\d\d/);
    }
  });

  const use = { stage: STAGES.dev, miners: 1, monthsOfBooks: 0, hoursAwake: 0 };

  it("refuses a resource whose properties do not say what its price goes by", () => {
    const fn = {
      Resources: { Fn: { Type: "AWS::Lambda::Function", Properties: { FunctionName: "a-poll" } } },
    };
    expect(() => billOf([fn], use)).toThrow(
      'a resource of type AWS::Lambda::Function cannot be priced: MemorySize: Invalid key: Expected "MemorySize" but received undefined',
    );
  });

  it("refuses a resource that has no price and no excuse", () => {
    const gateway = { Resources: { Nat: { Type: "AWS::EC2::NatGateway" } } };
    expect(() => billOf([gateway], use)).toThrow(
      "Nat is of type AWS::EC2::NatGateway, which has no price: give it one in infra/aws/cost/bill.ts, or excuse it there",
    );
  });
});
