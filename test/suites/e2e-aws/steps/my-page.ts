/** A user's own page, by the api function behind its front. */

import * as v from "valibot";
import { expect } from "vitest";
import { auditBooks } from "../../../../shared/audit/audit.ts";
import type { DeployedPool } from "../deployed-pool.ts";
import { WebClient } from "../web-client.ts";
import { PASSWORD, WEB_USER } from "./registration.ts";

export async function showMoney(pool: DeployedPool): Promise<void> {
  const { db, web } = pool;
  const login = await web.send("POST", "/api/session", { name: WEB_USER, password: PASSWORD });
  expect(login.status).toBe(200);
  const me = await web.send("GET", "/api/me");
  expect(me.status).toBe(200);
  const { owed } = v.parse(v.object({ owed: v.string() }), JSON.parse(me.body));
  const audit = await auditBooks(db);
  expect(BigInt(owed)).toBe(audit.users.get(WEB_USER)?.owed);
  expect(BigInt(owed)).toBeGreaterThan(0n);
  const page = await web.send("GET", "/");
  expect(page.status).toBe(200);
  // Around the one that stands before it, nobody gets in.
  const around = await pool.startFront("a guess");
  expect(await new WebClient(around.url).send("GET", "/api/pool")).toMatchObject({ status: 403 });
  await around.stop();
  pool.step(`${WEB_USER} is owed ${owed} (1e-8 PEG), says the api function`);
}
