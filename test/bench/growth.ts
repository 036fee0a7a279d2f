/**
 * What a block of a pool leaves in the database, writes and reads there, measured: each edge sends a summary a second, each worker finds 60 shares a
 * block at random times, the books apply and seal, the janitor looks at the workers; then the books are checked, the deltas move to an archive and
 * the statistics are pruned, each by a server that has forgotten its pages. `node test/bench/growth.ts [workers] [blocks] [edges]`, 1,000 workers, 3 blocks of ten minutes and one edge where not
 * given. The last line is what infra/aws/cost/rates.ts has.
 */

import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { SQSRecord } from "aws-lambda";
import * as v from "valibot";
import { createAccountingHandler } from "../../functions/accounting/handler.ts";
import { createSealer } from "../../functions/accounting/sealer.ts";
import { createArchiver } from "../../functions/janitor/archiver.ts";
import { createJanitorHandler } from "../../functions/janitor/handler.ts";
import { watchWorkers } from "../../functions/janitor/worker-watch.ts";
import { LOCAL_CONTEXT } from "../../functions/local-context.ts";
import { folderStore } from "../../shared/archive/folder-store.ts";
import { proveBooks } from "../../shared/audit/prove.ts";
import { systemClock } from "../../shared/clock.ts";
import { type Db, sql } from "../../shared/db/port.ts";
import { SILENT } from "../../shared/logger.ts";
import { MAX_SUMMARY_BYTES } from "../../shared/messages/summary.ts";
import { addBlock, addJob, closeBody, deltaBody } from "../support/books.ts";
import { withDatabase } from "../support/load/database.ts";
import { Chance } from "../support/random.ts";
import { counted, pagesRead, walBytes } from "./database-io.ts";
import { cpuSecondsOf, serverPid } from "./process-cpu.ts";

const WORKERS = Number(process.argv[2] ?? 1000);
const BLOCKS = Number(process.argv[3] ?? 3);
const EDGES = Number(process.argv[4] ?? 1);
const BLOCK_SECONDS = 600;
const SHARES = 60;
/** Of the event source. */
const EVENT_MESSAGES = 10;
/** Tables whose rows go after a month. */
const PRUNED = ["worker_minutes", "user_minutes", "worker_hours", "pool_minutes", "workers_seen"];
const TABLES = ["deltas", "work", "payouts", ...PRUNED, "worker_status", "tallies", "close_markers"];
/** The janitor looks at the workers each minute. */
const WATCH_SECONDS = 60;

let events = 0;

const size = v.object({ name: v.string(), bytes: v.number() });

async function sizes(db: Db): Promise<Map<string, number>> {
  // Free space is used again, so that it is not taken for growth.
  await db.execute(sql`VACUUM`);
  const rows = await db.query(
    sql`SELECT relname AS name, pg_total_relation_size(oid)::float8 AS bytes FROM pg_class
      WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace`,
    size,
  );
  return new Map(rows.map(({ name, bytes }) => [name, bytes]));
}

/** Everything sealed, as the janitor does it. Resolves to what it leaves in the table for good, and in files. */
async function archived(
  db: Db,
  url: string,
  pid: number,
): Promise<{ kept: number; files: number; log: number; calls: number; cpu: number; pages: number }> {
  const folder = mkdtempSync(join(tmpdir(), "prosper-growth-"));
  const began = cpuSecondsOf([pid, process.pid]);
  const wal = await walBytes(db);
  const calls = { made: 0, commits: 0, writes: 0 };
  const pages = await pagesRead(url, (own) =>
    createArchiver(
      { afterMs: 0, runMs: Number.POSITIVE_INFINITY },
      {
        ...{ db: counted(own, calls, { writes: false }), store: folderStore(folder) },
        ...{ clock: systemClock, logger: SILENT },
      },
    )(),
  );
  const log = (await walBytes(db)) - wal;
  const cpu = cpuSecondsOf([pid, process.pid]) - began;
  // What a body has left is used by the next ones; here there are none, so the table is written anew to see what stays.
  await db.execute(sql`VACUUM FULL deltas`);
  const kept = (await sizes(db)).get("deltas") ?? 0;
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((name) => statSync(join(folder, name)))
    .reduce((sum, file) => sum + (file.isFile() ? file.size : 0), 0);
  rmSync(folder, { recursive: true });
  return { kept, files, log, calls: calls.made, cpu, pages };
}

