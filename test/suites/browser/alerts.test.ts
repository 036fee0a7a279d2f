/** A user wants to be told when a rig stops, by e-mail and by a webhook, and is; and when it is back. */

import { afterAll, expect, it } from "vitest";
import { systemClock } from "../../../shared/clock.ts";
import { sql } from "../../../shared/db/port.ts";
import { judgeWorkers } from "../../../shared/db/worker-states.ts";
import {
  type HttpCatcher,
  type MailCatcher,
  startHttpCatcher,
  startMailCatcher,
} from "../../support/alert-catchers.ts";
import { deliverer } from "../../support/alerts.ts";
import { describeInBrowser, setScene } from "./scene.ts";
import type { Look } from "./visitor.ts";
import { startPages } from "./web.ts";

const LOOKS: Readonly<Record<string, Look>> = {
  "a desktop": { width: 1280, height: 900, colorScheme: "light" },
  "a phone in the dark": { width: 390, height: 844, colorScheme: "dark", scale: 3 },
};

let mail: MailCatcher;
let hook: HttpCatcher;
const scene = setScene(async () => {
  [mail, hook] = await Promise.all([startMailCatcher(), startHttpCatcher()]);
  return startPages({ smtp: mail.url });
});
afterAll(() => Promise.all([mail?.stop(), hook?.stop()]));

/** The janitor's minute, and the sender's two seconds. */
async function judgeAndDeliver(): Promise<void> {
  await judgeWorkers(scene.pool.db, systemClock.wallMs(), 1e12);
  await deliverer(scene.pool.db, systemClock, { smtp: mail.url })();
}

/** A rig of six shares a minute whose last one is so old; watched for long enough that it is judged. */
async function lastShare(worker: string, secondsAgo: number): Promise<void> {
  await scene.pool.db.execute(
    sql`UPDATE worker_watch SET judged_at = now() - interval '1 minute', since = now() - interval '1 day'`,
  );
  await scene.pool.db.execute(sql`INSERT INTO worker_status (user_name, worker, first_at, last_at, last_job, pace, pace_at, best, best_job, since, up_since, usual_rate, usual_shares)
    VALUES ('ann', ${worker}, now() - interval '9 days', now() - ${secondsAgo}::float8 * interval '1 second', 1011, 6500, now(), 1, 1011, now() - interval '3 days',
      now() - interval '3 days', 6500, 0.1)
    ON CONFLICT (user_name, worker) DO UPDATE SET last_at = excluded.last_at, pace = excluded.pace, pace_at = excluded.pace_at`);
}

describeInBrowser.each(Object.entries(LOOKS))("on %s", (_name, look) => {
  it("a rig stops and comes back: both are told to mailbox and webhook, and the page says that they arrived", async () => {
    mail.mails.length = 0;
    hook.requests.length = 0;
    await scene.pool.db.execute(sql`DELETE FROM alert_destinations`);
    const rig = `shed-${look.width}`;
    await lastShare(rig, 5);
    await judgeAndDeliver();
    const ann = await scene.openAs("ann", look);
    const { page } = ann;
    await page.getByRole("link", { name: "alerts" }).click();
    await page.getByText("You are told nowhere yet").waitFor();

    const form = page.getByRole("region", { name: "Add a destination" });
    await form.getByLabel("Where").selectOption("webhook");
    await form.getByLabel("Address").fill(`${hook.url}/hook`);
    await form.getByRole("button", { name: "Add" }).click();
    await page.getByText(/whsec_/).waitFor();
    await form.getByLabel("Where").selectOption("email");
    await form.getByLabel("Address").fill("ann@example.com");
    await form.getByRole("button", { name: "Add" }).click();
    const mailbox = page.getByRole("region", { name: "E-mail: ann@example.com" });
    await mailbox.getByText("not confirmed").waitFor();
    await judgeAndDeliver();
    const code = /code is (\d{8})/.exec(mail.mails[0]?.text ?? "")?.[1] ?? "";
    await mailbox.getByLabel("Code from the message").fill(code);
    await mailbox.getByRole("button", { name: "Confirm" }).click();
    await mailbox.getByRole("button", { name: "Send a test" }).click();
    await mailbox.getByText("It is on its way.").waitFor();
    await judgeAndDeliver();
    await mailbox.getByText("The last message arrived").waitFor();
    expect(mail.mails.at(-1)?.text).toContain("This one is a test.");

    const webhook = page.getByRole("region", { name: `Webhook: ${hook.url}/hook` });
    await webhook.getByRole("button", { name: "a rig is low" }).click();
    await webhook.getByRole("button", { name: "Save" }).click();
    await webhook.getByText("Saved.").waitFor();
    expect(
      await scene.pool.db.execute(
        sql`SELECT 1 FROM alert_destinations WHERE kind = 'webhook' AND NOT 'low' = ANY (events)`,
      ),
    ).toBe(1);
    await ann.photograph(`alerts-${look.width}-${look.colorScheme}`);
    expect(await ann.overflow()).toBeLessThanOrEqual(0);
    expect(await ann.violations()).toEqual([]);
    expect(await page.locator("h1").count()).toBe(1);

    await lastShare(rig, 400);
    await judgeAndDeliver();
    expect(mail.mails.at(-1)?.text).toContain(`rig ${rig} offline`);
    expect(hook.requests.map(({ body }) => JSON.parse(body).data.alerts)).toMatchObject([
      [{ kind: "offline", count: 1, first: [{ worker: rig }] }],
    ]);
    await webhook.getByText("The last message arrived").waitFor();
    await lastShare(rig, 1);
    await judgeAndDeliver();
    expect(mail.mails.at(-1)?.text).toContain(`rig ${rig} recovered`);
    expect(hook.requests.map(({ body }) => JSON.parse(body).data.alerts[0].kind)).toEqual([
      "offline",
      "recovered",
    ]);

    hook.answer(() => ({ status: 500 }));
    await webhook.getByRole("button", { name: "Send a test" }).click();
    await webhook.getByText("It is on its way.").waitFor();
    await judgeAndDeliver();
    await webhook.getByText("it answered with HTTP 500").waitFor();
    hook.answer(() => ({ status: 204 }));
    await webhook.getByRole("button", { name: "Remove" }).click();
    await webhook.waitFor({ state: "detached" });
    expect(ann.complaints).toEqual([]);
    await ann.close();
  });
});
