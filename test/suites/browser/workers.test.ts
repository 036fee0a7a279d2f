/** A user with many workers finds the one that matters. */

import { expect, it } from "vitest";
import { sql } from "../../../shared/db/port.ts";
import { describeInBrowser, setScene } from "./scene.ts";
import type { Look } from "./visitor.ts";
import { startPages } from "./web.ts";

const LOOKS: Readonly<Record<string, Look>> = {
  "a desktop": { width: 1280, height: 900, colorScheme: "light" },
  "a desktop in the dark": { width: 1280, height: 900, colorScheme: "dark" },
  "a phone": { width: 390, height: 844, colorScheme: "light", scale: 3 },
  "a phone in the dark": { width: 390, height: 844, colorScheme: "dark", scale: 3 },
};
const RIGS = 120;
/** From here on they are silent. */
const SILENT_FROM = 110;
const scene = setScene(startPages, () => farmOf("ann"));

async function farmOf(user: string): Promise<void> {
  await scene.pool.db.execute(sql`INSERT INTO workers (user_name, worker, state)
    SELECT ${user}, 'farm-' || lpad(n::text, 3, '0'), 'own' FROM generate_series(1, ${RIGS}::int) n`);
  await scene.pool.db.execute(sql`INSERT INTO worker_status (user_name, worker, first_at, last_at, last_job, pace, pace_at, best, best_job, since, up_since, state, usual_rate, usual_shares)
    SELECT ${user}, 'farm-' || lpad(n::text, 3, '0'), now() - interval '9 days',
      now() - CASE WHEN n >= ${SILENT_FROM}::int THEN interval '7 hours' ELSE interval '12 seconds' END, 1011, 5000, now(), 18446744073000000000, 1011, now(), now() - interval '3 days',
      CASE WHEN n >= ${SILENT_FROM}::int THEN 'offline' WHEN n = 7 THEN 'low' WHEN n = 9 THEN 'recovered' ELSE 'ok' END, 4200, 0.06
    FROM generate_series(1, ${RIGS}::int) n`);
  await scene.pool.db.execute(sql`INSERT INTO worker_changes (user_name, worker, at, state, since) VALUES
    (${user}, 'farm-007', now() - interval '30 minutes', 'low', now() - interval '30 minutes'),
    (${user}, 'farm-007', now() - interval '26 hours', 'ok', now() - interval '26 hours'),
    (${user}, 'farm-007', now() - interval '27 hours', 'recovered', now() - interval '27 hours'),
    (${user}, 'farm-007', now() - interval '30 hours', 'offline', now() - interval '30 hours 6 minutes')`);
  await scene.pool.db.execute(sql`INSERT INTO worker_hours (user_name, worker, hour, shares, work, rejected)
    SELECT ${user}, 'farm-007', date_trunc('hour', now()) - h * interval '1 hour', 200, 65536 * (200 + 7 * (h % 24)), 1
    FROM generate_series(0, 200) h WHERE h NOT BETWEEN 27 AND 30`);
  await scene.pool.db.execute(sql`INSERT INTO worker_minutes (user_name, worker, minute, shares, work, rejected)
    SELECT s.user_name, s.worker, date_trunc('minute', now()) - m * interval '1 minute', 1, 65536 * (3 + m % 2), 0
    FROM worker_status s, generate_series(1, 50) m WHERE s.worker LIKE 'farm-%' AND s.last_at > now() - interval '1 hour'`);
}

describeInBrowser.each(Object.entries(LOOKS))("on %s", (_name, look) => {
  it("pages are turned, a name is found, an old worker is hidden and shown again", async () => {
    const ann = await scene.openAs("ann", look);
    const { page } = ann;
    const card = page.getByRole("region", { name: "Workers" });
    const names = (): Promise<string[]> => card.getByRole("rowheader").locator(".name").allInnerTexts();
    await card.getByText("1 to 50 of").waitFor();
    await ann.photograph(`workers-${look.width}-${look.colorScheme}`);
    expect((await names())[0]).toContain("farm-001");

    await card.getByRole("button", { name: "After" }).click();
    await card.getByText("51 to 100 of").waitFor();
    expect((await names())[0]).toContain("farm-051");

    await card.getByRole("searchbox").fill("FARM-11");
    await expect.poll(names).toHaveLength(10);
    await ann.photograph(`workers-found-${look.width}-${look.colorScheme}`);
    expect(await ann.overflow()).toBeLessThanOrEqual(0);
    expect(await ann.violations()).toEqual([]);
    const row = card.getByRole("row").filter({ hasText: "farm-115" });
    await row.getByRole("button", { name: "hide" }).click();
    await expect.poll(names).toHaveLength(9);
    await card.getByRole("button", { name: "Hidden (1)" }).click();
    await expect.poll(names).toHaveLength(1);
    await row.getByRole("button", { name: "show" }).click();
    await card.getByText("No worker is hidden").waitFor();
    await card.getByRole("button", { name: "Hidden (0)" }).click();
    await expect.poll(names).toHaveLength(10);
    await card.getByRole("searchbox").fill("");
    await card.getByText("1 to 50 of").waitFor();
    expect(ann.complaints).toEqual([]);
    await ann.close();
  });

  it("a worker's own page shows how it does, its last day, week and month, and what changed", async () => {
    const ann = await scene.openAs("ann", look);
    const { page } = ann;
    await page.getByRole("button", { name: "Low (1)" }).click();
    const card = page.getByRole("region", { name: "Workers" });
    await expect.poll(() => card.getByRole("rowheader").count()).toBe(1);
    await card.getByRole("link", { name: "farm-007" }).click();
    await page.getByRole("heading", { name: "farm-007" }).waitFor();
    await ann.drawn();
    await page.locator("main canvas").waitFor();

    const text = await ann.text();
    for (const part of ["Low", "Usual: 4.20 kh/s", "Last share", "Best share", "Uptime"])
      expect(text).toContain(part);
    await ann.photograph(`worker-day-${look.width}-${look.colorScheme}`);
    for (const span of ["7 d", "30 d"]) {
      await page.getByRole("button", { name: span }).click();
      await page.getByRole("heading", { name: `Hash rate, ${span}` }).waitFor();
      await page.locator("main canvas").waitFor();
    }
    await ann.photograph(`worker-month-${look.width}-${look.colorScheme}`);
    expect(await page.getByRole("rowheader").count()).toBe(4);
    expect(await ann.overflow()).toBeLessThanOrEqual(0);
    expect(await ann.violations()).toEqual([]);
    expect(await page.locator("h1").count()).toBe(1);
    expect(ann.complaints).toEqual([]);
    await ann.close();
  });
});
