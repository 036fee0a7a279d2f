/** The worked example of docs/accounting.md: every figure by the code that books blocks. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { feeRate } from "../../shared/accounting/fee.ts";
import { splitReward } from "../../shared/accounting/split.ts";
import { formatPeg, unitsOf } from "../../shared/decimal.ts";
import { assignedWork } from "../../shared/difficulty/work.ts";

const page = readFileSync(join(import.meta.dirname, "../../docs/accounting.md"), "utf8");

/** Rows of the table under a heading, without its head. */
function table(heading: string): string[][] {
  const section = page.split(/^## /m).find((each) => each.startsWith(heading)) ?? "";
  const rows = [...section.matchAll(/^\| (.*) \|$/gm)].map(([, row = ""]) => row.split(" | "));
  expect(rows.length, heading).toBeGreaterThan(2);
  return rows.slice(2);
}

describe("the worked example", () => {
  const shares = table("The work").map(([user = "", count = "", target = "", one, work]) => {
    const perShare = assignedWork(BigInt(`0x${target.replaceAll("`", "")}`));
    expect([one, work]).toEqual([`${perShare}`, `${perShare * BigInt(count)}`]);
    return { user, work: perShare * BigInt(count) };
  });
  const users = [...new Set(shares.map(({ user }) => user))].map((user) => ({
    user,
    work: shares.filter((each) => each.user === user).reduce((sum, { work }) => sum + work, 0n),
  }));
  const block = new Map(
    table("The block").map(([name = "", peg = ""]) => [name.split(",")[0], unitsOf(peg)]),
  );
  const { fee, payouts, carriedOut } = splitReward({
    height: 300_000,
    reward: block.get("reward") ?? 0n,
    carriedIn: block.get("carried in") ?? 0n,
    rate: feeRate(unitsOf("0.05")),
    users,
    mode: "largest-remainder",
  });
  const amountOf = (user: string): bigint => payouts.find((each) => each.user === user)?.amount ?? 0n;

  it("takes the fee and shares the rest by work, to the last unit", () => {
    expect(block.get("fee")).toBe(fee);
    expect(block.get("shared")).toBe((block.get("reward") ?? 0n) - fee + (block.get("carried in") ?? 0n));
    expect(carriedOut).toBe(0n);
    expect(table("The split")).toEqual(
      payouts.map(({ user, proportion, amount }) => [user, formatPeg(proportion), formatPeg(amount)]),
    );
    expect(page).toContain(users.reduce((sum, { work }) => sum + work, 0n).toLocaleString("en"));
    const sum = payouts.map(({ amount }) => formatPeg(amount)).join(" + ");
    expect(page).toContain(`252 + ${sum} = 5040 + 0.00000007`);
  });

  it("owes what was booked and adjusted, and pays it from the minimum on", () => {
    expect(table("What is owed, and paid")).toEqual(
      users.map(({ user }) => {
        const adjusted = user === "bob" ? unitsOf("1.5") : 0n;
        const owed = amountOf(user) + adjusted;
        const paid = owed >= unitsOf("200") ? owed : 0n;
        return [user, ...[amountOf(user), adjusted, owed, paid].map(formatPeg)];
      }),
    );
  });
});
