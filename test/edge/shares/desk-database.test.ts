import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as v from "valibot";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { nodeDisk } from "../../../edge/journal/node-disk.ts";
import { ShareDesk } from "../../../edge/shares/desk.ts";
import { applyMessage } from "../../../functions/accounting/apply.ts";
import { sleep, systemClock, systemRandom } from "../../../shared/clock.ts";
import { insertUser } from "../../../shared/db/accounts.ts";
import { edgeRecords } from "../../../shared/db/edges.ts";
import { one, sql } from "../../../shared/db/port.ts";
import { SILENT } from "../../../shared/logger.ts";
import { createTestDatabase, type TestDatabase } from "../../helpers/database.ts";
import { hasher8, mine, never, oprHashOf, submission, word } from "../../helpers/share-desk.ts";

describe("the share desk on a real disk, with the real books", () => {
  let database: TestDatabase;
  const folder = mkdtempSync(join(tmpdir(), "prosper-desk-"));
  beforeAll(async () => {
    database = await createTestDatabase();
    await insertUser(database.db, { name: "alice", password: null, payoutAddress: null });
  });
  afterAll(async () => {
    await database.drop();
    rmSync(folder, { recursive: true });
  });

  const newDesk = (cutEveryMs: number): ShareDesk =>
    new ShareDesk(
      { folder, edgeId: "edge-a", blockMs: 400, cutEveryMs, confirmEveryMs: 50 },
      {
        disk: nodeDisk,
        records: edgeRecords(database.db),
        queue: { send: (body) => applyMessage(body, { db: database.db, logger: SILENT }) },
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
});