/** Statistics go when they are a month old, and what they leave is tidied up; here all of them are. */
async function pruned(db: Db, url: string): Promise<{ log: number; pages: number }> {
  const wal = await walBytes(db);
  const pages = await pagesRead(url, async (own) => {
    const modules = { db: own, clock: systemClock, logger: SILENT };
    const sealer = createSealer({ deadlineMs: 0 }, modules);
    await createJanitorHandler({ epochGraceMs: 0, keepMinutesMs: 30 * 86_400_000 }, { ...modules, sealer })(
      {},
      LOCAL_CONTEXT,
    );
    await own.execute(sql`VACUUM`);
  });
  return { log: (await walBytes(db)) - wal, pages };
}

/** The messages of one block, second by second: what the workers of each edge found in it. */
function messagesOf(job: number, chance: Chance): string[][] {
  const found = Array.from({ length: EDGES }, () =>
    Array.from({ length: BLOCK_SECONDS }, (): Record<string, number> => ({})),
  );
  for (let worker = 0; worker < WORKERS; worker++)
    for (let share = 0; share < SHARES; share++) {
      const second = found[worker % EDGES]?.[chance.whole(0, BLOCK_SECONDS - 1)];
      const name = `miner-${worker}/rig`;
      if (second !== undefined) second[name] = (second[name] ?? 0) + 1;
    }
  const seqs = found.map(() => 0);
  const seconds = Array.from({ length: BLOCK_SECONDS }, (_, at) =>
    found.flatMap((edge, slot) =>
      inBodies(edge[at] ?? {}).map((rows) => {
        const seq = seqs[slot] ?? 0;
        seqs[slot] = seq + 1;
        const fromMs = (job * BLOCK_SECONDS + at) * 1000;
        return deltaBody({ job, slot, epoch: 1, seq, fromMs }, rows);
      }),
    ),
  );
  return [...seconds, seqs.map((next, slot) => closeBody({ job, slot, epoch: 1 }, next - 1))];
}

function recordOf(messageId: string, body: string): SQSRecord {
  return {
    ...{ messageId, body, receiptHandle: messageId, messageAttributes: {}, md5OfBody: "" },
    attributes: {
      ApproximateReceiveCount: "1",
      ...{ SentTimestamp: "0", SenderId: "", ApproximateFirstReceiveTimestamp: "0" },
    },
    ...{ eventSource: "aws:sqs", eventSourceARN: "", awsRegion: "us-east-1" },
  };
}

/** As an edge cuts a window that is larger than a body may be. */
function inBodies(rows: Record<string, number>): Record<string, number>[] {
  const all = Object.entries(rows);
  const most = Math.floor(MAX_SUMMARY_BYTES / 140);
  const parts = Math.ceil(all.length / most);
  return Array.from({ length: parts }, (_, i) => Object.fromEntries(all.slice(i * most, (i + 1) * most)));
}

