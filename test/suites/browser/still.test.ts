/** What a visitor does on a page survives whatever the page is told meanwhile: focus, selected text, sideways scroll, open details. */

import { expect, it } from "vitest";
import type { Examination } from "../../../functions/api/doctor.ts";
import { systemClock } from "../../../shared/clock.ts";
import { addDestination } from "../../../shared/db/alert-destinations.ts";
import { noteProbe } from "../../../shared/db/canary.ts";
import { adjust } from "../../../shared/db/payments.ts";
import type { Sql } from "../../../shared/db/port.ts";
import { sql } from "../../../shared/db/port.ts";
import { manualClock } from "../../support/manual-clock.ts";
import { openPayday } from "../../support/payout/page.ts";
import { standInNode } from "../../support/payout/stand-in-node.ts";
import { until } from "../../support/until.ts";
import { describeInBrowser, setScene } from "./scene.ts";
import { FIRST_HEIGHT, PASSWORD, startPages } from "./web.ts";

const UPDATES = 100;
/** The pool's clock: a page is told as often in a second as otherwise in so many. */
const SPEED = 20;
const scene = setScene(() => {
  const clock = { ...manualClock(), wallMs: systemClock.wallMs };
  const { factomd } = standInNode();
  return startPages({
    speed: SPEED,
    doctor: { newest: examined, again: examined, onTime: examined },
    // Nobody is owed as much: all are left out.
    paying: (db) => openPayday({ db, clock, factomd }, { minimum: 10n ** 18n }),
  });
});

/** What the doctor says, another thing each time. */
let said = 0;
const examined = async (): Promise<Examination> => ({
  atMs: systemClock.wallMs(),
  isRunning: false,
  findings: [
    { check: "certificate", level: "ok", said: "good for a month" },
    { check: "disk", level: "ok", said: `${said} bytes are free` },
  ],
});

interface UpdatingPage {
  readonly path: string;
  /** Something that changes what the page shows; `i` counts up. */
  readonly change: (i: number) => Sql | Promise<unknown>;
  /** Polls by the browser's clock, which the test moves on by so much. Otherwise it is told by the pool. */
  readonly everyMs?: number;
}

const moreWork = (i: number): Sql =>
  sql`UPDATE worker_minutes SET shares = shares + ${i}::int, work = work + 1000000 WHERE user_name = 'ann'`;
const newCode = (i: number): Sql => sql`INSERT INTO invites (code) VALUES (${`code-${i}`})`;
const newJob = (i: number): Sql =>
  sql`INSERT INTO jobs (height, version, opr_hash, opr, prices, threshold, fee_rate, split, credit, created_at)
    SELECT ${FIRST_HEIGHT + 100 + i}::int, version, opr_hash, opr, prices, threshold, fee_rate, split, credit, created_at
    FROM jobs ORDER BY height DESC LIMIT 1`;
const newUser = (i: number): Sql => sql`INSERT INTO users (name) VALUES (${`user-${i}`})`;
const newAction = (i: number): Sql =>
  sql`INSERT INTO admin_log (actor, action, subject, details) VALUES ('boss', ${`try ${i}`}, 'nobody', '{}')`;
const newHit = (i: number): Sql =>
  sql`UPDATE withholding SET sent = sent + ${i}::int WHERE user_name = 'bob'`;

const newResult = (i: number): Sql | Promise<unknown> =>
  i === 0
    ? addDestination(
        scene.pool.db,
        {
          ...{ user: "ann", kind: "ntfy", target: "https://ntfy.sh/topic", secret: "" },
          ...{ events: ["offline"], everyMinutes: 60, quiet: null },
        },
        null,
      )
    : sql`UPDATE alert_destinations SET tried_at = now(), result = ${`answer ${i}`} WHERE user_name = 'ann'`;
const newProbe = (i: number): Promise<unknown> =>
  noteProbe(scene.pool.db, {
    ...{ atMs: systemClock.wallMs(), failedAt: null, words: "", height: FIRST_HEIGHT },
    ...{ connectMs: 1 + i, loginMs: 12, jobMs: 1, answerMs: 31, rowMs: 5_000 },
  });
const newBar = (i: number): Sql =>
  sql`INSERT INTO bars (kind, subject, scope, reason, made_by) VALUES ('user', ${`barred-${i}`}, 'mining', 'a test', 'boss')`;
const newNotice = (i: number): Sql =>
  i === 0
    ? sql`INSERT INTO notices (kind, words, made_by, begins_at, until)
        VALUES ('maintenance', 'words', 'boss', now() + interval '30 days', now() + interval '31 days')`
    : sql`UPDATE notices SET words = ${`words ${i}`}`;
