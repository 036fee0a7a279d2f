/** What pages cost: bytes on the wire, headers and all, and the browser's time. The figures are printed. */

import { setTimeout as pause } from "node:timers/promises";
import { afterAll, expect, it } from "vitest";
import { sql } from "../../../shared/db/port.ts";
import { type CountedLine, countedLine } from "./counted-line.ts";
import { describeInBrowser, setScene } from "./scene.ts";
import { Visitor } from "./visitor.ts";
import { BLOCKS, FIRST_HEIGHT, PASSWORD, type PoolOfPages, startPages } from "./web.ts";

const FIRST_PAGE_BYTES = 60_000;
const FIRST_PAGE_CPU_S = 1.2;
const IDLE_BYTES = 2_000;
const MINING_BYTES = 20_000;
const MINUTE_MS = 60_000;
const BLOCK_S = 10;
const LOOK = { width: 1280, height: 900, colorScheme: "light" } as const;

let busy: PoolOfPages;
const lines: CountedLine[] = [];
const scene = setScene(async () => {
  busy = await startPages();
  return startPages();
});
afterAll(async () => {
  for (const line of lines) line.close();
  await busy?.stop();
});

async function lineTo({ url }: PoolOfPages): Promise<CountedLine> {
  const line = await countedLine(url);
  lines.push(line);
  return line;
}

const say = (text: string): void => void process.stdout.write(`   ${text}\n`);

/** A minute of a pool with a block every ten seconds, in which `ann` finds a share a second. */
async function mineForAMinute({ db }: PoolOfPages): Promise<void> {
  const endMs = performance.now() + MINUTE_MS;
  for (let second = 1; performance.now() < endMs; second++) {
    await db.execute(sql`INSERT INTO worker_minutes AS m (user_name, worker, minute, shares, work, rejected)
      VALUES ('ann', 'rig', date_trunc('minute', now()), 1, 1000000, 0)
      ON CONFLICT (user_name, worker, minute) DO UPDATE SET shares = m.shares + 1, work = m.work + 1000000`);
    if (second % BLOCK_S === 0) await nextBlock(db, FIRST_HEIGHT + BLOCKS + second / BLOCK_S);
    await pause(Math.max(0, endMs - MINUTE_MS + second * 1000 - performance.now()));
  }
}

/** A new job, and the block below it with work of `ann`. */
async function nextBlock(db: PoolOfPages["db"], height: number): Promise<void> {
  await db.execute(sql`INSERT INTO jobs (height, version, opr_hash, opr, prices, threshold, fee_rate, split, credit, created_at)
    SELECT ${height}::int, version, opr_hash, opr, prices, threshold, fee_rate, split, credit, now()
    FROM jobs ORDER BY height DESC LIMIT 1`);
  await db.execute(sql`INSERT INTO blocks (height, version, key_mr, at, entries, graded, winners, network_hashrate, winning, reward)
    SELECT ${height - 1}::int, version, key_mr, now(), entries, graded, winners, network_hashrate, winning, reward
    FROM blocks ORDER BY height DESC LIMIT 1`);
  await db.execute(sql`INSERT INTO work (job, user_name, worker, shares, work, best)
    SELECT ${height}::int, user_name, worker, shares, work, best FROM work
    WHERE user_name = 'ann' AND job = ${FIRST_HEIGHT}::int`);
}

describeInBrowser("what a page costs", () => {
  it("at the first visit is no more than 60 KB, in one wave, and 1.2 s of the browser's time", async () => {
    const line = await lineTo(scene.pool);
    const visitor = await Visitor.open(scene.browser, line.url, LOOK);
    const metrics = await visitor.page.context().newCDPSession(visitor.page);
    await metrics.send("Performance.enable", { timeDomain: "threadTicks" });
    const asked: string[] = [];
    visitor.page.on("request", (request) => asked.push(new URL(request.url()).pathname));
    await visitor.visit("/");
    await visitor.page.locator("main canvas").nth(4).waitFor();
    const { metrics: figures } = await metrics.send("Performance.getMetrics");
    const cpu = figures.find(({ name }) => name === "TaskDuration")?.value ?? Number.POSITIVE_INFINITY;
    await pause(1500);

    say(
      `first page: ${line.received()} bytes in ${asked.length} requests, ${cpu.toFixed(2)} s of the browser's thread`,
    );
    expect(line.received()).toBeLessThanOrEqual(FIRST_PAGE_BYTES);
    expect(cpu).toBeLessThanOrEqual(FIRST_PAGE_CPU_S);
    // Whatever the page needs is named by the page itself; what follows is its stream.
    const html = await (await fetch(`${line.url}/`, { headers: { accept: "text/html" } })).text();
    for (const path of asked.slice(1)) if (path !== "/api/live") expect(html).toContain(`"${path}"`);
    expect(visitor.complaints).toEqual([]);
    await visitor.close();
  });

  it("in a minute is 2 KB where nobody mines by it at ten-minute blocks, nothing where it is hidden, and 20 KB for a miner's at ten-second blocks", async () => {
    const quiet = scene.pool;
    const [idleLine, hiddenLine, mineLine] = [await lineTo(quiet), await lineTo(quiet), await lineTo(busy)];
    const idle = await Visitor.open(scene.browser, idleLine.url, LOOK);
    const hidden = await Visitor.open(scene.browser, hiddenLine.url, LOOK);
    const ann = await Visitor.open(scene.browser, mineLine.url, LOOK);
    await idle.visit("/");
    await hidden.visit("/");
    await ann.logIn("ann", PASSWORD);
    await hidden.page.evaluate(`
      Object.defineProperty(document, "hidden", { value: true });
      document.dispatchEvent(new Event("visibilitychange"));`);
    await pause(3000);
    const before = [idleLine, hiddenLine, mineLine].map((line) => line.received());
    await mineForAMinute(busy);
    const [idleBytes = 0, hiddenBytes = 0, mineBytes = 0] = [idleLine, hiddenLine, mineLine].map(
      (line, i) => line.received() - (before[i] ?? 0),
    );

    say(
      `a minute: ${idleBytes} bytes of an idle page, ${hiddenBytes} of a hidden one, ${mineBytes} of a miner's`,
    );
    expect(idleBytes).toBeLessThanOrEqual(IDLE_BYTES);
    expect(hiddenBytes).toBe(0);
    expect(mineBytes).toBeLessThanOrEqual(MINING_BYTES);
    // It was told: its newest block is there.
    const newest = (FIRST_HEIGHT + BLOCKS + 5).toLocaleString("en-US");
    await ann.page.getByRole("rowheader", { name: newest }).waitFor();
    expect([...idle.complaints, ...hidden.complaints, ...ann.complaints]).toEqual([]);
    for (const visitor of [idle, hidden, ann]) await visitor.close();
  });
});
