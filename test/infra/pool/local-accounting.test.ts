import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createLocalBooks, type LocalBooks } from "../../../infra/pool/local-accounting.ts";
import { auditBooks } from "../../../shared/audit/audit.ts";
import { systemClock, systemRandom } from "../../../shared/clock.ts";
import { type Db, sql } from "../../../shared/db/port.ts";
import { SILENT } from "../../../shared/logger.ts";
import {
  addBlock,
  addEpoch,
  addJob,
  addUsers,
  closeBody,
  deltaBody,
  sharesOf,
  text,
} from "../../support/books.ts";
import { createTestDatabase, type TestDatabase } from "../../support/database.ts";

let database: TestDatabase;
let db: Db;
let books: LocalBooks;
let sealed: number[];
beforeEach(async () => {
  database = await createTestDatabase();
  db = database.db;
  sealed = [];
  const modules = { db, clock: systemClock, random: systemRandom, logger: SILENT };
  books = createLocalBooks(
    {
      deadlineMs: 60_000,
      epochGraceMs: 0,
      sealEveryMs: 10,
      janitorEveryMs: 20,
      queue: { retryMs: { first: 1, longest: 2 } },
    },
    { ...modules, onSealed: (block) => sealed.push(block.height) },
  );
  await addUsers(db, "ann");
  await addEpoch(db, { slot: 1, epoch: 1, firstJob: 10 });
  for (const height of [10, 11, 12]) await addJob(db, height);
});
afterEach(async () => {
  await books.stop(1000);
  await database.drop();
});

describe("the books in one process", () => {
  it("apply messages at once but seal only after the journal's recovery, then by themselves, each block told once", async () => {
    for (const height of [10, 11]) await addBlock(db, height, 1000n);
    await books.queue.send(deltaBody({ job: 10, seq: 0, slot: 1 }, { "ann/a": 2 }));
    for (const job of [10, 11]) await books.queue.send(closeBody({ job, slot: 1 }, job === 10 ? 0 : -1));
    await expect.poll(() => books.queue.stats().held).toBe(0);
    await books.seal();
    const before = [await sharesOf(db, 10, "ann"), sealed.length];

    await books.startSealing();

    await expect.poll(() => sealed).toEqual([10, 11]);
    expect(before).toEqual([2, 0]);
    await Promise.all([books.seal(), books.seal()]);
    expect(sealed).toEqual([10, 11]);
    expect(await auditBooks(db)).toMatchObject({ blocks: 2, paid: 950n, carried: 950n, problems: [] });
  });

  it("keep a poison message as a dead letter and go on with the others", async () => {
    await books.queue.send("poison");
    await books.queue.send(deltaBody({ job: 10, seq: 0, slot: 1 }, { "ann/a": 2 }));

    await expect.poll(() => books.queue.stats()).toEqual({ held: 0, heldBytes: 0, deadLetters: 1 });
    expect(await sharesOf(db, 10, "ann")).toBe(2);
  });

  it("end the epochs of edges that are gone and drop old statistics, but no money", async () => {
    await db.execute(sql`INSERT INTO edge_slots (slot, edge_id, epoch, expires_at, covered_job)
      VALUES (1, 'edge-1', 1, now() - interval '1 second', 10)`);
    for (const height of [10, 11]) await addBlock(db, height, 1000n);
    await books.queue.send(deltaBody({ job: 10, seq: 0, slot: 1 }, { "ann/a": 2 }));
    await books.queue.send(closeBody({ job: 10, slot: 1 }, 0));
    await expect.poll(() => books.queue.stats().held).toBe(0);

    await books.startSealing();

    // Job 11 is sealed without a marker of the edge that covered only job 10; the minutes of 1970 are too old to keep.
    await expect.poll(() => sealed).toEqual([10, 11]);
    await expect.poll(() => text(db, sql`SELECT count(*) FROM worker_minutes`)).toBe("0");
    const kept = sql`SELECT (SELECT count(*) FROM pool_minutes) + (SELECT count(*) FROM workers_seen)`;
    expect(await text(db, kept)).toBe("0");
    expect(await text(db, sql`SELECT bool_or(forced) FROM jobs WHERE state = 'sealed'`)).toBe("false");
    expect((await auditBooks(db)).users.get("ann")).toMatchObject({ accepted: 2n, owed: 950n });
  });
});
