import * as v from "valibot";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import {
  acquireLease,
  type EdgeRecords,
  edgeRecords,
  endEpochsOf,
  endExpiredEpochs,
  releaseLease,
  renewLease,
} from "../../../shared/db/edges.ts";
import { first, sql } from "../../../shared/db/port.ts";
import { createTestDatabase, type TestDatabase } from "../../support/database.ts";
import { memoryBooks } from "../../support/memory-books.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());
afterEach(async () => {
  for (const table of ["edge_slots", "edge_epochs", "jobs", "leases"])
    await database.db.execute(sql`TRUNCATE ${{ text: table, values: [] }} CASCADE`);
});

async function insertJob(height: number, agoMs = 0): Promise<void> {
  await database.db.execute(sql`INSERT INTO jobs (height, version, opr_hash, opr, prices, threshold, fee_rate, split, credit, created_at)
    VALUES (${height}, 5, 'aa', '', '{}', 0, 0.05, 'largest-remainder', 'assigned', now() - ${agoMs}::float8 * interval '1 millisecond')`);
}

/** What the two implementations need to be tested alike. `expire` makes every lease run out. */
interface Subject {
  records: EdgeRecords;
  addJob(height: number, agoMs?: number): Promise<void>;
  expire(): Promise<void>;
  lastJobOf(slot: number, epoch: number): Promise<number | undefined>;
}

const subjects: Record<string, () => Subject> = {
  PostgreSQL: () => ({
    records: edgeRecords(database.db),
    addJob: insertJob,
    async expire() {
      await database.db.execute(sql`UPDATE edge_slots SET expires_at = now() - interval '1 second'`);
    },
    async lastJobOf(slot, epoch) {
      const row = await first(
        database.db,
        sql`SELECT last_job FROM edge_epochs WHERE slot = ${slot} AND epoch = ${epoch}`,
        v.object({ last_job: v.nullable(v.number()) }),
      );
      return row?.last_job ?? undefined;
    },
  }),
  "the books of the edge's tests": () => {
    let now = 1_000_000;
    const books = memoryBooks(() => now);
    return {
      records: books,
      async addJob(height, agoMs = 0) {
        now -= agoMs;
        books.addJob(height);
        now += agoMs;
      },
      async expire() {
        for (const slot of books.slots.values()) slot.expiresAtMs = now - 1000;
      },
      lastJobOf: async (slot, epoch) => books.epochs.get(`${slot}/${epoch}`)?.lastJob,
    };
  },
};

const lease = { leaseMs: 30_000, lateMs: 5_000 };

describe.each(Object.entries(subjects))("slots in %s", (_, make) => {
  it("are each given to one edge, also when many ask at once", async () => {
    const { records } = make();

    const grants = await Promise.all(
      Array.from({ length: 6 }, (_, n) => records.acquireSlot({ edgeId: `edge-${n}`, ...lease })),
    );

    expect(grants.map((grant) => grant?.slot).toSorted()).toEqual([0, 1, 2, 3, 4, 5]);
    expect(grants.every((grant) => grant?.epoch === 1)).toBe(true);
  });

  it("are retaken by their own edge at once with the next epoch; the old one ends with the job it covered", async () => {
    const { records, addJob, lastJobOf } = make();
    await addJob(1000);
    const grant = await records.acquireSlot({ edgeId: "a", ...lease });
    if (grant === undefined) throw new Error("no slot");
    await addJob(1001);
    await records.coverJob("a", grant, 1001);

    const again = await records.acquireSlot({ edgeId: "a", ...lease });

    expect(grant).toEqual({ slot: 0, epoch: 1, firstJob: 1000 });
    expect(again).toEqual({ slot: 0, epoch: 2, firstJob: 1001 });
    expect(await lastJobOf(0, 1)).toBe(1001);
    expect(await records.renewSlot("a", grant, 30_000)).toBe("taken");
    await expect(records.coverJob("a", grant, 1002)).rejects.toMatchObject({ code: "lease-lost" });
  });

  it("that covered no job of their epoch end before the first", async () => {
    const { records, addJob, lastJobOf } = make();
    await addJob(1000);
    await records.acquireSlot({ edgeId: "a", ...lease });

    await records.acquireSlot({ edgeId: "a", ...lease });

    expect(await lastJobOf(0, 1)).toBe(999);
  });

  it("that were ended for being late say so, while they are still the edge's own", async () => {
    const { records } = make();
    const grant = await records.acquireSlot({ edgeId: "a", ...lease });
    if (grant === undefined) throw new Error("no slot");
    const before = await records.renewSlot("a", grant, 30_000);

    await records.endEpoch("a", grant);

    expect([before, await records.renewSlot("a", grant, 30_000)]).toEqual(["renewed", "ended"]);
  });

  it("owe markers for the unsealed jobs of ended epochs, and are settled by marker and all deltas", async () => {
    const { records, addJob } = make();
    await addJob(1000);
    const grant = await records.acquireSlot({ edgeId: "a", ...lease });
    if (grant === undefined) throw new Error("no slot");
    await addJob(1001);
    await records.coverJob("a", grant, 1001);
    const whileHeld = await records.unmarkedJobs("a");

    await records.endEpoch("a", grant);

    expect(whileHeld).toEqual([]);
    expect(await records.unmarkedJobs("a")).toEqual([
      { job: 1000, slot: 0, epoch: 1 },
      { job: 1001, slot: 0, epoch: 1 },
    ]);
    expect(await records.fullyApplied([{ job: 1000, slot: 0, epoch: 1, lastSeq: -1 }])).toEqual([]);
  });

  it("without a first job owe markers from the lowest unsealed job on", async () => {
    const { records, addJob } = make();
    const grant = await records.acquireSlot({ edgeId: "a", ...lease });
    if (grant === undefined) throw new Error("no slot");
    await addJob(1000);
    await addJob(1001);

    expect(await records.coverJob("a", grant, 1001)).toBe(1000);
  });
});

