/** The doctor's checks of the miners' work on its way into the books, and of the books: from the edge's journal to what is owed. */

import { mkdirSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createArchiver } from "../../../functions/janitor/archiver.ts";
import { folderStore } from "../../../shared/archive/folder-store.ts";
import { systemClock } from "../../../shared/clock.ts";
import { sql } from "../../../shared/db/port.ts";
import { SILENT } from "../../../shared/logger.ts";
import { sources, TestPatient } from "../../support/patient.ts";

let pool: TestPatient;
beforeEach(async () => {
  pool = await TestPatient.open();
});
afterEach(() => pool.close());

describe("broken, it is named with its cure:", () => {
  it("edges: none is left", async () => {
    await pool.database.db.execute(sql`INSERT INTO edge_slots (slot, edge_id, epoch, expires_at)
      VALUES (0, 'the-edge', 1, now() - interval '2 hours')`);
    await pool.database.db.execute(sql`INSERT INTO leases (name, holder, epoch, expires_at)
      VALUES ('chain', 'the-edge', 1, now() + interval '1 minute')`);

    expect(await pool.reds()).toEqual([
      "edges: edge 0 (the-edge) ran out 2 h ago, and no edge is left → Start the pool: npx prosper edge",
    ]);
  });

  it("journal: nearly as large as it may be", async () => {
    const folder = join(pool.dataDir, "edge", "journal");
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "000001.seg"), "");
    truncateSync(join(folder, "000001.seg"), 3.5e9);

    expect(await pool.reds()).toEqual([
      expect.stringMatching(
        /^journal: 3\.5 GB in 1 file, the oldest .* old → The books take nothing from this edge/,
      ),
    ]);
  });

  it("dead letters", async () => {
    mkdirSync(join(pool.dataDir, "edge"), { recursive: true });
    writeFileSync(join(pool.dataDir, "edge", "dead-letters.jsonl"), '{"a":1}\n{"b":2}\n');

    expect(await pool.reds()).toEqual([
      expect.stringMatching(
        /^dead letters: 2 messages with miners' work not in the books, in .* → .*"Dead letters"$/,
      ),
    ]);
  });

  it("late work: a block without its seal, and work that waits for an open block", async () => {
    await pool.forced(sql`UPDATE jobs SET created_at = created_at - interval '1 day'`);
    await pool.database.db.execute(sql`INSERT INTO jobs (height, version, opr_hash, opr, prices, threshold, fee_rate, split, credit, created_at)
      SELECT height + 1, version, 'later', opr, prices, threshold, fee_rate, split, credit, now() - interval '3 hours' FROM jobs ORDER BY jobs.height DESC LIMIT 1`);
    await pool.forced(
      sql`UPDATE deltas SET into_job = NULL WHERE seq = 0 AND job = (SELECT max(job) FROM deltas)`,
    );

    expect(await pool.reds()).toEqual([
      expect.stringMatching(/^late work: 2 blocks not sealed yet, the first waits for 3 h → Does the pool/),
      "late work: 1 message with late work, and no open block for it → They are booked into the next job: see why none is made (`prices`, `factomd`)",
    ]);
  });

  it("archive: a block that is due for long, and a file that is gone", async () => {
    await pool.forced(sql`UPDATE jobs SET sealed_at = now() - interval '40 days'`);

    expect(await pool.reds()).toEqual([
      expect.stringMatching(
        /^archive: block 2\d{5} should have been archived 10 days ago → Does the pool \(or `prosper accountant`\) run/,
      ),
    ]);

    const store = folderStore(join(pool.dataDir, "archive"));
    const modules = { db: pool.database.db, store, clock: systemClock, logger: SILENT };
    await createArchiver({ afterMs: 0, runMs: 60_000 }, modules)();
    expect(await pool.reds()).toEqual([]);
    rmSync(join(pool.dataDir, "archive"), { recursive: true });
    expect(await pool.reds()).toEqual([
      expect.stringMatching(/^archive: the archive has no file .* → Without it `prosper audit --replay`/),
    ]);
  });

  it("owed: for a long time", async () => {
    const clock = { ...systemClock, wallMs: () => systemClock.wallMs() + 50 * 86_400_000 };
    await pool.forced(sql`DELETE FROM payments`);

    const found = await pool.reds({ clock, nodes: [], sources: sources(1) });

    expect(found.filter((line) => line.startsWith("owed"))).toEqual([
      expect.stringMatching(
        /^owed: [\d.,]+ PEG owed to 1 user, the oldest for 50 days → Pay: npx prosper payout prepare/,
      ),
    ]);
  });
});
