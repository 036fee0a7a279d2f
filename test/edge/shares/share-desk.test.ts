import * as v from "valibot";
import { describe, expect, it } from "vitest";
import { toHex } from "../../../shared/bytes.ts";
import { assignedWork } from "../../../shared/difficulty/work.ts";
import type { Hasher } from "../../../shared/hash/hasher.ts";
import { delta, MAX_SUMMARY_BYTES, summary } from "../../../shared/messages/summary.ts";
import { type MemoryDisk, memoryDisk } from "../../support/memory-disk.ts";
import {
  ALICE,
  drain,
  granted,
  hasher8,
  mine,
  mineThree,
  never,
  openJob,
  oprHashOf,
  restarted,
  start,
  submission,
  submit,
  type World,
  word,
  world,
} from "../../support/share-desk.ts";
import { pass, passUntil, settle } from "../../support/turns.ts";

const LATE_MS = 1_000;

function sharesOf(w: World, job: number, user = "alice", worker = "rig"): number {
  return w.books.sums().get(`${job} ${user} ${worker}`)?.shares ?? 0;
}

describe("an accepted share", () => {
  it("is credited the work of its assigned target, is in the queue after one period, and reaches the submitter", async () => {
    const w = world();
    await start(w, 1000);
    const assigned = 0xc000_0000_0000_0000n;
    const found = await mine(1000, await granted(w, { target: assigned }), { target: assigned });

    const verdict = await submit(w, submission(w, 1000, found));
    await pass(w.clock, 1_100);

    expect(verdict).toBe("accepted");
    expect(w.books.sums().get("1000 alice rig")).toEqual({
      shares: 1,
      work: assignedWork(assigned),
      rejected: 0,
    });
    expect(w.accepted).toMatchObject([{ height: 1000, difficulty: found.difficulty, assigned, late: false }]);
    expect([...w.books.deltas.values()]).toMatchObject([
      { seq: 0, rows: [{ best: found.difficulty.toString() }] },
    ]);
  });

  it("is on disk when it is answered: a kill right then loses nothing [G8] [P1] [P2]", async () => {
    const w = world();
    await start(w, 1000);
    const found = await mine(1000, await granted(w));
    const verdict = await submit(w, submission(w, 1000, found));
    expect([...w.books.deltas]).toEqual([]);

    const after = restarted(w, {}, "power");
    await start(after);
    await pass(after.clock, 100);

    expect(verdict).toBe("accepted");
    expect(sharesOf(after, 1000)).toBe(1);
    expect(after.books.markers.get("1000/0/1")).toBe(0);
  });

  it("counts what it reached where the job's credit is achieved", async () => {
    const w = world();
    await start(w);
    await openJob(w, 1000, "achieved");
    const [poor, rich] = [await mine(1000, 0), await mine(1000, 0, { target: 0xff00_0000_0000_0000n })];

    await submit(w, submission(w, 1000, rich));
    await pass(w.clock, 1_100);

    const work = w.books.sums().get("1000 alice rig")?.work ?? 0n;
    expect(work).toBeGreaterThan(255n << 48n);
    expect(rich.difficulty).toBeGreaterThan(poor.difficulty);
  });
});

