import * as v from "valibot";
import { describe, expect, it } from "vitest";
import { delta, MAX_SUMMARY_BYTES, summary } from "../../../shared/messages/summary.ts";
import { type MemoryDisk, memoryDisk } from "../../support/memory-disk.ts";
import {
  drain,
  granted,
  mine,
  never,
  openJob,
  restarted,
  sharesOf,
  start,
  submission,
  submit,
  word,
  world,
} from "../../support/share-desk.ts";
import { pass, passUntil, settle } from "../../support/turns.ts";

const LATE_MS = 1_000;

describe("the slot lease", () => {
  it("outlives a database outage of a block, then shares are busy, and all goes on when it is back", async () => {
    const w = world();
    await start(w, 1000);
    w.books.databaseAway = true;
    await pass(w.clock, 20_000);
    const during = await submit(w, submission(w, 1000, await mine(1000, 0)));
    await pass(w.clock, 20_000);
    const found = await mine(1000, 0, { skip: 1 });
    const beyond = await submit(w, submission(w, 1000, found));
    w.books.databaseAway = false;
    await pass(w.clock, 6_000);

    expect([during, beyond, await submit(w, submission(w, 1000, found))]).toEqual([
      "accepted",
      "busy",
      "accepted",
    ]);
  });

  it("that runs out while a share is written makes no promise, and the share is credited once", async () => {
    const w = world();
    await start(w, 1000);
    w.books.databaseAway = true;
    const found = await mine(1000, 0);
    await pass(w.clock, 5_000);
    const release = w.disk.holdNextSync();
    const waiting = w.desk.submit(submission(w, 1000, found));
    await settle();
    // The lease of 30 s was asked for at the very start.
    w.clock.advance(30_001 - w.clock.monotonicMs());
    release();
    const verdict = await passUntil(w.clock, waiting);

    const after = restarted(w);
    after.books.databaseAway = false;
    await start(after, 1000);
    await drain(after);

    expect(word(verdict)).toBe("unavailable");
    expect(sharesOf(after, 1000)).toBe(1);
  });

  it("taken by another process with the same identity ends this one", async () => {
    const w = world();
    await start(w, 1000);
    await w.books.acquireSlot({ edgeId: "edge-a", leaseMs: 30_000, lateMs: LATE_MS });
    await pass(w.clock, 6_000);

    expect(w.fatal.map(({ code }) => code)).toEqual(["edge-fenced"]);
    expect(await submit(w, submission(w, 1000, await mine(1000, 0)))).toBe("busy");
  });

  it("whose epoch was ended goes on in the next one, and both epochs send their markers", async () => {
    const w = world();
    await start(w, 1000);
    await submit(w, submission(w, 1000, await mine(1000, 0)));
    const grant = w.desk.grant();
    if (grant === undefined) throw new Error("no grant");
    await w.books.endEpoch("edge-a", grant);
    await pass(w.clock, 6_000);

    const verdict = await submit(w, submission(w, 1000, await mine(1000, 0, { skip: 1 })));
    await openJob(w, 1001);
    await pass(w.clock, LATE_MS + 2_000);

    expect([verdict, w.desk.grant()?.epoch, sharesOf(w, 1000)]).toEqual(["accepted", 2, 2]);
    expect(w.books.markers.get("1000/0/1")).toBe(0);
    expect(w.books.markers.get("1000/0/2")).toBe(0);
    expect(w.fatal).toEqual([]);
  });

  it("whose epoch was ended takes its shares until it learns of it, and marks their job once", async () => {
    const w = world(memoryDisk(), { confirmEveryMs: 1_000 });
    w.books.unmarkedAway = true;
    await start(w, 1000);
    await submit(w, submission(w, 1000, await mine(1000, 0)));
    const grant = w.desk.grant();
    if (grant === undefined) throw new Error("no grant");
    await w.books.endEpoch("edge-a", grant);
    w.books.unmarkedAway = false;
    await pass(w.clock, 1_500);

    const verdict = await submit(w, submission(w, 1000, await mine(1000, 0, { skip: 1 })));
    await pass(w.clock, 6_000);

    expect([verdict, w.desk.grant()?.epoch, sharesOf(w, 1000)]).toEqual(["accepted", 2, 2]);
    const markers = w.books.sent.filter((body) => body.includes('"close"') && body.includes('"epoch":1'));
    expect(markers).toHaveLength(1);
    expect(w.books.markers.get("1000/0/1")).toBe(1);
    expect(w.books.incomplete()).toEqual([]);
  });

  it("whose epoch was ended in a job's late time credits the late shares in the next one before it marks the job", async () => {
    const w = world();
    await start(w, 1000);
    const grant = w.desk.grant();
    if (grant === undefined) throw new Error("no grant");
    await pass(w.clock, 4_500);
    await w.books.endEpoch("edge-a", grant);
    w.desk.endCurrentJob();
    const late = submission(w, 1000, await mine(1000, 0));
    await pass(w.clock, 600);
    await openJob(w, 1001);

    const verdict = await submit(w, { ...late, readAtMs: w.clock.monotonicMs() });
    await pass(w.clock, LATE_MS + 2_000);

    expect([verdict, w.desk.grant()?.epoch, sharesOf(w, 1000)]).toEqual(["accepted", 2, 1]);
    expect(w.books.markers.get("1000/0/2")).toBe(0);
    expect(w.books.incomplete()).toEqual([]);
  });
});

