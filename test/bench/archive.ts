/**
 * Whether the books of many sealed blocks are made again from the archive as from the rows: booked and sealed by the pool's own statements, replayed,
 * archived, replayed. `node test/bench/archive.ts [blocks] [workers]`, 10,000 blocks of 3 workers where not given. Exits with 1 where they differ.
 */

import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createSealer } from "../../functions/accounting/sealer.ts";
import { createArchiver } from "../../functions/janitor/archiver.ts";
import { folderStore } from "../../shared/archive/folder-store.ts";
import { type Replay, replayBooks } from "../../shared/audit/replay.ts";
import { systemClock } from "../../shared/clock.ts";
import { applyDeltas } from "../../shared/db/deltas.ts";
import { sql } from "../../shared/db/port.ts";
import { SILENT } from "../../shared/logger.ts";
import { addBlock, addJob, addUsers, deltaBody, text } from "../support/books.ts";
import { withDatabase } from "../support/load/database.ts";
import { cpuSecondsOf, serverPid } from "./process-cpu.ts";

const BLOCKS = Number(process.argv[2] ?? 10_000);
const WORKERS = Number(process.argv[3] ?? 3);
const FIRST = 1000;
/** Some of a block's work comes when the block is sealed. */
const LATE_EVERY = 7;

await withDatabase(async (db) => {
  const pid = await serverPid(db);
  const users = Array.from({ length: WORKERS }, (_, n) => `user${n}`);
  await addUsers(db, ...users);
  const modules = { db, clock: systemClock, logger: SILENT };
  const sealer = createSealer({ deadlineMs: 0 }, modules);
  const shares = (height: number): Record<string, number> =>
    Object.fromEntries(users.map((user, n) => [`${user}/rig`, 1 + ((height + n) % 5)]));
  const timed = async <T>(what: string, work: () => Promise<T>): Promise<T> => {
    const [beganMs, cpu] = [performance.now(), cpuSecondsOf([pid, process.pid])];
    const result = await work();
    const seconds = ((performance.now() - beganMs) / 1000).toFixed(1);
    console.log(`${what}: ${seconds} s, ${(cpuSecondsOf([pid, process.pid]) - cpu).toFixed(1)} s of CPU`);
    return result;
  };
  await timed(`${BLOCKS} blocks of ${WORKERS} workers booked and sealed`, async () => {
    for (let height = FIRST; height < FIRST + BLOCKS; height++) {
      await addJob(db, height);
      await applyDeltas(
        db,
        height,
        [0, 1].map((seq) => deltaBody({ job: height, seq }, shares(height + seq))),
      );
      if (height % LATE_EVERY === 0 && height > FIRST)
        await applyDeltas(db, height - 1, [deltaBody({ job: height - 1, seq: 2 }, shares(height))]);
      await addBlock(db, height, 900_000_000n + BigInt(height));
      await sealer.run();
    }
  });
  const folder = mkdtempSync(join(tmpdir(), "prosper-archive-"));
  const store = folderStore(folder);
  const replay = (): Promise<Replay> => replayBooks(db, { named: 20, archive: store });
  const rows = await timed("replayed from rows", replay);
  const report = await timed("archived", () =>
    createArchiver({ afterMs: 0, runMs: Number.POSITIVE_INFINITY }, { ...modules, store })(),
  );
  const left = await text(db, sql`SELECT count(*) FROM deltas WHERE body IS NOT NULL`);
  const files = await timed("replayed from the archive", replay);
  const bytes = readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((name) => statSync(join(folder, name)))
    .reduce((sum, file) => sum + (file.isFile() ? file.size : 0), 0);
  rmSync(folder, { recursive: true });
  const isSame =
    left === "0" && rows.differences === 0 && files.differences === 0 && rows.sha256 === files.sha256;
  console.log(
    `${report.deltas} deltas in ${report.files} files of ${(bytes / report.files).toFixed(0)} bytes; ${left} bodies left; ` +
      `${files.differences} differences; books sha256 ${rows.sha256} and ${files.sha256}: ${isSame ? "identical" : "NOT IDENTICAL"}`,
  );
  process.exitCode = isSame ? 0 : 1;
});
