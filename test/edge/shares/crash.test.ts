import { describe, expect, it } from "vitest";
import { memoryBooks } from "../../support/memory-books.ts";
import { memoryDisk } from "../../support/memory-disk.ts";
import {
  type Found,
  mine,
  never,
  oprHashOf,
  submission,
  type World,
  word,
  world,
} from "../../support/share-desk.ts";
import { pass, passUntil, settle } from "../../support/turns.ts";

/** One share of the script; its worker's name is its own, so that the books tell how often it was credited. */
interface Planned {
  height: number;
  worker: string;
  found: Found;
}

const HEIGHTS = [1000, 1001, 1002];
const SHARES_PER_JOB = 5;

async function plan(): Promise<Planned[]> {
  const shares: Planned[] = [];
  for (const height of HEIGHTS)
    for (let n = 0; n < SHARES_PER_JOB; n++)
      shares.push({ height, worker: `${height}-${n}`, found: await mine(height, shares.length) });
  return shares;
}

/** The first prefixes of the slot, one for each worker of the plan in its order. */
async function grantAll(w: World, shares: readonly Planned[]): Promise<void> {
  const grants = shares.map(({ worker }) =>
    w.desk.grantPrefix({ target: 0n, holder: { user: "alice", worker }, measured: undefined }),
  );
  await passUntil(w.clock, Promise.all(grants));
}

/** What the miners were told. */
class Oracle {
  readonly acknowledged = new Set<string>();

  async submit(w: World, shares: readonly Planned[]): Promise<void> {
    // Each twice at once: in flight together, and again after every restart.
    const twice = shares.flatMap((share) => [share, share]);
    const verdicts = twice.map((share) =>
      w.desk.submit(submission(w, share.height, share.found, { worker: share.worker })),
    );
    const said = await passUntil(w.clock, Promise.all(verdicts));
    for (const [index, verdict] of said.entries())
      if (word(verdict) === "accepted") this.acknowledged.add(twice[index]?.worker ?? "");
  }
}

/** The life of a process: it mines what is left of the plan, through queue outages, until it is through or dead. */
async function live(w: World, shares: readonly Planned[], oracle: Oracle): Promise<void> {
  try {
    await passUntil(w.clock, w.desk.recover(never));
    await grantAll(w, shares);
    for (const height of HEIGHTS) {
      w.books.addJob(height);
      await passUntil(w.clock, w.desk.openJob({ height, oprHash: oprHashOf(height), credit: "assigned" }));
      const ofJob = shares.filter((share) => share.height === height);
      w.books.queueAway = height % 2 === 1;
      w.books.held = height % 2 === 0;
      // The last of the job before comes late.
      await oracle.submit(w, shares.filter((share) => share.height === height - 1).slice(4));
      await oracle.submit(w, ofJob.slice(0, 2));
      await pass(w.clock, 1_100, 300);
      await oracle.submit(w, ofJob.slice(2, 4));
      await pass(w.clock, 6_500, 800);
      w.books.release();
      if (w.disk.dead()) return;
    }
    w.books.queueAway = false;
    await pass(w.clock, 6_000, 1_000);
  } catch {
    // The disk died under it; what it was told before counts.
  }
}

/** A process that is gone asks and sends nothing more. */
function bury(w: World): void {
  const { books } = w;
  books.loseHeld();
  books.held = false;
  books.queueAway = false;
  const nothing = memoryBooks(() => 0);
  nothing.databaseAway = true;
  nothing.queueAway = true;
  w.books = nothing;
  w.disk.dieAfter(0);
}

/** Recovers on what is left, sends every share of the running job again, and stops cleanly. */
async function finish(w: World, shares: readonly Planned[], oracle: Oracle): Promise<void> {
  await passUntil(w.clock, w.desk.recover(never));
  const newest = Math.max(1000, ...[...w.books.slots.values()].map(({ coveredJob }) => coveredJob ?? 0));
  w.books.addJob(newest);
  await passUntil(
    w.clock,
    w.desk.openJob({ height: newest, oprHash: oprHashOf(newest), credit: "assigned" }),
  );
  await oracle.submit(
    w,
    shares.filter(({ height }) => height === newest),
  );
  await pass(w.clock, 1_500, 500);
  await passUntil(w.clock, w.desk.drain(never));
  await settle();
  await passUntil(w.clock, w.desk.close());
}

function check(w: World, shares: readonly Planned[], oracle: Oracle): void {
  for (const { height, worker } of shares) {
    const credited = w.books.sums().get(`${height} alice ${worker}`)?.shares ?? 0;
    if (oracle.acknowledged.has(worker)) expect(credited, `${worker} was acknowledged`).toBe(1);
    else expect(credited, `${worker} was not acknowledged`).toBeLessThanOrEqual(1);
  }
  expect(w.books.incomplete()).toEqual([]);
  // Nobody waits for a marker that never comes: what an epoch owes was sent.
  for (const [key, { firstJob, lastJob }] of w.books.epochs) {
    const [slot, epoch] = key.split("/");
    for (let job = firstJob ?? 1000; job <= (lastJob ?? 0); job++)
      expect(w.books.markers.has(`${job}/${slot}/${epoch}`), `marker of ${job} from epoch ${epoch}`).toBe(
        true,
      );
  }
}

function chances(seed: number): () => number {
  let state = seed * 7919 + 1;
  return () => {
    state = (state * 48271) % 2147483647;
    return state / 2147483647;
  };
}

describe("an edge that dies at any operation of its disk", () => {
  it.each(["kill", "power"] as const)(
    "and dies again while it recovers, has every acknowledged share credited once (%s)",
    { timeout: 60_000 },
    async (kind) => {
      const shares = await plan();
      const healthy = world(memoryDisk());
      const all = new Oracle();
      await live(healthy, shares, all);
      const operations = healthy.disk.operations();
      bury(healthy);

      let acknowledged = 0;
      for (let at = 1; at <= operations; at++) {
        const chance = chances(at);
        const oracle = new Oracle();
        const first = world(memoryDisk());
        first.disk.dieAfter(at, chance());
        await live(first, shares, oracle);
        const { books, clock } = first;
        bury(first);

        const second = world(first.disk.afterCrash(kind, chance), {}, { ...first, books, clock });
        second.disk.dieAfter(1 + Math.floor(chance() * 12), chance());
        await finish(second, shares, oracle).catch(() => undefined);
        bury(second);

        const third = world(second.disk.afterCrash(kind, chance), {}, { ...second, books, clock });
        await finish(third, shares, oracle);
        check(third, shares, oracle);
        acknowledged += oracle.acknowledged.size;
      }

      expect(operations).toBeGreaterThan(60);
      expect(all.acknowledged.size).toBe(HEIGHTS.length * SHARES_PER_JOB - 1);
      expect(acknowledged).toBeGreaterThan(operations);
    },
  );
});