describe("deltas", () => {
  it("are sent again as the same bytes until the queue takes them, and empty windows send nothing", async () => {
    const w = world();
    await start(w, 1000);
    w.books.queueAway = true;
    await submit(w, submission(w, 1000, await mine(1000, 0)));
    await pass(w.clock, 3_000);
    await submit(w, submission(w, 1000, await mine(1000, 0, { skip: 1 })));
    await pass(w.clock, 60_000, 500);
    const waiting = w.desk.stats()?.outbox.waiting;
    w.books.queueAway = false;
    await pass(w.clock, 31_000, 500);

    expect(waiting).toBe(2);
    expect(sharesOf(w, 1000)).toBe(2);
    expect(w.books.sent).toHaveLength(2);
  });

  it("that a dying queue took and never delivered are sent again, by this process and by the next", async () => {
    const w = world(memoryDisk(), { resendAfterMs: 20_000 });
    await start(w, 1000);
    w.books.held = true;
    await submit(w, submission(w, 1000, await mine(1000, 0)));
    await pass(w.clock, 2_000);
    w.books.loseHeld();
    await pass(w.clock, 30_000, 500);
    const twice = w.books.sent.slice();
    w.books.loseHeld();
    w.books.held = false;

    const after = restarted(w);
    await start(after, 1000);
    await pass(after.clock, 1_000);

    expect(twice).toHaveLength(2);
    expect(new Set(twice).size).toBe(1);
    expect(sharesOf(after, 1000)).toBe(1);
  });

  it("are cut into messages of at most 48 KB that validate and hold every worker once", async () => {
    const w = world();
    await start(w, 1000);
    const worker = (n: number): string => `${n}`.padEnd(200, 'w\\"');
    for (let n = 0; n < 300; n++) {
      const found = await mine(1000, await granted(w, { holder: { user: "alice", worker: worker(n) } }));
      await submit(w, submission(w, 1000, found));
    }
    await pass(w.clock, 1_100);

    const deltas = w.books.sent.map((body) => v.parse(summary, JSON.parse(body)));
    expect(w.books.sent.every((body) => Buffer.byteLength(body) <= MAX_SUMMARY_BYTES)).toBe(true);
    expect(deltas.length).toBeGreaterThan(1);
    expect([...w.books.sums().values()].map(({ shares }) => shares)).toEqual(Array(300).fill(1));
    expect(w.books.sums().size).toBe(300);
  });

  it("wait in growing windows while the outbox is full, and lose nothing [G7]", async () => {
    const w = world(memoryDisk(), { outboxBytes: 1 });
    await start(w, 1000);
    w.books.queueAway = true;
    for (let n = 0; n < 5; n++) {
      await submit(w, submission(w, 1000, await mine(1000, 0, { skip: n })));
      await pass(w.clock, 2_000, 500);
    }
    const waiting = w.desk.stats()?.outbox.waiting;
    w.books.queueAway = false;
    await drain(w);

    expect(waiting).toBe(1);
    expect(w.books.deltas.size).toBe(2);
    expect(sharesOf(w, 1000)).toBe(5);
  });

  it("have a body that the message schema takes", async () => {
    const w = world();
    await start(w, 1000);
    const prefix = await granted(w, { holder: { user: "alice", worker: "" } });
    await submit(w, submission(w, 1000, await mine(1000, prefix)));
    await pass(w.clock, 1_100);

    expect(v.is(delta, JSON.parse(w.books.sent[0] ?? ""))).toBe(true);
  });
});

