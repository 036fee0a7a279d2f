import * as v from "valibot";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type SubmittableShare, Submitter } from "../../../edge/chain/submitter.ts";
import { systemClock } from "../../../shared/clock.ts";
import { bestTargets, insertJob, type JobRow } from "../../../shared/db/jobs.ts";
import { sql } from "../../../shared/db/port.ts";
import { parseCommit } from "../../../shared/factom/commit.ts";
import { keyPairFromSeed } from "../../../shared/factom/ed25519.ts";
import { entryHash, parseEntry } from "../../../shared/factom/entry.ts";
import { SILENT } from "../../../shared/logger.ts";
import { createTestDatabase, type TestDatabase } from "../../support/database.ts";

const payer = keyPairFromSeed(new Uint8Array(32).fill(7));

const job: JobRow = {
  height: 1001,
  version: 5,
  oprHash: "ab".repeat(32),
  opr: new Uint8Array([1, 2, 3]),
  prices: {},
  threshold: 0n,
  feeRate: "0.05000000",
  split: "largest-remainder",
  credit: "assigned",
};

const share = (difficulty: bigint): SubmittableShare => ({
  height: 1001,
  user: "alice",
  worker: "rig",
  nonce: new Uint8Array([0, 0, 0, 1, Number(difficulty % 251n)]),
  difficulty,
});

describe("the submitter", () => {
  let database: TestDatabase;
  let refusals = 0;
  /** Numbers of submitters whose commits go nowhere any more: their process has ended. */
  let dead: Set<number>;
  let onChain: string[];
  let submitters: Submitter[];
  beforeEach(async () => {
    database = await createTestDatabase();
    await insertJob(database.db, job, null);
    onChain = [];
    submitters = [];
    refusals = 0;
    dead = new Set();
  });
  afterEach(async () => {
    await Promise.all(submitters.map((one) => one.close()));
    await database.drop();
  });

  const start = async (softmax: number, row: JobRow = job): Promise<Submitter> => {
    const paid = new Set<string>();
    const number = submitters.length;
    const submitter = new Submitter(
      { softmax, payer, retryMs: 5 },
      {
        db: database.db,
        commit: async (message) => {
          if (dead.has(number) || refusals-- > 0) throw new Error("factomd is busy");
          const parsed = parseCommit(message);
          if (parsed.ok) paid.add(parsed.commit.entryHash);
        },
        reveal: async (message) => {
          const hash = entryHash(message);
          if (!paid.has(hash)) throw new Error("not paid");
          const parsed = parseEntry(message);
          if (parsed.ok) onChain.push(hash);
        },
        slot: () => 0,
        clock: systemClock,
        logger: SILENT,
      },
    );
    submitters.push(submitter);
    await submitter.openJob(row);
    return submitter;
  };

  const states = () =>
    database.db.query(
      sql`SELECT state, target::text AS target FROM submissions ORDER BY submissions.target DESC`,
      v.object({ state: v.string(), target: v.string() }),
    );

  it("sends the best of a job and records the blocked ones [G17] [P6]", async () => {
    const submitter = await start(2);

    for (const difficulty of [10n, 30n, 20n, 5n, 25n]) submitter.offer(share(difficulty));

    await expect.poll(() => submitter.stats()).toEqual({ revealed: 4, blocked: 1, abandoned: 0, pending: 0 });
    expect(onChain).toHaveLength(4);
    expect((await states()).map((row) => `${row.target} ${row.state}`)).toEqual([
      "30 revealed",
      "25 revealed",
      "20 revealed",
      "10 revealed",
      "5 blocked",
    ]);
  });

  it("records a hundred blocked ones of a job and counts the rest", async () => {
    const submitter = await start(1);

    for (let below = 0; below < 150; below++) submitter.offer(share(1_000n - BigInt(below)));

    await expect
      .poll(() => submitter.stats())
      .toEqual({ revealed: 1, blocked: 149, abandoned: 0, pending: 0 });
    expect((await states()).filter(({ state }) => state === "blocked")).toHaveLength(100);
    submitter.offer(share(2_000n));
    await expect.poll(() => submitter.stats()).toMatchObject({ revealed: 2, blocked: 149 });
  });

  it("sends only what is strictly above the threshold", async () => {
    const submitter = await start(25, { ...job, threshold: 20n });

    submitter.offer(share(20n));
    submitter.offer(share(21n));

    await expect.poll(() => submitter.stats().revealed).toBe(1);
    expect((await states()).map((row) => row.target)).toEqual(["21"]);
  });

  it("sends the same share once", async () => {
    const submitter = await start(25);

    submitter.offer(share(20n));
    submitter.offer(share(20n));

    await expect.poll(() => submitter.stats().pending).toBe(0);
    expect(onChain).toHaveLength(1);
  });

  it("tries again when factomd refuses, while the job lives", async () => {
    refusals = 3;
    const submitter = await start(25);

    submitter.offer(share(20n));

    await expect.poll(() => submitter.stats().revealed).toBe(1);
  });

  it("abandons what the job's end overtakes, with the last reason", async () => {
    refusals = Number.POSITIVE_INFINITY;
    const submitter = await start(25);
    submitter.offer(share(20n));

    await submitter.openJob({ ...job, height: 1002 });

    await expect.poll(() => submitter.stats().abandoned).toBe(1);
    expect(await states()).toEqual([{ state: "abandoned", target: "20" }]);
  });

  it("goes on after a restart with what was under way, and with the job's best list", async () => {
    refusals = Number.POSITIVE_INFINITY;
    const before = await start(1);
    before.offer(share(20n));
    // Its record, then its place in the job's list.
    await expect.poll(() => bestTargets(database.db, job.height, 1)).toEqual([20n]);
    dead.add(0);
    refusals = 0;

    const after = await start(1);
    after.offer(share(19n));

    await expect.poll(() => after.stats()).toMatchObject({ revealed: 1, blocked: 1 });
  });

  it("ignores shares of another job", async () => {
    const submitter = await start(25);

    submitter.offer({ ...share(20n), height: 1000 });

    expect(submitter.stats().pending).toBe(0);
  });
});