describe("one share", () => {
  it("is credited once whatever its spelling, session, user and however often the edge restarts [G3] [G4] [P3] [P4]", async () => {
    let w = world();
    await start(w, 1000);
    const prefix = await granted(w);
    const found = await mine(1000, prefix);
    const hex = toHex(found.nonce);
    const spell = (n: number): string =>
      [...hex].map((digit, at) => ((n >> (at % 20)) & 1 ? digit.toUpperCase() : digit)).join("");
    const tally = new Map<string, number>();

    for (let n = 0; n < 1000; n++) {
      if (n === 300 || n === 700) {
        w = restarted(w);
        await start(w, 1000);
      }
      const zeroes = "0".repeat(n % 5);
      const said = await submit(
        w,
        submission(w, 1000, found, {
          nonce: spell(n),
          target: `${zeroes}${n % 2 ? found.difficulty.toString(16).toUpperCase() : found.difficulty.toString(16)}`,
          sessionId: `s${n % 20}`,
          worker: n % 3 ? "rig" : "other",
        }),
      );
      tally.set(said, (tally.get(said) ?? 0) + 1);
    }
    await drain(w);

    const credited = [...w.books.sums().values()].reduce((sum, { shares }) => sum + shares, 0);
    expect(Object.fromEntries(tally)).toEqual({ accepted: 1, duplicate: 999 });
    expect(credited).toBe(1);
  });

  it("sent twice at once is hashed and credited once", async () => {
    const w = world();
    await start(w, 1000);
    const found = await mine(1000, await granted(w));
    const share = submission(w, 1000, found);
    const before = hasher8.hashed();

    const both = Promise.all([w.desk.submit(share), w.desk.submit({ ...share, sessionId: "s2" })]);
    const verdicts = (await passUntil(w.clock, both)).map(word);

    expect(verdicts).toEqual(["accepted", "duplicate"]);
    expect(hasher8.hashed() - before).toBe(1);
  });

  it("that was refused for a wrong claim may be sent again with the true one [G5]", async () => {
    const w = world();
    await start(w, 1000);
    const found = await mine(1000, await granted(w));
    const claim = (target: bigint) => submit(w, submission(w, 1000, found, { target: target.toString(16) }));

    const verdicts = [
      await claim(found.difficulty + 1n),
      await claim(found.difficulty - 1n),
      await claim(found.difficulty),
      await claim(found.difficulty),
    ];

    expect(verdicts).toEqual(["wrong-hash", "wrong-hash", "accepted", "duplicate"]);
  });
});

describe("the cheap checks", () => {
  it.each([
    ["a nonce of the bare prefix", { nonce: "00000000" }, "malformed"],
    ["an odd number of digits", { nonce: "000000000" }, "malformed"],
    ["no hex", { nonce: "zz00000000" }, "malformed"],
    ["hex with 0x", { nonce: "0x0000000001" }, "malformed"],
    ["white space", { nonce: " 0000000001" }, "malformed"],
    ["a line end", { nonce: "0000000001\n" }, "malformed"],
    ["33 bytes", { nonce: "00".repeat(33) }, "malformed"],
    ["an empty nonce", { nonce: "" }, "malformed"],
    ["no target", { target: "" }, "malformed"],
    ["a target with 0x", { target: "0xff" }, "malformed"],
    ["a target of 17 digits", { target: "1ffff000000000000" }, "malformed"],
    ["a prefix that nobody was given", { nonce: "00000abcdef01" + "0" }, "wrong-prefix"],
    ["another slot's prefix", { nonce: "abcdef0101" }, "other-edge"],
    ["an unknown oprHash", { oprHash: "ab".repeat(32) }, "stale"],
    ["an oprHash in upper case", { oprHash: "000003E8".repeat(8) }, "stale"],
    ["a future job id", { jobId: "1001" }, "malformed"],
    ["a job id that is no number", { jobId: "abc" }, "malformed"],
    ["a job id with a leading zero", { jobId: "01000" }, "malformed"],
  ])(
    "refuse %s without hashing, send nothing for it alone, and count it beside the worker's next share",
    async (_, changes, code) => {
      const w = world();
      await start(w, 1000);
      const found = await mine(1000, 0);
      const before = hasher8.hashed();

      const said = await submit(w, submission(w, 1000, found, changes));
      const hashed = hasher8.hashed() - before;
      await pass(w.clock, 1_100);

      expect([said, hashed]).toEqual([code, 0]);
      expect(w.books.sent).toEqual([]);
      const good = await mine(1000, await granted(w));
      expect(await submit(w, submission(w, 1000, good))).toBe("accepted");
      await pass(w.clock, 1_100);
      expect(w.books.sums().get("1000 alice rig")).toMatchObject({ shares: 1, rejected: 1 });
    },
  );

  it("refuse what does not reach the target of its prefix, whatever its session was told since", async () => {
    const w = world();
    await start(w, 1000);
    const hard = await granted(w, { target: 0xff00_0000_0000_0000n });
    const easy = await granted(w, { target: 0x8000_0000_0000_0000n });
    const low = await mine(1000, hard, { target: 0x8000_0000_0000_0000n });
    const high = await mine(1000, easy, { target: 0xff00_0000_0000_0000n });

    const verdicts = [await submit(w, submission(w, 1000, low)), await submit(w, submission(w, 1000, high))];
    await pass(w.clock, 1_100);

    expect(low.difficulty).toBeLessThan(0xff00_0000_0000_0000n);
    expect(verdicts).toEqual(["low-difficulty", "accepted"]);
    expect(w.books.sums().get("1000 alice rig")?.work).toBe(2n);
  });

  it("refuse another user's prefix, and one whose session never logged in", async () => {
    const w = world();
    await start(w, 1000);
    const unclaimed = await granted(w, { holder: undefined });
    const found = [await mine(1000, 0), await mine(1000, unclaimed)];
    const [hers, nobodys] = found.map((one) => submission(w, 1000, one));
    if (hers === undefined || nobodys === undefined) throw new Error("nothing found");

    const before = [await submit(w, { ...hers, user: "eve" }), await submit(w, nobodys)];
    await passUntil(w.clock, w.desk.claimPrefix(unclaimed, ALICE));

    expect(before).toEqual(["wrong-prefix", "wrong-prefix"]);
    expect(await submit(w, nobodys)).toBe("accepted");
  });

  it("say busy while the hasher's queue is full or fails, and leave the nonce unused", async () => {
    const w = world();
    await start(w, 1000);
    const found = await mine(1000, 0);
    const hasher: Hasher = { ...hasher8, canAcceptWork: () => false };
    w.hasher = hasher;
    const full = await submit(w, submission(w, 1000, found));
    w.hasher = { ...hasher8, hash: () => Promise.reject(new Error("closed")) };
    const failing = await submit(w, submission(w, 1000, found));
    w.hasher = hasher8;

    expect([full, failing, await submit(w, submission(w, 1000, found))]).toEqual([
      "busy",
      "busy",
      "accepted",
    ]);
  });

  it("have no answer before recovery and after a drain", async () => {
    const w = world();
    const found = await mine(1000, 0);
    const before = await submit(w, submission(w, 1000, found));
    await start(w, 1000);
    await drain(w);

    expect([before, await submit(w, submission(w, 1000, found))]).toEqual(["unavailable", "unavailable"]);
    const asked = { target: 0n, holder: ALICE, measured: undefined };
    expect(await passUntil(w.clock, w.desk.grantPrefix(asked))).toBeUndefined();
  });
});