await withDatabase(async (db, url, forget) => {
  const pid = await serverPid(db);
  const calls = { made: 0, commits: 0, writes: 0 };
  await db.execute(
    sql`INSERT INTO users (name) SELECT 'miner-' || n FROM generate_series(0, ${WORKERS - 1}::int) n`,
  );
  const chance = new Chance(7);
  const block = async (height: number, writes = false): Promise<{ messages: number; bytes: number }> => {
    await addJob(db, height);
    const seconds = messagesOf(height, chance);
    const modules = { db: counted(db, calls, { writes }), clock: systemClock, logger: SILENT };
    const sealer = createSealer({ deadlineMs: 0 }, modules);
    const handler = createAccountingHandler({ ...modules, sealer });
    for (const [at, bodies] of seconds.entries()) {
      for (let i = 0; i < bodies.length; i += EVENT_MESSAGES) {
        const Records = bodies
          .slice(i, i + EVENT_MESSAGES)
          .map((body, n) => recordOf(`${at}-${i + n}`, body));
        events++;
        const { batchItemFailures } = await handler({ Records }, LOCAL_CONTEXT);
        if (batchItemFailures.length > 0) throw new Error("a message was not applied");
      }
      if (at % WATCH_SECONDS > 0) continue;
      const wallMs = (): number => (height * BLOCK_SECONDS + at) * 1000;
      const before = calls.made;
      await watchWorkers(modules.db, { ...systemClock, wallMs }, BLOCK_SECONDS * 1000);
      // No calls of events.
      calls.made = before;
    }
    await addBlock(db, height, 900_000_000_000n);
    const sealed = await sealer.run();
    if (sealed.length !== 1) throw new Error(`${sealed.length} jobs were sealed, expected 1`);
    const bodies = seconds.flat();
    return { messages: bodies.length, bytes: bodies.reduce((sum, body) => sum + body.length, 0) };
  };
  // The first block makes what all later ones have: names of workers, pages of the indexes.
  await block(100);
  const [before, wal] = [await sizes(db), await walBytes(db)];
  let [messages, bytes, cpu] = [0, 0, cpuSecondsOf([pid])];
  calls.made = 0;
  events = 0;
  for (let i = 1; i <= BLOCKS; i++) {
    const sent = await block(100 + i);
    messages += sent.messages;
    bytes += sent.bytes;
  }
  cpu = cpuSecondsOf([pid]) - cpu;
  const [after, walAfter] = [await sizes(db), await walBytes(db)];
  const callsAnEvent = calls.made / events;
  const workerBlocks = WORKERS * BLOCKS;
  const grown = (...names: string[]): number =>
    names.reduce((sum, name) => sum + (after.get(name) ?? 0) - (before.get(name) ?? 0), 0) / workerBlocks;
  const show = (what: string, value: number, more: string): void =>
    console.log(`${what.padEnd(16)}${value.toFixed(0).padStart(8)} bytes ${more}`);
  for (const name of TABLES) show(name, grown(name), "a worker and block");
  show(
    "sent",
    bytes / workerBlocks,
    `a worker and block, ${(messages / BLOCKS).toFixed(0)} messages a block`,
  );
  // One more, of which each commit is looked at.
  events = 0;
  const logged = await walBytes(db);
  await block(101 + BLOCKS, true);
  const [writes, commitsAnEvent] = [calls.writes / WORKERS, calls.commits / events];
  const writtenBytes = ((await walBytes(db)) - logged) / WORKERS;
  await forget();
  const checked = await pagesRead(url, (own) => proveBooks(own, new AbortController().signal));
  await forget();
  const archive = await archived(db, url, await serverPid(db));
  await forget();
  const prune = await pruned(db, url);
  // The first block and the one that was looked at are in it as well.
  const all = WORKERS * (BLOCKS + 2);
  const [rowBytes, fileBytes] = [archive.kept / all, archive.files / all];
  const year = ((365 * 86_400) / BLOCK_SECONDS) * WORKERS;
  const yearly = (bytesEach: number): string => `${((bytesEach * year) / 1e9).toFixed(1)} GB`;
  const good = grown("work", "payouts");
  console.log(
    `a year of ${WORKERS} workers, for good: ${yearly(good + rowBytes)} and ${yearly(fileBytes)} of files; without the archive ${yearly(good + grown("deltas"))}; ` +
      `a month of statistics ${yearly(grown(...PRUNED) / 12.17)}`,
  );
  const rounded = (value: number): number => Number(value.toPrecision(4));
  const figures = {
    ...{ workers: WORKERS, edges: EDGES, messagesABlock: messages / BLOCKS, callsAnEvent },
    ...{ sentBytes: bytes / workerBlocks, keptBytes: good, archivableBytes: grown("deltas") },
    ...{ archivedRowBytes: rowBytes, archiveFileBytes: fileBytes, prunedBytes: grown(...PRUNED) },
    ...{ logBytes: (walAfter - wal) / workerBlocks, cpuMs: (cpu * 1000) / workerBlocks },
    // 4 KB of log are one where nothing is rounded up.
    ...{ commitsAnEvent, writes, writesUnrounded: writtenBytes / 4096 },
    ...{ archiveLogBytes: archive.log / all, archivePages: archive.pages / all },
    ...{ archiveCpuMs: (archive.cpu * 1000) / all, archiveCallsABlock: archive.calls / (BLOCKS + 2) },
    ...{ pruneLogBytes: prune.log / all, prunePages: prune.pages / all, checkPages: checked / all },
  };
  console.log(
    JSON.stringify(
      Object.fromEntries(Object.entries(figures).map(([name, value]) => [name, rounded(value)])),
    ),
  );
});
