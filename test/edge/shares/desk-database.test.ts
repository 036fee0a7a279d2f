import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as v from "valibot";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { nodeDisk } from "../../../edge/journal/node-disk.ts";
import { BEHIND_ALARM } from "../../../edge/shares/database-behind.ts";
import { ShareDesk } from "../../../edge/shares/share-desk.ts";
import { applyMessage } from "../../../functions/accounting/apply.ts";
import { sleep, systemClock, systemRandom } from "../../../shared/clock.ts";
import { insertUser } from "../../../shared/db/accounts.ts";
import { edgeRecords } from "../../../shared/db/edges.ts";
import { one, sql } from "../../../shared/db/port.ts";
import { type Logger, SILENT } from "../../../shared/logger.ts";
import { createTestDatabase, type TestDatabase } from "../../support/database.ts";
import { hasher8, mine, never, oprHashOf, submission, word } from "../../support/share-desk.ts";

describe("the share desk on a real disk, with the real books", () => {
  let database: TestDatabase;
  const folder = mkdtempSync(join(tmpdir(), "prosper-desk-"));
  beforeAll(async () => {
    database = await createTestDatabase();
    await insertUser(database.db, { name: "alice", password: null, payoutAddress: null });
  });
  afterAll(async () => {
    await database.drop();
    for (const one of [folder, restored]) rmSync(one, { recursive: true });
  });

  const restored = mkdtempSync(join(tmpdir(), "prosper-desk-"));
  const newDesk = (
    cutEveryMs: number,
    own: { folder: string; edgeId: string; logger: Logger } = { folder, edgeId: "edge-a", logger: SILENT },
  ): ShareDesk =>
    new ShareDesk(
      { folder: own.folder, edgeId: own.edgeId, blockMs: 400, cutEveryMs, confirmEveryMs: 50 },
      {
        disk: nodeDisk,
        records: edgeRecords(database.db),
        queue: { send: (body) => applyMessage(body, { db: database.db, logger: SILENT }) },
        hasher: hasher8,
        clock: systemClock,
        random: systemRandom,
        logger: own.logger,
        onAccepted: () => undefined,
        onFatal: (error) => {
          throw error;
        },
      },
    );
  const open = async (desk: ShareDesk, height: number) => {
    await database.db.execute(sql`INSERT INTO jobs (height, version, opr_hash, opr, prices, threshold, fee_rate, split, credit)
      VALUES (${height}, 5, ${oprHashOf(height)}, '', '{}', 0, 0.05, 'largest-remainder', 'assigned') ON CONFLICT DO NOTHING`);
    await desk.openJob({ height, oprHash: oprHashOf(height), credit: "assigned" });
  };
  const booked = () =>
    one(
      database.db,
      sql`SELECT COALESCE(sum(shares), 0)::int AS shares, (SELECT count(*)::int FROM close_markers) AS markers FROM work`,
      v.object({ shares: v.number(), markers: v.number() }),
    );

  it("books every share once over an abrupt end and a clean one, and frees its files", async () => {
    const first = newDesk(60_000);
    await first.recover(never);
    await open(first, 1000);
    const prefixes = await Promise.all(
      ["w0", "w1", "w2"].map(async (worker) => {
        const holder = { user: "alice", worker };
        return (await first.grantPrefix({ target: 0n, holder, measured: undefined }))?.prefix ?? 0;
      }),
    );
    const submitAll = async (desk: ShareDesk, from: number, to: number): Promise<string[]> => {
      const said: Promise<string>[] = [];
      for (let skip = from; skip < to; skip++) {
        const found = await mine(1000, prefixes[skip % 3] ?? 0, { skip });
        said.push(desk.submit(submission({ clock: systemClock }, 1000, found)).then(word));
      }
      return Promise.all(said);
    };
    const before = await submitAll(first, 0, 30);
    const uncut = await booked();
    // Ended without a drain: nothing was cut or sent.
    await first.close();

    const second = newDesk(50);
    const recovered = await second.recover(never);
    await open(second, 1000);
    const after = await submitAll(second, 20, 40);
    await open(second, 1001);
    const deadline = systemClock.monotonicMs() + 20_000;
    const files = () => readdirSync(join(folder, "journal")).length;
    while ((files() > 1 || (await booked()).markers < 2) && systemClock.monotonicMs() < deadline)
      await sleep(systemClock, 20);
    const atLast = { ...(await booked()), files: files() };
    await second.drain(never);
    await second.close();

    expect(new Set(before)).toEqual(new Set(["accepted"]));
    expect(uncut.shares).toBe(0);
    expect(recovered).toMatchObject({ slot: 0, epoch: 2, shares: 30, uncutShares: 30 });
    expect(after).toEqual([...Array(10).fill("duplicate"), ...Array(10).fill("accepted")]);
    expect(atLast).toEqual({ shares: 40, markers: 2, files: 1 });
    expect(await edgeRecords(database.db).unmarkedJobs("edge-a")).toEqual([]);
  });

  it("says as an alarm that its journal is ahead of a database restored from a backup, uses no epoch again, and sends again what it has", async () => {
    const errors: [string, Record<string, unknown> | undefined][] = [];
    const logger = {
      ...SILENT,
      error: (...line: [string, Record<string, unknown> | undefined]) => void errors.push(line),
    };
    const first = newDesk(60_000, { folder: restored, edgeId: "edge-r", logger });
    const { slot } = await first.recover(never);
    await open(first, 1002);
    await first.close();
    const edge = sql`SELECT epoch::int AS epoch FROM edge_slots WHERE edge_id = 'edge-r'`;
    const backup = await one(database.db, edge, v.object({ epoch: v.number() }));
    const second = newDesk(60_000, { folder: restored, edgeId: "edge-r", logger });
    await second.recover(never);
    await open(second, 1002);
    const holder = { user: "alice", worker: "rig" };
    const prefix = (await second.grantPrefix({ target: 0n, holder, measured: undefined }))?.prefix ?? 0;
    for (let skip = 0; skip < 5; skip++)
      await second.submit(submission({ clock: systemClock }, 1002, await mine(1002, prefix, { skip })));
    await second.cutNow();
    await second.close();
    const third = newDesk(60_000, { folder: restored, edgeId: "edge-r", logger });
    const lost = await third.recover(never);
    await third.close();
    expect(errors).toEqual([]);

    await database.db.transaction(async (tx) => {
      await tx.execute(sql`SET LOCAL session_replication_role = replica`);
      await tx.execute(sql`DELETE FROM work WHERE job = 1002`);
      await tx.execute(sql`DELETE FROM deltas WHERE job = 1002`);
      await tx.execute(sql`DELETE FROM close_markers WHERE job = 1002`);
      await tx.execute(sql`DELETE FROM edge_epochs WHERE edge_id = 'edge-r' AND epoch > ${backup.epoch}`);
      await tx.execute(sql`UPDATE edge_slots SET epoch = ${backup.epoch} WHERE edge_id = 'edge-r'`);
    });
    const afterwards = newDesk(50, { folder: restored, edgeId: "edge-r", logger });
    const grant = await afterwards.recover(never);

    expect(errors).toEqual([
      [
        BEHIND_ALARM,
        expect.objectContaining({
          journal: expect.objectContaining({ slot, epoch: lost.epoch, newestJob: 1002 }),
          database: expect.objectContaining({ slot, epoch: backup.epoch + 1 }),
          sentAgain: "what is left of jobs 1001 to 1002",
        }),
      ],
    ]);
    expect(grant.epoch).toBeGreaterThan(lost.epoch);
    const shares = async (): Promise<number> =>
      (
        await one(
          database.db,
          sql`SELECT COALESCE(sum(shares), 0)::int AS shares FROM work WHERE job = 1002`,
          v.object({ shares: v.number() }),
        )
      ).shares;
    const deadline = systemClock.monotonicMs() + 20_000;
    while ((await shares()) < 5 && systemClock.monotonicMs() < deadline) await sleep(systemClock, 20);
    await afterwards.drain(never);
    await afterwards.close();
    expect(await shares()).toBe(5);
  });

  it("says so too where the database knows neither the edge nor its newest job", async () => {
    const errors: string[] = [];
    const logger = { ...SILENT, error: (message: string) => void errors.push(message) };
    await database.db.transaction(async (tx) => {
      await tx.execute(sql`SET LOCAL session_replication_role = replica`);
      for (const gone of [
        sql`DELETE FROM jobs WHERE height >= 1002`,
        sql`DELETE FROM edge_epochs WHERE edge_id = 'edge-r'`,
        sql`DELETE FROM edge_slots WHERE edge_id = 'edge-r'`,
      ])
        await tx.execute(gone);
    });

    const desk = newDesk(60_000, { folder: restored, edgeId: "edge-r", logger });
    await desk.recover(never);
    await desk.close();

    expect(errors).toEqual([BEHIND_ALARM]);
  });
});
