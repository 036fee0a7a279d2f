import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { applyMessage } from "../../../functions/accounting/apply.ts";
import type { BooksEvent } from "../../../functions/accounting/events.ts";
import { unparkDeltas, watermarks } from "../../../shared/db/deltas.ts";
import { type Db, sql } from "../../../shared/db/port.ts";
import { closeJob } from "../../../shared/db/seals.ts";
import { SILENT } from "../../../shared/logger.ts";
import { addBlock, addJob, addUsers, closeBody, deltaBody, sharesOf, text } from "../../support/books.ts";
import { createTestDatabase, type TestDatabase } from "../../support/database.ts";

let database: TestDatabase;
let db: Db;
let events: BooksEvent[];
beforeAll(async () => {
  database = await createTestDatabase();
  db = database.db;
  await addUsers(db, "ann", "bob");
});
afterAll(() => database.drop());

const apply = (body: string): Promise<void> => {
  events = [];
  return applyMessage(body, { db, logger: SILENT, onEvent: (event) => events.push(event) });
};

describe("a delta", () => {
  it("is counted once, however often it comes, and its body is kept byte for byte", async () => {
    await addJob(db, 100);
    const body = ` ${deltaBody({ job: 100, seq: 0 }, { "ann/rig": 3, "bob/": 2 })}\n`;

    await apply(body);
    await apply(body);

    expect(events).toEqual([{ kind: "dup" }]);
    expect([await sharesOf(db, 100, "ann"), await sharesOf(db, 100, "bob")]).toEqual([3, 2]);
    expect(await text(db, sql`SELECT body FROM deltas WHERE job = 100`)).toBe(body);
    expect(await text(db, sql`SELECT work FROM work WHERE job = 100 AND user_name = 'ann'`)).toBe("196608");
  });

  it("adds up with deltas of older epochs, other slots, and rows of one worker", async () => {
    await addJob(db, 101);
    const twice = JSON.parse(deltaBody({ job: 101, seq: 1, epoch: 2 }, { "ann/rig": 3 }));
    twice.rows.push(twice.rows[0]);

    await apply(JSON.stringify(twice));
    await apply(deltaBody({ job: 101, seq: 0, epoch: 1 }, { "ann/rig": 5 }));
    await apply(deltaBody({ job: 101, seq: 0, epoch: 1, slot: 7 }, { "ann/rig": 7 }));

    expect(await sharesOf(db, 101, "ann")).toBe(18);
    expect(await text(db, sql`SELECT rejected FROM work WHERE job = 101`)).toBe("4");
  });

  it("is refused when its key stands with another body, and changes nothing", async () => {
    await addJob(db, 102);
    await apply(deltaBody({ job: 102, seq: 0 }, { "ann/rig": 3 }));

    const other = apply(deltaBody({ job: 102, seq: 0 }, { "ann/rig": 4 }));

    await expect(other).rejects.toMatchObject({ code: "summary-conflict" });
    expect(await sharesOf(db, 102, "ann")).toBe(3);
  });

  it("is refused for an unknown job or user without a trace", async () => {
    await addJob(db, 103);

    await expect(apply(deltaBody({ job: 999, seq: 0 }, { "ann/rig": 3 }))).rejects.toMatchObject({
      code: "summary-unknown-job",
    });
    const noUser = apply(deltaBody({ job: 103, seq: 0 }, { "ann/rig": 3, "eve/x": 1 }));
    await expect(noUser).rejects.toMatchObject({ code: "summary-unknown-user", data: { user: "eve" } });
    expect(await text(db, sql`SELECT count(*) FROM deltas WHERE job IN (103, 999)`)).toBe("0");
    expect(await sharesOf(db, 103, "ann")).toBe(0);
  });

  it.each([
    ["no JSON", "{"],
    ["a NUL in a name", deltaBody({ job: 103, seq: 0 }, { "ann\u0000/rig": 1 })],
    ["a lone surrogate in a name", deltaBody({ job: 103, seq: 0 }, { "ann\ud800/rig": 1 })],
    ["an unknown version", deltaBody({ job: 103, seq: 0 }, { "ann/rig": 1 }).replace('"v":1', '"v":2')],
    ["no rows", deltaBody({ job: 103, seq: 0 }, {})],
    ["more than 48 KB", `${deltaBody({ job: 103, seq: 0 }, { "ann/rig": 1 })}${" ".repeat(48 * 1024)}`],
  ])("with %s is refused before the database sees it", async (_, body) => {
    await expect(apply(body)).rejects.toMatchObject({ code: "summary-malformed" });
  });

  it("counts whole hashes a minute whatever unit the job credits", async () => {
    await addJob(db, 104, { credit: "achieved" });

    await apply(deltaBody({ job: 104, seq: 0 }, { "bob/minute": 2 }, 65_536n << 48n));

    expect(await text(db, sql`SELECT work FROM worker_minutes WHERE worker = 'minute'`)).toBe("131072");
    expect(
      await text(db, sql`SELECT extract(epoch FROM minute)::int FROM worker_minutes WHERE worker = 'minute'`),
    ).toBe("60");
  });

  it("above its edge's close marker is credited all the same", async () => {
    await addJob(db, 105);
    await apply(closeBody({ job: 105 }, 0));

    await apply(deltaBody({ job: 105, seq: 4 }, { "ann/rig": 9 }));

    expect(await sharesOf(db, 105, "ann")).toBe(9);
  });
});