describe("a late share", () => {
  it("counts for its own job by the time its line was read, with either job id, and is marked late [G20]", async () => {
    const w = world();
    await start(w, 1000);
    const [one, two, three] = await mineThree(1000, 0);
    await openJob(w, 1001);
    const opened = w.clock.monotonicMs();
    await pass(w.clock, LATE_MS / 2);

    const verdicts = [
      await submit(w, submission(w, 1000, one)),
      await submit(w, submission(w, 1000, two, { jobId: "1001" })),
    ];
    // Over, but lines that were read in time may still reach the checks.
    w.clock.advance(opened + LATE_MS + 50 - w.clock.monotonicMs());
    verdicts.push(await submit(w, submission(w, 1000, three)));
    verdicts.push(await submit(w, submission(w, 1000, three, { readAtMs: opened + LATE_MS - 10 })));
    await pass(w.clock, 2_000);

    expect(verdicts).toEqual(["accepted", "accepted", "stale", "accepted"]);
    expect(sharesOf(w, 1000)).toBe(3);
    expect(w.accepted.map(({ late }) => late)).toEqual([true, true, true]);
  });

  it("that waits in hashing holds back its job's close marker, which then counts it", async () => {
    const w = world();
    await start(w, 1000);
    const found = await mine(1000, 0);
    await openJob(w, 1001);
    let release = (): void => undefined;
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    w.hasher = { ...hasher8, hash: (inputs) => gate.then(() => hasher8.hash(inputs)) };
    const waiting = w.desk.submit(submission(w, 1000, found));
    await pass(w.clock, 3 * LATE_MS);
    const before = w.books.markers.has("1000/0/1");

    release();
    const verdict = await passUntil(w.clock, waiting);
    await pass(w.clock, 1_100);

    expect([before, word(verdict), w.books.markers.get("1000/0/1")]).toEqual([false, "accepted", 0]);
  });

  it("of a height that ended without a next job is taken for the same time", async () => {
    const w = world();
    await start(w, 1000);
    const found = await mine(1000, 0);
    w.desk.endCurrentJob();
    const between = await submit(w, submission(w, 1000, found));
    await pass(w.clock, LATE_MS + 300);

    expect([between, await submit(w, submission(w, 1000, await mine(1000, 0, { skip: 1 })))]).toEqual([
      "accepted",
      "stale",
    ]);
    await pass(w.clock, 1_000);
    expect(w.books.markers.get("1000/0/1")).toBe(0);
  });
});

