import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as v from "valibot";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { nodeDisk } from "../../../edge/journal/node-disk.ts";
import { ShareDesk } from "../../../edge/shares/share-desk.ts";
import { applyMessage } from "../../../functions/accounting/apply.ts";
import { systemClock, systemRandom } from "../../../shared/clock.ts";
import { insertUser } from "../../../shared/db/accounts.ts";
import { edgeRecords } from "../../../shared/db/edges.ts";
import { one, sql } from "../../../shared/db/port.ts";
import { SILENT } from "../../../shared/logger.ts";
import { createTestDatabase, type TestDatabase } from "../../support/database.ts";
import { hasher8, mine, never, oprHashOf, submission, word } from "../../support/share-desk.ts";

const LIMITS = { inJob: 64, newInDay: 4 };

describe("one program with made-up worker names, at an edge with real books", () => {
  let database: TestDatabase;
  const folder = mkdtempSync(join(tmpdir(), "prosper-names-"));
  beforeAll(async () => {
    database = await createTestDatabase();
    await insertUser(database.db, { name: "alice", password: null, payoutAddress: null });
  });
  afterAll(async () => {
    await database.drop();
    rmSync(folder, { recursive: true });
  });

  const counts = () =>
    one(
      database.db,
      sql`SELECT (SELECT count(*)::int FROM work) AS work, (SELECT count(*)::int FROM worker_minutes) AS minutes,
        (SELECT count(*)::int FROM deltas) AS deltas, (SELECT count(*)::int FROM workers) AS names,
        (SELECT COALESCE(sum(shares), 0)::int FROM work) AS shares`,
      v.object({
        work: v.number(),
        minutes: v.number(),
        deltas: v.number(),
        names: v.number(),
        shares: v.number(),
      }),
    );

  it("writes nothing at all by 16,000 refused shares, and by 300 cheap good ones a few rows that pay its user", {
    timeout: 60_000,
  }, async () => {
    const { db } = database;
    const desk = new ShareDesk(
      { folder, edgeId: "edge-a", blockMs: 600_000, cutEveryMs: 60_000 },
      {
        disk: nodeDisk,
        records: edgeRecords(db),
        queue: { send: (body) => applyMessage(body, { db, logger: SILENT, workerLimits: LIMITS }) },
        hasher: hasher8,
        clock: systemClock,
        random: systemRandom,
        logger: SILENT,
        onAccepted: () => undefined,
        onFatal: (error) => {
          throw error;
        },
      },
    );
    await desk.recover(never);
    await db.execute(sql`INSERT INTO jobs (height, version, opr_hash, opr, prices, threshold, fee_rate, split, credit)
      VALUES (1000, 5, ${oprHashOf(1000)}, '', '{}', 0, 0.05, 'largest-remainder', 'assigned')`);
    await desk.openJob({ height: 1000, oprHash: oprHashOf(1000), credit: "assigned" });
    const holder = { user: "alice", worker: "rig" };
    const prefixOf = async (worker: string): Promise<number> => {
      const grant = await desk.grantPrefix({
        target: 0n,
        holder: { ...holder, worker },
        measured: undefined,
      });
      return grant?.prefix ?? 0;
    };
    const found = await mine(1000, await prefixOf("rig"));
    for (let n = 0; n < 16_000; n++) {
      const refused = submission({ clock: systemClock }, 1000, found, { worker: `x${n}`, target: "nothing" });
      expect(word(await desk.submit(refused))).toBe("malformed");
    }
    await desk.cutNow();
    expect(await counts()).toEqual({ work: 0, minutes: 0, deltas: 0, names: 0, shares: 0 });

    for (let n = 0; n < 300; n++) {
      const good = await mine(1000, await prefixOf(`y${n}`));
      const said = await desk.submit(submission({ clock: systemClock }, 1000, good, { worker: `y${n}` }));
      expect(word(said)).toBe("accepted");
    }
    await desk.drain(never);
    await desk.close();
    const { work, minutes, names, shares } = await counts();
    expect({ work, names, shares }).toEqual({ work: 5, names: 4 + 64, shares: 300 });
    expect(minutes).toBeLessThanOrEqual(2 * 5);
  });
});