describe("slots in PostgreSQL", () => {
  /** All slots in use by others, so that only expired ones can be had. */
  async function fill(coveredJob: number | null): Promise<void> {
    await database.db.execute(sql`INSERT INTO edge_slots (slot, edge_id, epoch, expires_at, covered_job)
      SELECT n, 'other-' || n, 7, now() + interval '1 hour', ${coveredJob}::integer FROM generate_series(0, 4095) AS n`);
  }
  const takeOver = (lateMs = 5_000) =>
    edgeRecords(database.db).acquireSlot({ edgeId: "new", leaseMs: 30_000, lateMs });

  it("go to another edge only when the lease has expired and the last covered job takes no more shares", async () => {
    await fill(1000);
    await insertJob(1000, 60_000);
    const whileLeased = await takeOver();
    await database.db.execute(
      sql`UPDATE edge_slots SET expires_at = now() - interval '1 second' WHERE slot = 77`,
    );
    const whileCurrent = await takeOver();
    await insertJob(1001, 1_000);
    const whileLate = await takeOver();

    const after = await takeOver(900);

    expect([whileLeased, whileCurrent, whileLate]).toEqual([undefined, undefined, undefined]);
    expect(after).toEqual({ slot: 77, epoch: 8, firstJob: 1001 });
  });

  it("of edges that are gone end their epochs after a grace", async () => {
    const records = edgeRecords(database.db);
    await insertJob(1000);
    const grant = await records.acquireSlot({ edgeId: "gone", ...lease });
    if (grant === undefined) throw new Error("no slot");
    await records.coverJob("gone", grant, 1000);
    await database.db.execute(sql`UPDATE edge_slots SET expires_at = now() - interval '10 seconds'`);

    const tooSoon = await endExpiredEpochs(database.db, 30_000);
    const ended = await endExpiredEpochs(database.db, 5_000);

    expect([tooSoon, ended]).toEqual([0, 1]);
    expect(await records.renewSlot("gone", grant, 30_000)).toBe("ended");
  });

  it("end the epochs of one edge for good, which then owe their close markers", async () => {
    const records = edgeRecords(database.db);
    await insertJob(1000);
    const left = await records.acquireSlot({ edgeId: "left", leaseMs: 60_000, lateMs: 0 });
    const other = await records.acquireSlot({ edgeId: "other", leaseMs: 60_000, lateMs: 0 });
    if (left === undefined || other === undefined) throw new Error("there are free slots");
    await records.coverJob("left", left, 1000);

    expect(await endEpochsOf(database.db, "left")).toBe(1);
    expect(await endEpochsOf(database.db, "left")).toBe(0);

    expect(await records.unmarkedJobs("left")).toEqual([{ job: 1000, slot: left.slot, epoch: left.epoch }]);
    expect(await records.renewSlot("left", left, 60_000)).toBe("ended");
    expect(await records.renewSlot("other", other, 60_000)).toBe("renewed");
  });

  it("say which deltas and markers the books have", async () => {
    const records = edgeRecords(database.db);
    const key = { job: 1000, slot: 3, epoch: 2 };
    await insertJob(1000);
    for (const seq of [0, 1, 3]) {
      await database.db.execute(sql`INSERT INTO deltas (job, slot, epoch, seq, sha256, body, into_job)
        VALUES (1000, 3, 2, ${seq}, 'aa', '{}', 1000)`);
    }

    const applied = await records.appliedSeqs([{ ...key, fromSeq: 1, toSeq: 5 }]);
    const noMarker = await records.fullyApplied([{ ...key, lastSeq: 1 }]);
    await database.db.execute(
      sql`INSERT INTO close_markers (job, slot, epoch, last_seq) VALUES (1000, 3, 2, 3)`,
    );
    const hole = await records.fullyApplied([{ ...key, lastSeq: 3 }]);
    await database.db.execute(sql`INSERT INTO deltas (job, slot, epoch, seq, sha256, body, into_job)
      VALUES (1000, 3, 2, 2, 'aa', '{}', 1000)`);
    const whole = await records.fullyApplied([{ ...key, lastSeq: 3 }]);

    expect(applied.map(({ seq }) => seq)).toEqual([1, 3]);
    expect([noMarker, hole, whole]).toEqual([[], [], [key]]);
  });
});

