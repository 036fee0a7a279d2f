/** What each function's secret of the database is refused. */

import * as v from "valibot";
import { expect } from "vitest";
import type { Cloud } from "../../../../infra/emulator/cloud.ts";
import type { DeployedPool } from "../deployed-pool.ts";

const PASSWORD = "SELECT password FROM users";
const TRIGGERS = "ALTER TABLE jobs DISABLE TRIGGER ALL";
const SEALED = "UPDATE jobs SET paid = paid + 1, fee = fee - 1 WHERE state = 'sealed'";
const PAID = "UPDATE payouts SET amount = amount + 1";
const ADMIN = "INSERT INTO users (name, is_admin) VALUES ('eve', true)";
const GIFT = "INSERT INTO adjustments (user_name, amount, reason, made_by) VALUES ('eve', 1, 'gift', 'eve')";
const REFUSED = {
  poll: [PASSWORD, TRIGGERS, SEALED, PAID, ADMIN, GIFT],
  // These two seal: triggers refuse what is sealed.
  accounting: [PASSWORD, TRIGGERS, PAID, ADMIN, "DELETE FROM deltas"],
  janitor: [PASSWORD, TRIGGERS, PAID, ADMIN, "UPDATE blocks SET reward = reward + 1"],
  api: [TRIGGERS, SEALED, PAID, ADMIN, "UPDATE users SET is_admin = true", "DELETE FROM money_log"],
  auth: [TRIGGERS, SEALED, PAID, ADMIN, "DELETE FROM admin_log"],
  alerts: [PASSWORD, TRIGGERS, SEALED, PAID, ADMIN, "UPDATE alert_destinations SET target = 'x'"],
  canary: [PASSWORD, TRIGGERS, SEALED, PAID, ADMIN, "UPDATE canary SET failed_at = NULL"],
  edge: [PASSWORD, TRIGGERS, SEALED, PAID, ADMIN, "UPDATE work SET work = work + 1"],
};

export async function tryRoles(pool: DeployedPool): Promise<void> {
  const { cloud, emulator } = pool;
  const variables = v.object({ DATABASE_SECRET_ARN: v.string() });
  const arnOf = async (name: string): Promise<string> =>
    v.parse(variables, await emulator.variablesOf(`prosper-local-${name}`)).DATABASE_SECRET_ARN;
  const edge = (await arnOf("poll")).replace(/poll$/, "edge");

  expect(await askDataApi(cloud, await arnOf("poll"), "SELECT count(*) FROM prices")).toBeUndefined();
  expect(await askDataApi(cloud, edge, "SELECT count(*) FROM jobs")).toBeUndefined();
  for (const [role, statements] of Object.entries(REFUSED)) {
    const arn = role === "edge" ? edge : await arnOf(role);
    for (const statement of statements)
      expect(await askDataApi(cloud, arn, statement), `${role}: ${statement}`).toMatch(/SQLState: 42501$/);
  }
  for (const role of ["accounting", "janitor"])
    expect(await askDataApi(cloud, await arnOf(role), SEALED), role).toMatch(/SQLState: BK\d{3}$/);
  pool.step("each function's secret was refused what is not its work");
}

const dataApiAnswer = v.object({ message: v.optional(v.string()) });

/** What the Data API answers to who has this secret: where it refuses, why. */
async function askDataApi(
  { dataApiUrl, databaseUrl }: Cloud,
  secretArn: string,
  statement: string,
): Promise<string | undefined> {
  const reply = await fetch(`${dataApiUrl}/Execute`, {
    method: "POST",
    body: JSON.stringify({
      resourceArn: "arn:aws:rds:us-east-1:000000000000:cluster:prosper-local",
      secretArn,
      database: new URL(databaseUrl).pathname.slice(1),
      sql: statement,
    }),
  });
  return v.parse(dataApiAnswer, await reply.json()).message;
}
