/** A user of the deployed pool who is told what happens: by a webhook and by e-mail, both of which end on this machine. */

import * as v from "valibot";
import { expect } from "vitest";
import { invoke } from "../../../../infra/emulator/invoke.ts";
import { sql } from "../../../../shared/db/port.ts";
import type { MailCatcher } from "../../../support/alert-catchers.ts";
import { until } from "../../../support/until.ts";
import type { DeployedPool } from "../deployed-pool.ts";
import { WEB_USER } from "./registration.ts";

const CHOICE = { events: ["offline"], everyMinutes: 60, quiet: null };
const ADDRESS = `${WEB_USER}@example.org`;
const hook = v.pipe(
  v.string(),
  v.parseJson(),
  v.object({ data: v.object({ user: v.string(), alerts: v.array(v.looseObject({ kind: v.string() })) }) }),
);

export async function tellUser(pool: DeployedPool): Promise<void> {
  await askToBeTold(pool);
  pool.step("an address of e-mail was confirmed by the code that the scheduled function mailed");
  await silenceRigs(pool);
  pool.step("a rig that stopped was told of by webhook and e-mail");
  await comeBackBy("another battery staple", pool);
  pool.step("a new password was set by a code that came by e-mail");
}

/** Nobody is mailed before an address is confirmed by the code that the schedule mails. */
async function askToBeTold({ web, hooks, mail }: DeployedPool): Promise<void> {
  const body = { ...CHOICE, kind: "webhook", target: `${hooks.url}/hook` };
  expect(await web.send("POST", "/api/me/alerts", body)).toMatchObject({ status: 200 });
  const added = await web.send("POST", "/api/me/alerts", { ...CHOICE, kind: "email", target: ADDRESS });
  const { id } = v.parse(v.object({ id: v.string() }), JSON.parse(added.body));
  const code = await mailed(mail, /your code is (\d{8})/, 90_000);
  expect(await web.send("POST", "/api/me/alerts/confirm", { id, code })).toMatchObject({ status: 200 });
}

/** As if the last share of each of the user's rigs had been hours ago. Both functions run by the schedule as well. */
async function silenceRigs({ cloud, db, hooks, mail }: DeployedPool): Promise<void> {
  const { endpoint } = cloud.emulator;
  await db.execute(
    sql`UPDATE worker_status SET last_at = last_at - interval '3 hours' WHERE user_name = ${WEB_USER}`,
  );
  await db.execute(sql`UPDATE worker_watch SET since = since - interval '4 hours'`);
  await until(
    "the alert of a rig that has stopped",
    async () => {
      await invoke(endpoint, "prosper-local-janitor", {});
      await invoke(endpoint, "prosper-local-alerts", {});
      return hooks.requests.length > 0;
    },
    { withinMs: 60_000, everyMs: 1_000 },
  );
  const [request] = hooks.requests;
  expect(request?.path).toBe("/hook");
  expect(request?.headers["webhook-signature"]).toMatch(/^v1,/);
  const { data } = v.parse(hook, request?.body);
  expect(data.user).toBe(WEB_USER);
  expect(data.alerts.map(({ kind }) => kind)).toEqual(["offline"]);
  expect(await mailed(mail, /Subject: ProsperLocal: (?:rig|\d+ rigs) .*(offline)/, 60_000)).toBe("offline");
}

/** Sets a new password by the code that is mailed. */
async function comeBackBy(password: string, { cloud, web, mail }: DeployedPool): Promise<void> {
  expect(await web.send("POST", "/api/password-reset", { name: WEB_USER })).toMatchObject({ status: 200 });
  await invoke(cloud.emulator.endpoint, "prosper-local-alerts", {});
  const code = await mailed(mail, /^((?:[A-Z2-7]{4}-){5}[A-Z2-7]{4})\r?$/m, 60_000);
  expect(await web.send("PUT", "/api/password-reset", { code, next: password })).toMatchObject({
    status: 200,
  });
  expect((await web.send("GET", "/api/me")).status).toBe(401);
  expect(await web.send("POST", "/api/session", { name: WEB_USER, password })).toMatchObject({ status: 200 });
}

async function mailed({ mails }: MailCatcher, pattern: RegExp, withinMs: number): Promise<string> {
  const found = (): string | false => {
    const texts = mails.filter(({ to }) => to.includes(ADDRESS)).map(({ text }) => pattern.exec(text)?.[1]);
    return texts.find((text) => text !== undefined) ?? false;
  };
  return until(`a mail with ${pattern}`, found, { withinMs, everyMs: 200 });
}