describe("close markers", () => {
  it("are sent for every job of the epoch, also for those without shares and those passed over", async () => {
    const w = world();
    w.books.addJob(1000);
    await start(w, 1000);
    await openJob(w, 1001);
    await pass(w.clock, LATE_MS + 1_300);
    for (const height of [1002, 1003]) w.books.addJob(height);
    await openJob(w, 1004);
    await pass(w.clock, LATE_MS + 1_300);

    expect(Object.fromEntries(w.books.markers)).toEqual({
      "1000/0/1": -1,
      "1001/0/1": -1,
      "1002/0/1": -1,
      "1003/0/1": -1,
    });
  });

  it("of an epoch that died before its first job are made up by the next", async () => {
    const w = world();
    w.books.addJob(1000);
    await start(w);
    const grant = w.desk.grant();
    if (grant === undefined) throw new Error("no grant");
    // Covered, but killed before the job was on record.
    await w.books.coverJob("edge-a", grant, 1000);

    const after = restarted(w);
    await start(after, 1000);
    await pass(after.clock, 1_000);

    expect(Object.fromEntries(after.books.markers)).toEqual({ "1000/0/1": -1 });
  });
});

describe("a stop while a cut is being written", () => {
  it("cuts once more, for the shares that came meanwhile", async () => {
    const inner = memoryDisk();
    const syncs: (() => void)[] = [];
    let isGated = false;
    const gate = (): Promise<void> =>
      isGated ? new Promise((resolve) => syncs.push(resolve)) : Promise.resolve();
    const disk: MemoryDisk = {
      ...inner,
      create: async (path) => {
        const file = await inner.create(path);
        return { ...file, sync: () => gate().then(() => file.sync()) };
      },
    };
    const w = world(disk);
    await start(w, 1000);
    await submit(w, submission(w, 1000, await mine(1000, 0)));

    isGated = true;
    const second = w.desk.submit(submission(w, 1000, await mine(1000, 0, { skip: 1 })));
    await pass(w.clock, 10);
    // Holds the first share; its record waits behind the second's.
    const cut = w.desk.cutNow();
    await settle();
    syncs.shift()?.();
    expect(word(await passUntil(w.clock, second))).toBe("accepted");
    const drained = w.desk.drain(new AbortController().signal);
    isGated = false;
    await pass(w.clock, 10);
    for (const release of syncs) release();
    await passUntil(w.clock, Promise.all([cut, drained]));

    expect(sharesOf(w, 1000)).toBe(2);
    expect(w.books.incomplete()).toEqual([]);
  });
});

describe("a desk that is drained while it waits for a slot", () => {
  it("does not open when the database is back, and takes nothing", async () => {
    const w = world();
    w.books.databaseAway = true;
    const recovered = w.desk.recover(never).catch((error: unknown) => error);
    await pass(w.clock, 3_000);
    await drain(w);
    w.books.databaseAway = false;
    const outcome = await passUntil(w.clock, recovered);

    expect(outcome).toMatchObject({ code: "slot-wait-aborted" });
    expect(w.desk.canKeep()).toBe(false);
    expect(await submit(w, submission(w, 1000, await mine(1000, 0)))).toBe("unavailable");
  });
});