describe("a job that is stopped", () => {
  it("takes what was found before for the late time, whatever happens then, and nothing after it", async () => {
    const w = world();
    await start(w, 1000);
    const [one, two, three] = await mineThree(1000, 0);
    w.desk.stopJob();
    await pass(w.clock, LATE_MS / 2);
    const verdicts = [await submit(w, submission(w, 1000, one))];
    // Neither the end of its height nor the next job makes the time longer.
    w.desk.endCurrentJob();
    await pass(w.clock, LATE_MS / 4);
    verdicts.push(await submit(w, submission(w, 1000, two)));
    await openJob(w, 1001);
    await pass(w.clock, LATE_MS / 2);
    verdicts.push(await submit(w, submission(w, 1000, three)));

    expect(verdicts).toEqual(["accepted", "accepted", "stale"]);
    expect(w.accepted.map(({ late }) => late)).toEqual([true, true]);
  });

  it("goes on under new prefixes only: those held while it was stopped count for nothing", async () => {
    const w = world();
    await start(w, 1000);
    w.desk.stopJob();
    const meanwhile = await granted(w);
    await pass(w.clock, LATE_MS + 100);
    await passUntil(w.clock, w.desk.resumeJob());
    const after = await granted(w);
    const word = async (prefix: number) => submit(w, submission(w, 1000, await mine(1000, prefix)));

    expect([await word(0), await word(meanwhile), await word(after)]).toEqual(["stale", "stale", "accepted"]);
    expect(w.desk.freshFrom()).toBeGreaterThan(1);
  });

  it("stays so over a restart, and its late time ends where it would have", async () => {
    const w = world();
    await start(w, 1000);
    const [one, two] = [await mine(1000, 0), await mine(1000, 0, { skip: 1 })];
    w.desk.stopJob();
    await pass(w.clock, LATE_MS / 2);

    const after = restarted(w);
    await start(after);
    const late = await submit(after, submission(after, 1000, one));
    await pass(after.clock, LATE_MS);
    await openJob(after, 1000);
    const stopped = after.desk.freshFrom();
    await passUntil(after.clock, after.desk.resumeJob());
    const over = await submit(after, submission(after, 1000, two));
    const fresh = await submit(after, submission(after, 1000, await mine(1000, await granted(after))));

    expect([late, stopped, over, fresh]).toEqual(["accepted", undefined, "stale", "accepted"]);
    expect(after.accepted.map((share) => share.late)).toEqual([true, false]);
  });

  it("and whose block is over at a restart takes its late shares beside the next job's, and is marked once", async () => {
    const w = world();
    await start(w, 1000);
    const found = await mine(1000, 0);
    w.desk.endCurrentJob();
    await pass(w.clock, LATE_MS / 4);

    const after = restarted(w);
    await start(after, 1001);
    const late = await submit(after, submission(after, 1000, found));
    await pass(after.clock, LATE_MS + 2_000);

    expect([late, sharesOf(after, 1000)]).toEqual(["accepted", 1]);
    expect(after.books.incomplete()).toEqual([]);
  });
});

describe("prefixes", () => {
  it("given back are good for their holder in the same job, for nobody else, and free when the job is over", async () => {
    const w = world();
    await start(w, 1000);
    const prefix = await granted(w);
    const found = await mine(1000, prefix);
    const next = await mine(1001, prefix);
    w.desk.releasePrefix(prefix);

    const stranger = await submit(w, submission(w, 1000, found, { user: "eve" }));
    const holder = await submit(w, submission(w, 1000, found));
    await openJob(w, 1001);
    const nextJob = await submit(w, submission(w, 1001, next));
    const quarantined = w.desk.stats()?.prefixes.quarantined;
    await pass(w.clock, LATE_MS + 2_000);

    expect([stranger, holder, nextJob]).toEqual(["wrong-prefix", "accepted", "wrong-prefix"]);
    expect([quarantined, w.desk.stats()?.prefixes.quarantined]).toEqual([1, 0]);
  });

  it("go on after a restart within a job, and stay with those who used them", async () => {
    const w = world();
    await start(w, 1000);
    const given = [await granted(w), await granted(w), await granted(w)];
    const used = given[1] ?? 0;
    await submit(w, submission(w, 1000, await mine(1000, used)));

    const after = restarted(w);
    await start(after, 1000);
    const next = await granted(after);
    const old = await submit(after, submission(after, 1000, await mine(1000, used, { skip: 1 })));

    // The last in force before the job are on record with it again.
    expect(given).toEqual([1, 2, 3]);
    expect(next).toBeGreaterThan(3);
    expect(old).toBe("accepted");
  });
});