describe("a close marker", () => {
  it("is stored once; another last seq under its key is a conflict", async () => {
    await apply(closeBody({ job: 200 }, 5));
    await apply(closeBody({ job: 200 }, 5));
    const twice = events;

    const other = apply(closeBody({ job: 200 }, 6));

    expect(twice).toEqual([{ kind: "dup" }]);
    await expect(other).rejects.toMatchObject({ code: "summary-conflict" });
    expect(await text(db, sql`SELECT last_seq FROM close_markers WHERE job = 200`)).toBe("5");
  });
});

describe("the watermark", () => {
  it("tells how far an edge epoch's deltas are in without a gap, and its markers", async () => {
    await addJob(db, 300);
    for (const seq of [0, 1, 3]) await apply(deltaBody({ job: 300, seq, slot: 9 }, { "ann/rig": 1 }));
    await apply(closeBody({ job: 300, slot: 9 }, 3));
    await apply(closeBody({ job: 301, slot: 9 }, -1));

    const marks = await watermarks(db, { slot: 9, epoch: 1 }, 0);

    expect(marks).toEqual([
      { job: 300, through: 1, lastSeq: 3 },
      { job: 301, through: -1, lastSeq: -1 },
    ]);
  });
});

describe("late work", () => {
  it("is booked into the oldest open job, in its unit of work, and waits while there is none", async () => {
    const lone = await createTestDatabase();
    db = lone.db;
    await addUsers(db, "ann");
    await addJob(db, 1);
    await addBlock(db, 1, 0n);
    await closeJob(db, 1, false);

    await apply(deltaBody({ job: 1, seq: 0 }, { "ann/rig": 2 }));
    const parked = [events, await unparkDeltas(db)];
    await addJob(db, 3, { credit: "achieved" });
    const moved = await unparkDeltas(db);
    await addJob(db, 4);
    await apply(deltaBody({ job: 1, seq: 1 }, { "ann/rig": 5 }));

    expect(parked).toEqual([[{ kind: "applied", message: "delta", late: true }], 0]);
    expect(moved).toBe(1);
    expect([
      await sharesOf(db, 1, "ann"),
      await sharesOf(db, 3, "ann"),
      await sharesOf(db, 4, "ann"),
    ]).toEqual([0, 7, 0]);
    expect(await text(db, sql`SELECT work FROM work WHERE job = 3`)).toBe(((7n * 65_536n) << 48n).toString());
    expect(await text(db, sql`SELECT late_shares || '/' || best FROM work WHERE job = 3`)).toBe("7/0");
    expect(await text(db, sql`SELECT string_agg(into_job::text, ',' ORDER BY seq) FROM deltas`)).toBe("3,3");
    await lone.drop();
    db = database.db;
  });
});
