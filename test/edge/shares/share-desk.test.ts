import { describe, expect, it } from "vitest";
import { toHex } from "../../../shared/bytes.ts";
import { assignedWork } from "../../../shared/difficulty/work.ts";
import type { Hasher } from "../../../shared/hash/hasher.ts";
import {
  ALICE,
  drain,
  granted,
  hasher8,
  mine,
  mineThree,
  openJob,
  restarted,
  sharesOf,
  start,
  submission,
  submit,
  word,
  world,
} from "../../support/share-desk.ts";
import { pass, passUntil } from "../../support/turns.ts";

const LATE_MS = 1_000;

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
