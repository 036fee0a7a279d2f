import { describe, expect, it } from "vitest";
import { memoryDisk } from "../../support/memory-disk.ts";
import {
  ALICE,
  drain,
  granted,
  mine,
  openJob,
  oprHashOf,
  restarted,
  start,
  submission,
  submit,
  type World,
  world,
} from "../../support/share-desk.ts";
import { pass, passUntil } from "../../support/turns.ts";

const LATE_MS = 1_000;

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