describe("a prefix", () => {
  it("keeps its target, its holder and what it is good for over a restart, over jobs too", async () => {
    const w = world(memoryDisk(), { journal: { segmentBytes: 1 } });
    await start(w, 1000);
    const target = 0x8000_0000_0000_0000n;
    const prefix = await granted(w, { target, holder: { user: "bob", worker: "two" } });
    await openJob(w, 1001);
    await pass(w.clock, 20_000, 500);

    const after = restarted(w);
    await start(after, 1001);
    const found = await Promise.all([0, 1, 2, 3, 4, 5, 6, 7].map((skip) => mine(1001, prefix, { skip })));
    const low = found.find(({ difficulty }) => difficulty < target) ?? {
      nonce: new Uint8Array(5),
      difficulty: 0n,
    };
    const high = await mine(1001, prefix, { target });
    const verdicts = [
      await submit(after, submission(after, 1001, low, { user: "bob" })),
      await submit(after, submission(after, 1001, high, { user: "bob" })),
    ];
    await drain(after);

    expect(verdicts).toEqual(["low-difficulty", "accepted"]);
    expect(after.books.sums().get("1001 bob two")?.work).toBe(2n);
  });

  it("is its holder's after a restart, at whatever moment of a job's beginning the login came", async () => {
    for (let moment = 0; moment < 30; moment++) {
      const w = world();
      await start(w, 1000);
      const prefix = await granted(w, { holder: undefined });
      w.books.addJob(1001);
      const opening = w.desk.openJob({ height: 1001, oprHash: oprHashOf(1001), credit: "assigned" });
      for (let turns = 0; turns < moment; turns++) {
        w.clock.advance(0.5);
        await new Promise((resolve) => setImmediate(resolve));
      }
      const login = w.desk.claimPrefix(prefix, ALICE);
      await passUntil(w.clock, Promise.all([opening, login]));

      const after = restarted(w);
      await start(after, 1001);
      const share = submission(after, 1001, await mine(1001, prefix));
      expect(await submit(after, share), `moment ${moment}`).toBe("accepted");
    }
  });

  it("is told to nobody where it cannot be put on record", async () => {
    const w = world();
    await start(w, 1000);
    w.disk.capacity = [...w.disk.files().values()].reduce((sum, { length }) => sum + length, 10);

    await expect(granted(w)).rejects.toThrow("no prefix was free");
    expect(w.desk.canKeep()).toBe(false);
    w.disk.capacity = Number.POSITIVE_INFINITY;
    await pass(w.clock, 3_000);
    expect(w.desk.canKeep()).toBe(true);
  });

  it("that proved right is remembered for its worker at its address, and for its password anywhere, over a restart", async () => {
    const w = world();
    await start(w, 1000);
    const home = { address: "10.0.0.1", trusted: false };
    await granted(w, { target: 1n << 63n, measured: home });
    const after = restarted(w);
    await start(after, 1000);
    const remembered = (desk: World["desk"]) => [
      desk.lastTarget(ALICE, home),
      desk.lastTarget(ALICE, { address: "10.0.0.2", trusted: true }),
      desk.lastTarget({ user: "alice", worker: "other" }, home),
    ];
    const before = remembered(after.desk);
    const prefix = await granted(after, { target: 3n << 62n });
    after.desk.measuredPrefix(prefix, { address: "10.0.0.9", trusted: true });

    expect(before).toEqual([1n << 63n, undefined, undefined]);
    expect(remembered(after.desk)).toEqual([1n << 63n, 3n << 62n, undefined]);
  });
});

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
