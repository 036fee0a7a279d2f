/** The doctor's findings on the page for administrators: every check broken, named with its cure; mended, gone. */

import { execFileSync } from "node:child_process";
import { mkdirSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { createCockpit } from "../../../infra/doctor/cockpit.ts";
import { CHECKS } from "../../../infra/doctor/doctor.ts";
import type { Patient } from "../../../infra/doctor/finding.ts";
import { systemClock } from "../../../shared/clock.ts";
import { insertUser } from "../../../shared/db/accounts.ts";
import { markFailed } from "../../../shared/db/alerts.ts";
import { noteProbe } from "../../../shared/db/canary.ts";
import { noteHeartbeat } from "../../../shared/db/heartbeat.ts";
import { sql } from "../../../shared/db/port.ts";
import { destinationOf } from "../../support/alerts.ts";
import { sources, TestPatient } from "../../support/patient.ts";
import { describeInBrowser, setScene } from "./scene.ts";
import { startPages } from "./web.ts";

const DAY_MS = 86_400_000;

let patient: TestPatient;
/** What the doctor looks at; the tests change it. */
let looked: { -readonly [Part in keyof Patient]: Patient[Part] };
const scene = setScene(async () => {
  patient = await TestPatient.open();
  looked = await patient.patient();
  // No examination is too fresh for another.
  let monotonicMs = 0;
  const clock = { ...systemClock, monotonicMs: () => (monotonicMs += DAY_MS) };
  return startPages({ doctor: createCockpit(looked, { clock }) });
});
afterAll(() => patient?.close());

/** Each check but the database's own, each by what only it looks at. */
async function breakEverything(): Promise<Partial<Patient>> {
  const good = patient.config();
  const dataDir = patient.folder("small");
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=2m", "tmpfs", dataDir]);
  patient.undo.push(() => execFileSync("umount", [dataDir]));
  await patient.listening(patient.freePorts[0] ?? 0);
  const cert = join(patient.folder("tls"), "cert.pem");
  writeFileSync(cert, "nonsense");
  const journal = join(dataDir, "edge", "journal");
  mkdirSync(journal, { recursive: true });
  writeFileSync(join(journal, "000001.seg"), "");
  truncateSync(join(journal, "000001.seg"), 3.5e9);
  writeFileSync(join(dataDir, "edge", "dead-letters.jsonl"), '{"a":1}\n');
  await patient.forced(sql`DELETE FROM payments`);
  await patient.forced(sql`UPDATE jobs SET created_at = created_at - interval '3 days'`);
  await patient.forced(sql`UPDATE jobs SET sealed_at = now() - interval '40 days' WHERE state = 'sealed'`);
  await patient.forced(sql`UPDATE submissions SET state = 'abandoned'`);
  await patient.forced(
    sql`UPDATE deltas SET into_job = NULL WHERE seq = 0 AND job = (SELECT max(job) FROM deltas)`,
  );
  await noteHeartbeat(patient.database.db, { atMs: Date.now(), wasWell: true, result: "it answered 404" });
  await noteProbe(patient.database.db, {
    ...{ atMs: Date.now(), failedAt: "connect", words: "connect ECONNREFUSED", height: null },
    ...{ connectMs: null, loginMs: null, jobMs: null, answerMs: null, rowMs: null },
  });
  await insertUser(patient.database.db, { name: "boss", password: null, payoutAddress: null, isAdmin: true });
  const watching = await destinationOf(patient.database.db, {
    ...{ user: "boss", target: "https://hooks.example/1", events: ["red"] },
  });
  const failed = { result: "it answered 404", waitMs: 60_000, pauseAfterMs: DAY_MS };
  await markFailed(patient.database.db, watching, failed, Date.now());
  await patient.database.db.execute(
    sql`INSERT INTO root_chains (chain_id, key, read_through) VALUES (${"c".repeat(64)}, 'key', 300000)`,
  );
  await patient.database.db.execute(sql`INSERT INTO chain_roots (height, entry_hash, placed_in, place, root, reward, carried_in, fee, paid, carried, books)
    SELECT height, height::text, height + 1, 0, root, reward, carried_in, fee + 1, paid, carried, '' FROM jobs WHERE state = 'sealed'`);
  await patient.database.db.execute(sql`INSERT INTO edge_slots (slot, edge_id, epoch, expires_at)
    VALUES (0, 'the-edge', 1, now() - interval '2 hours')`);
  return {
    dataDir,
    config: {
      ...good,
      pool: { ...good.pool, esaddress: "" },
      pegnet: { ...good.pegnet, activation: -1 },
      stratum: { ...good.stratum, tlscert: cert, tlskey: cert },
      database: { ...good.database, url: "" },
      alerts: { ...good.alerts, heartbeaturl: "https://hc-ping.com/secret" },
      canary: { ...good.canary, user: "ops" },
    },
    clock: { ...systemClock, wallMs: () => systemClock.wallMs() + 50 * DAY_MS },
    nodes: [
      {
        url: "http://one",
        factomd: await patient.node({ entryCreditBalance: async () => 20 }, 9),
      },
    ],
    sources: sources(undefined),
  };
}

describeInBrowser("the cockpit", () => {
  it("names what is wrong with its cure, check by check, and no longer when it is mended", async () => {
    const boss = await scene.openAs("boss", { width: 1280, height: 900, colorScheme: "light" });
    await boss.page.getByRole("link", { name: "Admin" }).click();
    await boss.page.getByText("Nothing to mend").waitFor();
    const shown = (level: string) =>
      boss.page.locator("section", { hasText: level }).locator(".cures li").allInnerTexts();
    const again = async (heading: string | RegExp): Promise<void> => {
      await boss.page.getByRole("button", { name: "Look again" }).click();
      await boss.page.getByRole("heading", { name: heading }).waitFor();
    };
    expect(await boss.page.locator(".cures li").count()).toBe(0);
    await boss.photograph("cockpit-in-order");

    const { db } = looked;
    Object.assign(looked, await breakEverything());
    await again(/^To mend: /);
    const broken = await shown("To mend");
    const checks = new Set(broken.map((text) => text.split("\n")[0]));
    expect([...checks]).toEqual(CHECKS.map(({ name }) => name).filter((name) => name !== "database"));
    for (const line of broken) expect(line.split("\n").filter((part) => part.trim() !== "")).toHaveLength(3);
    expect(broken.join("\n")).toContain("Buy entry credits for EC");
    await boss.photograph("cockpit-broken");
    const phone = await scene.openAs("boss", {
      ...{ width: 390, height: 844, colorScheme: "dark", scale: 2 },
    });
    await phone.visit("/admin/cockpit");
    await phone.photograph("cockpit-broken-phone");
    expect(await phone.overflow()).toBeLessThanOrEqual(0);
    expect([...(await phone.violations()), ...(await boss.violations())]).toEqual([]);
    await phone.close();

    Object.assign(looked, { db: undefined, dbProblem: "connect ECONNREFUSED" });
    await again(/^To mend: /);
    await boss.page.getByText("Start the database server").waitFor();
    expect((await shown("To mend")).find((line) => line.startsWith("database"))).toMatch(
      /connect ECONNREFUSED\n+Start the database server, or correct DATABASE_URL/,
    );

    looked.db = db;
    await again(/^To mend: /);
    await boss.page.getByText("Start the database server").waitFor({ state: "detached" });
    expect(boss.complaints).toEqual([]);
    await boss.close();
  });

  it("is for administrators only", async () => {
    const ann = await scene.openAs("ann", { width: 390, height: 844, colorScheme: "dark" });
    await ann.page.goto("/admin/cockpit");
    await ann.page.getByText("only an administrator").first().waitFor();
    expect(await ann.page.locator(".cures li").count()).toBe(0);
    await ann.close();
  });
});
