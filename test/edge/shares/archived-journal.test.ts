/** A copy of an edge's disk that comes back when its block is sealed and archived: nothing that it sends is counted again, nor taken for late work. */

import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as v from "valibot";
import { afterAll, beforeAll, expect, it } from "vitest";
import { nodeDisk } from "../../../edge/journal/node-disk.ts";
import { ShareDesk } from "../../../edge/shares/share-desk.ts";
import { applyMessage } from "../../../functions/accounting/apply.ts";
import type { BooksEvent } from "../../../functions/accounting/events.ts";
import { createSealer } from "../../../functions/accounting/sealer.ts";
import { createArchiver } from "../../../functions/janitor/archiver.ts";
import { folderStore } from "../../../shared/archive/folder-store.ts";
import { replayBooks } from "../../../shared/audit/replay.ts";
import { systemClock, systemRandom } from "../../../shared/clock.ts";
import { insertUser } from "../../../shared/db/accounts.ts";
import { edgeRecords } from "../../../shared/db/edges.ts";
import { one, sql } from "../../../shared/db/port.ts";
import { SILENT } from "../../../shared/logger.ts";
import { addBlock } from "../../support/books.ts";
import { createTestDatabase, type TestDatabase } from "../../support/database.ts";
import { hasher8, mine, never, oprHashOf, submission } from "../../support/share-desk.ts";

const SHARES = 5;

let database: TestDatabase;
const home = mkdtempSync(join(tmpdir(), "prosper-archived-"));
/** What became of each delta that a desk has sent. */
const outcomes: string[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
  await insertUser(database.db, { name: "alice", password: null, payoutAddress: null });
});
afterAll(async () => {
  await database.drop();
  rmSync(home, { recursive: true });
});

function newDesk(folder: string, { hears = true } = {}): ShareDesk {
  const { db } = database;
  const records = edgeRecords(db);
  return new ShareDesk(
    { folder: join(home, folder), edgeId: "edge-a", blockMs: 400, cutEveryMs: 60_000, confirmEveryMs: 50 },
    {
      disk: nodeDisk,
      // What the books have, an edge asks before it sends again. One that does not hear sends all that it has.
      records: hears ? records : { ...records, appliedSeqs: async () => [] },
      queue: {
        async send(body) {
          const onEvent = ({ kind }: BooksEvent): void => {
            if (body.includes('"kind":"delta"')) outcomes.push(kind);
          };
          await applyMessage(body, { db, logger: SILENT, onEvent });
        },
      },
      ...{ hasher: hasher8, clock: systemClock, random: systemRandom, logger: SILENT },
      onAccepted: () => undefined,
      onFatal: (error) => {
        throw error;
      },
    },
  );
}

async function open(desk: ShareDesk, height: number): Promise<void> {
  await database.db.execute(sql`INSERT INTO jobs (height, version, opr_hash, opr, prices, threshold, fee_rate, split, credit)
    VALUES (${height}, 5, ${oprHashOf(height)}, '', '{}', 0, 0.05, 'largest-remainder', 'assigned') ON CONFLICT DO NOTHING`);
  await desk.openJob({ height, oprHash: oprHashOf(height), credit: "assigned" });
}

const booked = () =>
  one(
    database.db,
    sql`SELECT (SELECT sum(shares)::int FROM work) AS shares,
      (SELECT count(*)::int FROM deltas WHERE into_job <> job) AS late,
      (SELECT count(*)::int FROM deltas WHERE body IS NOT NULL) AS bodies`,
    v.object({ shares: v.number(), late: v.number(), bodies: v.number() }),
  );

it("is known to the books by its keys, whose bodies are gone", async () => {
  const { db } = database;
  const first = newDesk("disk");
  await first.recover(never);
  await open(first, 1000);
  const holder = { user: "alice", worker: "rig" };
  const prefix = (await first.grantPrefix({ target: 0n, holder, measured: undefined }))?.prefix ?? 0;
  for (let skip = 0; skip < SHARES; skip++)
    await first.submit(submission({ clock: systemClock }, 1000, await mine(1000, prefix, { skip })));
  await first.cutNow();
  await expect.poll(() => outcomes).toEqual(["applied"]);
  await first.close();
  cpSync(join(home, "disk"), join(home, "copy"), { recursive: true });

  const second = newDesk("disk");
  await second.recover(never);
  await open(second, 1000);
  await open(second, 1001);
  await addBlock(db, 1000, 900n);
  await second.drain(never);
  await second.close();
  await createSealer({ deadlineMs: 0 }, { db, clock: systemClock, logger: SILENT }).run();
  const store = folderStore(join(home, "archive"));
  const archiver = createArchiver(
    { afterMs: 0, runMs: 60_000 },
    { db, store, clock: systemClock, logger: SILENT },
  );
  expect((await archiver()).files).toBe(1);
  expect(await booked()).toEqual({ shares: SHARES, late: 0, bodies: 0 });

  for (const hears of [true, false]) {
    cpSync(join(home, "copy"), join(home, `copy-${hears}`), { recursive: true });
    outcomes.length = 0;
    const late = newDesk(`copy-${hears}`, { hears });
    expect(await late.recover(never)).toMatchObject({ shares: SHARES });
    await open(late, 1001);
    await late.drain(never);
    await late.close();

    expect(outcomes).toEqual(hears ? [] : ["dup"]);
    expect(await booked()).toEqual({ shares: SHARES, late: 0, bodies: 0 });
  }
  expect((await replayBooks(db, { named: 5, archive: store })).differences).toBe(0);
});
