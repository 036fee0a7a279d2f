/** Messages that the books apply in a second: from the queue in this process, by the accounting function as it is, sealer and all. */

import { createAccountingHandler } from "../../../functions/accounting/handler.ts";
import { createSealer } from "../../../functions/accounting/sealer.ts";
import { createLocalQueue } from "../../../infra/pool/in-process-queue.ts";
import { systemClock, systemRandom } from "../../../shared/clock.ts";
import { type Db, sql } from "../../../shared/db/port.ts";
import { SILENT } from "../../../shared/logger.ts";
import { addBlock, addEpoch, addJob, closeBody, deltaBody, text } from "../../support/books.ts";
import { Chance } from "../../support/random.ts";
import type { Bench, Opened, Row, Setting, Values } from "../bench.ts";
import { type BooksUnderTest, openBooks } from "../books.ts";
import type { Room } from "../room.ts";

const SIZES = [1_000, 10_000, 100_000];
/** So many times as small. */
const QUICK = 100;
const MESSAGES = 6_000;
const QUICK_MESSAGES = 300;
const ROWS = 12;
/** As many as an edge puts into one message where a whole pool submits. */
const MOST_ROWS = 350;
const WORKERS_PER_USER = 4;
/** Users without a share: the check for unknown users must not read them. */
const IDLE_USERS = 10_000;
/** An honest worker has a share in so long: messages of a large pool are of fewer minutes. */
const WORKER_SHARE_MS = 10_000;
const DRAIN_MS = 600_000;

const userOf = (worker: number): string => `user${Math.floor(worker / WORKERS_PER_USER)}`;
const nameOf = (worker: number): string => `${userOf(worker)}/rig${worker}`;

async function prepare(db: Db, workers: number): Promise<void> {
  await db.execute(
    sql`INSERT INTO users (name) SELECT 'idle' || n FROM generate_series(1, ${IDLE_USERS}::int) n`,
  );
  await db.execute(sql`INSERT INTO users (name) SELECT DISTINCT 'user' || n / ${WORKERS_PER_USER}::int
    FROM generate_series(0, ${workers - 1}::int) n`);
  await db.execute(sql`INSERT INTO workers (user_name, worker, state)
    SELECT 'user' || n / ${WORKERS_PER_USER}::int, 'rig' || n, 'own' FROM generate_series(0, ${workers - 1}::int) n`);
  await addEpoch(db, { slot: 0, epoch: 1, firstJob: null });
  await db.execute(sql`ANALYZE`);
}

/** One share of each of these workers. */
function bodyOf(job: number, seq: number, fromMs: number, workers: Iterable<number>): string {
  const rows = Object.fromEntries([...workers].map((worker) => [nameOf(worker), 1]));
  return deltaBody({ job, seq, fromMs: Math.floor(fromMs) }, rows);
}

/** A job in which every worker has sums already, with its messages ready. */
async function makeJob(db: Db, job: number, workers: number, messages: number) {
  await addJob(db, job);
  const chance = new Chance(job);
  const each = Math.min(ROWS, workers);
  const spanMs = (messages * each * WORKER_SHARE_MS) / workers;
  const startMs = Date.now() - 2 * spanMs - 3_600_000;
  let seq = 0;
  const first: string[] = [];
  for (let from = 0; from < workers; from += MOST_ROWS) {
    const those = Array.from({ length: Math.min(MOST_ROWS, workers - from) }, (_, i) => from + i);
    first.push(bodyOf(job, seq++, startMs - 60_000, those));
  }
  const counted = Array.from({ length: messages }, (_, i) => {
    const those = new Set<number>();
    while (those.size < each) those.add(chance.whole(0, workers - 1));
    return bodyOf(job, seq++, startMs + (spanMs * i) / messages, those);
  });
  return { first, counted, lastSeq: seq - 1, shares: workers + messages * each };
}

/** Resolves when the books have them all. */
async function applyAll(db: Db, bodies: readonly string[]): Promise<void> {
  const sealer = createSealer({ deadlineMs: DRAIN_MS }, { db, clock: systemClock, logger: SILENT });
  const handler = createAccountingHandler({ db, logger: SILENT, sealer });
  const queue = createLocalQueue({}, { handler, clock: systemClock, random: systemRandom, logger: SILENT });
  for (const body of bodies) await queue.send(body);
  const left = await queue.stop(DRAIN_MS);
  const dead = queue.stats().deadLetters;
  if (left + dead > 0) throw new Error(`${left} messages were left and ${dead} refused, expected none`);
}

async function applyJob(
  { db, cpuSeconds }: BooksUnderTest,
  job: number,
  workers: number,
  messages: number,
): Promise<{ perSecond: number; cpuMs: number }> {
  const { first, counted, lastSeq, shares } = await makeJob(db, job, workers, messages);
  await applyAll(db, first);
  const [startMs, before] = [performance.now(), cpuSeconds()];
  await applyAll(db, counted);
  const seconds = (performance.now() - startMs) / 1000;
  const cpuMs = ((cpuSeconds() - before) * 1000) / messages;
  // The next one finds sealed books below it, as in a pool; and what was applied is what was sent.
  await addBlock(db, job, 900_000_000_000n);
  await applyAll(db, [closeBody({ job }, lastSeq)]);
  const sealed = await text(db, sql`SELECT shares FROM jobs WHERE height = ${job}::int AND state = 'sealed'`);
  if (sealed !== `${shares}`)
    throw new Error(`job ${job}: expected ${shares} shares in sealed books, got ${sealed ?? "no seal"}`);
  return { perSecond: messages / seconds, cpuMs };
}

async function open({ quick }: Setting, room: Room): Promise<Opened> {
  const books = await openBooks(room);
  await prepare(books.db, Math.max(...SIZES) / (quick ? QUICK : 1));
  let job = 1_000;
  const ours = async (): Promise<Values> => {
    const values: Record<string, number> = {};
    for (const size of SIZES) {
      const workers = quick ? size / QUICK : size;
      const { perSecond, cpuMs } = await applyJob(books, job++, workers, quick ? QUICK_MESSAGES : MESSAGES);
      values[`apply-${size}`] = perSecond;
      if (cpuMs > 0) values[`apply-${size}-cpu`] = cpuMs;
    }
    return values;
  };
  // What runs for the first time is compiled and planned meanwhile.
  if (!quick) await applyJob(books, job++, Math.min(...SIZES), QUICK_MESSAGES);
  return { ours, peer: undefined };
}

function rowsOf(size: number): [string, Row][] {
  const of = `messages of ${ROWS} rows over ${size.toLocaleString("en")} workers`;
  return [
    [
      `apply-${size}`,
      {
        unit: "messages/s",
        what: `${of}, applied`,
        better: "more",
        growth: { of: "apply, by workers", size },
      },
    ],
    [`apply-${size}-cpu`, { unit: "ms", what: `PostgreSQL's CPU for one of the ${of}`, better: "less" }],
  ];
}

export const APPLY: Bench = {
  name: "apply",
  what: `${MESSAGES} messages of ${ROWS} rows from the queue into PostgreSQL, each commit on disk; every worker has sums in the job already`,
  rounds: 3,
  rows: Object.fromEntries(SIZES.flatMap(rowsOf)),
  open,
};