describe("a named lease", () => {
  const ask = (holder: string, leaseMs = 10_000) =>
    acquireLease(database.db, { name: "chain", holder, leaseMs });

  it("is one holder's until it expires or is given up, with a higher epoch for each", async () => {
    const first = await ask("a");
    const refused = await ask("b");
    const own = await ask("a");
    await releaseLease(database.db, "chain", "a", 2n);
    const next = await ask("b");

    expect([first, refused, own, next]).toEqual([1n, undefined, 2n, 3n]);
    expect(await renewLease(database.db, { name: "chain", holder: "a", leaseMs: 1000 }, 2n)).toBe(false);
    expect(await renewLease(database.db, { name: "chain", holder: "b", leaseMs: 1000 }, 3n)).toBe(true);
  });

  it("is free a lease's length after the database's clock was set back, not the jump's, and a living holder keeps it", async () => {
    const leaseMs = 1_000;
    const acquire = (holder: string): Promise<bigint | undefined> =>
      acquireLease(database.db, { name: "chain", holder, leaseMs });
    const pass = (ms: number): Promise<number> =>
      database.db.execute(
        sql`UPDATE leases SET expires_at = expires_at - ${ms}::float8 * interval '1 millisecond'`,
      );
    expect(await acquire("a")).toBe(1n);
    await pass(-2 * 3_600_000);
    expect(await acquire("b")).toBeUndefined();
    expect(await renewLease(database.db, { name: "chain", holder: "a", leaseMs }, 1n)).toBe(true);

    await pass(-2 * 3_600_000);
    expect(await acquire("b")).toBeUndefined();
    await pass(leaseMs);
    expect(await acquire("b")).toBe(2n);
  });

  it("is its living holder's after a jump ahead, unless another took it, which the epoch tells", async () => {
    const lease = { name: "chain", holder: "a", leaseMs: 1_000 };
    const ahead = sql`UPDATE leases SET expires_at = expires_at - interval '2 hours'`;
    expect(await acquireLease(database.db, lease)).toBe(1n);
    await database.db.execute(ahead);
    expect(await renewLease(database.db, lease, 1n)).toBe(true);
    await database.db.execute(ahead);
    expect(await acquireLease(database.db, { ...lease, holder: "b" })).toBe(2n);
    expect(await renewLease(database.db, lease, 1n)).toBe(false);
  });

  it("is won by one of many that ask at once", async () => {
    const epochs = await Promise.all(Array.from({ length: 8 }, (_, n) => ask(`edge-${n}`)));

    expect(epochs.filter((epoch) => epoch !== undefined)).toEqual([1n]);
  });
});