const moreOwedTo = (user: string) => (): Promise<unknown> =>
  adjust(scene.pool.db, { user, amount: 10n ** 8n, reason: "a test", madeBy: "boss" });

const PAGES: readonly UpdatingPage[] = [
  { path: "/", change: newJob },
  { path: "/me", change: moreWork },
  { path: "/me/worker?name=rig", change: moreWork, everyMs: 10_000 },
  { path: "/me/earnings", change: moreOwedTo("ann"), everyMs: 60_000 },
  { path: "/me/alerts", change: newResult, everyMs: 3_000 },
  { path: "/status", change: newProbe, everyMs: 10_000 },
  {
    path: "/admin/cockpit",
    change: async (i) => {
      said = i;
    },
    everyMs: 5_000,
  },
  { path: "/admin/payday", change: moreOwedTo("bob"), everyMs: 2_000 },
  { path: "/admin/bars", change: newBar, everyMs: 10_000 },
  { path: "/admin/miners", change: moreWork, everyMs: 5000 },
  { path: "/admin/invites", change: newCode, everyMs: 10_000 },
  { path: "/admin/users", change: newUser, everyMs: 10_000 },
  { path: "/admin/adjustments", change: newAction, everyMs: 10_000 },
  { path: "/admin/withholding", change: newHit, everyMs: 30_000 },
  // The last, since all pages show it.
  { path: "/admin/notices", change: newNotice, everyMs: 10_000 },
];

/** Run in the page: takes the state that must survive, marks the elements that have it, and counts what changes. */
const TOUCH = `(() => {
  // A page without a table has nothing that scrolls sideways.
  const cell = document.querySelector("main .scroll tbody th, main section h2");
  const region = cell.closest(".scroll") ?? cell.closest("section");
  const range = document.createRange();
  range.selectNodeContents(cell);
  const selection = getSelection();
  selection.removeAllRanges();
  selection.addRange(range);
  const link = [...document.querySelectorAll("main a, main button, main .scroll")].findLast((one) => !one.hidden);
  // No field for text: its focus takes the selection.
  link.focus();
  // Not to the end: that moves where a figure gets narrower.
  region.scrollLeft = Math.min(60, (region.scrollWidth - region.clientWidth) / 2);
  const details = document.querySelector("main details");
  if (details !== null) details.open = true;
  let changes = 0;
  new MutationObserver(() => { changes += 1; }).observe(document.querySelector("main"), {
    subtree: true, childList: true, characterData: true,
  });
  window.touched = { region, cell, link, details, text: selection.toString(), left: region.scrollLeft, changes: () => changes };
})()`;
const LEFT = `(() => {
  const { region, cell, link, details, text, left, changes } = window.touched;
  return {
    isSameRow: cell.isConnected && region.isConnected,
    hasFocus: document.activeElement === link,
    isSelected: getSelection().toString() === text && text !== "",
    isScrolled: region.scrollLeft === left,
    isOpen: details === null || (details.isConnected && details.open),
    changes: changes(),
  };
})()`;

interface Left {
  readonly changes: number;
}

describeInBrowser("what a visitor does on a page", () => {
  it.each(PAGES)("survives 100 updates of $path", async ({ path, change, everyMs }) => {
    const boss = await scene.open({ width: 700, height: 900, colorScheme: "light" });
    const make = async (i: number): Promise<void> => {
      const made = change(i);
      if (made instanceof Promise) await made;
      else await scene.pool.db.execute(made);
    };
    await boss.logIn(path.startsWith("/me") ? "ann" : "boss", PASSWORD);
    if (everyMs !== undefined) await boss.page.clock.install();
    await make(0);
    await boss.visit(path);
    await boss.page.locator("main .scroll tbody th, main section h2").first().waitFor();
    await boss.page.evaluate(TOUCH);
    let changes = 0;
    for (let i = 1; i <= UPDATES; i++) {
      await make(i);
      changes = await until(`update ${i} of ${path}`, async () => {
        if (everyMs !== undefined) await boss.page.clock.runFor(everyMs);
        const now = (await boss.page.evaluate<Left>(LEFT)).changes;
        return now > changes ? now : undefined;
      });
    }

    expect(await boss.page.evaluate<Left>(LEFT), path).toEqual({
      isSameRow: true,
      hasFocus: true,
      isSelected: true,
      isScrolled: true,
      isOpen: true,
      changes: expect.any(Number),
    });
    expect(boss.complaints).toEqual([]);
    await boss.close();
  });
});
