/**
 * Time and memory of `prosper audit --replay` over the books of many shares: real deltas of 10,000 workers, applied and sealed by the pool's
 * own statements in a PostgreSQL of its own. `node test/bench/replay.ts [millions of shares]`, 10 where not given.
 */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createSealer } from "../../functions/accounting/sealer.ts";
import { startPostgres } from "../../infra/pool/embedded-postgres.ts";
import { auditBooks } from "../../shared/audit/audit.ts";
import { replayBooks } from "../../shared/audit/replay.ts";
import { systemClock } from "../../shared/clock.ts";
import { applyDelta } from "../../shared/db/deltas.ts";
import { openPg } from "../../shared/db/drivers/pg.ts";
import { migrate } from "../../shared/db/migrate.ts";
import { type Db, sql } from "../../shared/db/port.ts";
import { SILENT } from "../../shared/logger.ts";
import type { DeltaRow } from "../../shared/messages/summary.ts";
import { addBlock, addJob } from "../support/books.ts";

const WORKERS = 10_000;
const WORKERS_PER_USER = 4;
/** 60 shares a worker and block, in this many windows. */
const WINDOWS = 5;
const SHARES = 12;
const ROWS_PER_DELTA = 350;
const millions = Number(process.argv[2] ?? 10);
const blocks = Math.ceil((millions * 1e6) / (WORKERS * WINDOWS * SHARES));

async function book(db: Db, height: number): Promise<void> {
  await addJob(db, height);
  let seq = 0;
  for (let window = 0; window < WINDOWS; window++) {
    for (let from = 0; from < WORKERS; from += ROWS_PER_DELTA) {
      const count = Math.min(ROWS_PER_DELTA, WORKERS - from);
      const rows = Array.from({ length: count }, (_, i): DeltaRow => {
        const user = `user${Math.floor((from + i) / WORKERS_PER_USER)}`;
        const work = String(SHARES * 65_536 + window);
        return {
          user,
          worker: `rig${from + i}`,
          shares: SHARES,
          work,
          best: "18446462598732840960",
          rejected: 0,
        };
      });
      const body = {
        v: 1,
        kind: "delta",
        job: height,
        slot: 0,
        epoch: 1,
        seq: seq++,
        fromMs: 0,
        toMs: 0,
        rows,
      };
      await applyDelta(db, JSON.stringify(body));
    }
  }
  await addBlock(db, height, 900_000_000_000n + BigInt(height));
  await createSealer({ deadlineMs: 0 }, { db, clock: systemClock, logger: SILENT }).run();
}

const folder = mkdtempSync(join(tmpdir(), "prosper-bench-"));
const postgres = await startPostgres({ dir: join(folder, "postgres"), unsafeFast: true });
const db = openPg({ url: postgres.url, timeoutMs: 60_000 });
try {
  await migrate(db);
  await db.execute(
    sql`INSERT INTO users (name) SELECT 'user' || n FROM generate_series(0, ${WORKERS / WORKERS_PER_USER - 1}::int) n`,
  );
  for (let i = 0; i < blocks; i++) {
    await book(db, 1000 + i);
    process.stderr.write(`\rbooked ${i + 1} of ${blocks} blocks`);
  }
  process.stderr.write("\n");
  globalThis.gc?.();
  const before = process.memoryUsage.rss();
  let most = before;
  const watch = setInterval(() => {
    most = Math.max(most, process.memoryUsage.rss());
  }, 20);
  const start = performance.now();
  const replay = await replayBooks(db, { named: 20 });
  const seconds = (performance.now() - start) / 1000;
  clearInterval(watch);
  const startAudit = performance.now();
  const audit = await auditBooks(db);
  const auditSeconds = (performance.now() - startAudit) / 1000;
  const shares = [...replay.audit.users.values()].reduce((sum, { accepted }) => sum + accepted, 0n);
  console.log(
    `${shares} shares, ${replay.deltas} deltas, ${blocks} blocks of ${WORKERS} workers: ${replay.differences} differences, ` +
      `${seconds.toFixed(1)} s, memory ${(before / 1e6).toFixed(0)} MB before and ${(most / 1e6).toFixed(0)} MB at most; ` +
      `the audit ${auditSeconds.toFixed(1)} s, ${audit.problems.length} problems`,
  );
} finally {
  await db.close();
  await postgres.stop();
  rmSync(folder, { recursive: true });
}
