import { describe, expect, it } from "vitest";
import { memoryDisk } from "../../support/memory-disk.ts";
import {
  drain,
  mine,
  openJob,
  restarted,
  sharesOf,
  start,
  submission,
  submit,
  world,
} from "../../support/share-desk.ts";
import { pass, passUntil, settle } from "../../support/turns.ts";

describe("a full disk", () => {
  it("makes shares busy, keeps their nonces unused, and everything counts once there is room again", async () => {
    const w = world();
    await start(w, 1000);
    await submit(w, submission(w, 1000, await mine(1000, 0)));
    await settle();
    const found = await mine(1000, 0, { skip: 1 });
    w.disk.capacity = [...w.disk.files().values()].reduce((sum, { length }) => sum + length, 10);

    const full = await submit(w, submission(w, 1000, found));
    await pass(w.clock, 3_000);
    const noDelta = w.books.deltas.size;
    w.disk.capacity = Number.POSITIVE_INFINITY;
    await pass(w.clock, 1_000);
    const again = await submit(w, submission(w, 1000, found));
    await pass(w.clock, 1_100);

    expect([full, noDelta, again]).toEqual(["busy", 0, "accepted"]);
    expect(sharesOf(w, 1000)).toBe(2);
    expect(w.fatal).toEqual([]);
  });
});

describe("a failing fsync", () => {
  it("makes the group busy and ends the process; the next one credits what was acknowledged", async () => {
    const w = world();
    await start(w, 1000);
    const acknowledged = await submit(w, submission(w, 1000, await mine(1000, 0)));
    w.disk.failNext("sync");
    const lost = await mine(1000, 0, { skip: 1 });

    const verdicts = [await submit(w, submission(w, 1000, lost)), await submit(w, submission(w, 1000, lost))];
    const after = restarted(w, {}, "power");
    await start(after, 1000);
    await drain(after);

    expect([acknowledged, ...verdicts]).toEqual(["accepted", "busy", "duplicate"]);
    expect(w.fatal.map(({ code }) => code)).toEqual(["journal-failed"]);
    expect(sharesOf(after, 1000)).toBeGreaterThanOrEqual(1);
    expect(after.books.incomplete()).toEqual([]);
  });
});

describe("journal files", () => {
  it("are freed when their jobs are over and the books have everything, not before [P10]", async () => {
    const w = world();
    await start(w, 1000);
    const count = (): number => w.disk.files().size;
    w.books.held = true;
    for (const height of [1000, 1001, 1002, 1003]) {
      if (height > 1000) await openJob(w, height);
      await submit(w, submission(w, height, await mine(height, 0)));
      await pass(w.clock, 10_000, 500);
    }
    const whileHeld = count();
    w.books.release();
    await pass(w.clock, 6_000, 500);

    expect(whileHeld).toBeGreaterThanOrEqual(4);
    expect(count()).toBe(1);
    expect(w.books.incomplete()).toEqual([]);
  });

  it("keep the nonces of the running job through a clean stop", async () => {
    const w = world(memoryDisk(), { journal: { segmentBytes: 400 } });
    await start(w, 1000);
    const found = await mine(1000, 0);
    await submit(w, submission(w, 1000, found));
    for (let skip = 1; skip < 9; skip++) await submit(w, submission(w, 1000, await mine(1000, 0, { skip })));
    await drain(w);
    await pass(w.clock, 12_000, 500);
    await passUntil(w.clock, w.desk.close());

    const after = restarted(w);
    await start(after, 1000);

    expect(await submit(after, submission(after, 1000, found))).toBe("duplicate");
    expect(after.books.markers.get("1000/0/1")).toBe(0);
    expect(sharesOf(after, 1000)).toBe(9);
  });

  it("that hold nothing but the running job's own record stay, or its nonces would be unspent after a restart", async () => {
    // A file for every record or two: the job's record stands alone in one.
    const w = world(memoryDisk(), { journal: { segmentBytes: 1 } });
    await start(w, 1000);
    const found = await mine(1000, 0);
    await submit(w, submission(w, 1000, found));
    await pass(w.clock, 12_000, 500);

    const after = restarted(w);
    await start(after, 1000);

    expect(await submit(after, submission(after, 1000, found))).toBe("duplicate");
  });

  it("tell a restart which shares a cut holds and which came while it was written", async () => {
    const w = world();
    await start(w, 1000);
    await submit(w, submission(w, 1000, await mine(1000, 0)));
    const later = submission(w, 1000, await mine(1000, 0, { skip: 1 }));

    await passUntil(w.clock, Promise.all([w.desk.cutNow(), w.desk.submit(later)]));
    const cut = sharesOf(w, 1000);
    const after = restarted(w);
    await start(after, 1000);
    await drain(after);

    expect([cut, sharesOf(after, 1000)]).toEqual([1, 2]);
  });

  it("let a restart offer the shares of the running job for submission again", async () => {
    const w = world();
    await start(w, 1000);
    const found = await mine(1000, 0, { target: 0xf000_0000_0000_0000n });
    await submit(w, submission(w, 1000, found));

    const after = restarted(w);
    await start(after);
    const again = await passUntil(
      after.clock,
      after.desk.openJob({ height: 1000, oprHash: submission(w, 1000, found).oprHash, credit: "assigned" }),
    );

    expect(again).toMatchObject([
      { height: 1000, difficulty: found.difficulty, recovered: true, late: false },
    ]);
  });
});

describe("opening a job", () => {
  it("again changes nothing; another oprHash or a lower height is refused", async () => {
    const w = world();
    await start(w, 1000);
    await openJob(w, 1001);
    const open = (height: number, oprHash: string) =>
      passUntil(w.clock, w.desk.openJob({ height, oprHash, credit: "assigned" })).then(
        () => "opened",
        (error: { code: string }) => error.code,
      );

    expect(await open(1001, submission(w, 1001, await mine(1001, 0)).oprHash)).toBe("opened");
    expect(await open(1001, "ab".repeat(32))).toBe("job-differs");
    expect(await open(1000, "ab".repeat(32))).toBe("job-went-back");
    expect(await submit(w, submission(w, 1001, await mine(1001, 0)))).toBe("accepted");
  });

  it("with the database away is refused, ends the job before, and works when it is back", async () => {
    const w = world();
    await start(w, 1000);
    w.books.databaseAway = true;
    await expect(openJob(w, 1001)).rejects.toMatchObject({ code: "db-away" });
    const early = await submit(w, submission(w, 1001, await mine(1001, 0)));
    w.books.databaseAway = false;
    await openJob(w, 1001);

    expect([early, await submit(w, submission(w, 1001, await mine(1001, 0)))]).toEqual(["stale", "accepted"]);
  });
});
