import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { formatRate, RATE_ONE } from "../../../shared/accounting/fee.ts";
import { referenceProportion } from "../../../shared/accounting/split.ts";
import { auditBooks } from "../../../shared/audit/audit.ts";
import { fromHex, toHex } from "../../../shared/bytes.ts";
import { type BlockRow, readBlock } from "../../../shared/db/blocks.ts";
import { type JobRow, readJob } from "../../../shared/db/jobs.ts";
import { readDuePayments } from "../../../shared/db/payments.ts";
import type { Db } from "../../../shared/db/port.ts";
import { requireAddress } from "../../../shared/factom/address.ts";
import { parseCommit } from "../../../shared/factom/commit.ts";
import { keyPairFromSeed } from "../../../shared/factom/ed25519.ts";
import {
  BLOCKS_WITHOUT_RECORDS,
  BOOKED,
  BOOKED_WITHOUT_CAROL,
  ENTRY_COUNTS,
  FIRST_TARGET,
  MINIMUM_AND_EMA,
  PAYOUTS_WITHOUT_JOB,
} from "./differences.ts";
import {
  achieved,
  difficultyOf,
  entryNameOf,
  expectedError,
  isOfSubscriber,
  proportionAmongSubscribers,
  rateOf,
  recordedTxId,
  sharedOf,
  shareOf,
  sharesOf,
  timeless,
} from "./expected.ts";
import { CAROL, type Carol, type Played, play } from "./play.ts";
import { readRecording } from "./recording.ts";
import { readHeights, readPayouts, readPlaces, readSubmissions, readWork } from "./rows.ts";

const recording = readRecording();
const { db: theirs, jobs, blocks } = recording;
const HEIGHTS = [1, 2, 3, 4, 5, 6, 7, 8];
const JOB_HEIGHTS = [6, 7, 8];
const POOL_ADDRESS = "FA2c3xAcJrNYLgp4yMJX4Y5mwG3UrMe67JX8WTLZh3VXcT7d8Wk5";

describe.each<{ carol: Carol; about: string }>([
  { carol: "subscribed", about: "with carol subscribed, at the target that the reference gives her" },
  { carol: "as recorded", about: "with carol as recorded, who never subscribes" },
])("the recorded run of the Go pool, $about", ({ carol }) => {
  let played: Played;
  let db: Db;
  const counts = (share: { user: string }): boolean => share.user !== CAROL || carol === "subscribed";

  beforeAll(async () => {
    played = await play(recording, carol);
    db = played.database.db;
  });
  afterAll(() => played?.database.drop());

  const blockRows = async (): Promise<BlockRow[]> => {
    const rows = await Promise.all(HEIGHTS.map((height) => readBlock(db, height)));
    return rows.filter((row) => row !== undefined);
  };
  const jobRow = async (height: number): Promise<JobRow> => {
    const row = await readJob(db, height);
    if (row === undefined) throw new Error(`there is no job ${height}`);
    return row;
  };

  it("books every height that the reference synced, under the directory block's name and time", async () => {
    expect(await readHeights(db, "blocks")).toEqual(theirs.block_syncs.map((row) => row.synced));

    const rows = await blockRows();

    expect(rows.map(({ height, keyMr, at }) => [height, keyMr, at])).toEqual(
      blocks
        .slice(1)
        .map((block) => [
          block.height,
          block.dblockKeyMR,
          Number.parseInt(block.dblockRaw.slice(202, 210), 16) * 60,
        ]),
    );
  });

  it("grades the blocks to the same winners, version and counts", async () => {
    const rows = await blockRows();

    expect(rows.map(({ winners }) => winners)).toEqual(blocks.slice(1).map((block) => block.winnersAfter));
    const withRecords = rows.filter((row) => !BLOCKS_WITHOUT_RECORDS.includes(row.height));
    expect(withRecords.map((row) => row.height)).toEqual(theirs.pegnet_grades.map((row) => row.height));
    for (const [i, grade] of theirs.pegnet_grades.entries()) {
      const row = withRecords[i];
      const counted = ENTRY_COUNTS[grade.height] ?? { reference: grade.count, ours: grade.count };
      expect(row).toMatchObject({
        version: grade.version,
        winners: grade.short_hashes,
        entries: counted.ours,
        graded: row?.height !== 3,
      });
      expect(grade.count, `entries of ${grade.height}`).toBe(counted.reference);
    }
    for (const height of BLOCKS_WITHOUT_RECORDS)
      expect(rows.find((row) => row.height === height)).toMatchObject({
        entries: 0,
        graded: false,
        reward: 0n,
      });
  });

  it("gives every graded entry the same place and payout, and counts as ours what pays our address", async () => {
    const places = await readPlaces(db);

    expect(theirs.pegnet_payouts).toHaveLength(283);
    // Our places begin with 1; of the address a row keeps whether it is ours.
    expect(places).toEqual(
      theirs.pegnet_payouts.map((row) => ({
        height: row.height,
        position: row.position + 1,
        entryHash: row.entry_hash,
        payout: row.reward,
        identity: row.identity,
        ours: row.coinbase_address === POOL_ADDRESS,
      })),
    );
    for (const grade of theirs.pegnet_grades) {
      const found = places.filter((place) => place.height === grade.height).length;
      // An ungraded block has no places; the reference notes the most that there could be.
      expect([found, grade.cutoff], `places of ${grade.height}`).toEqual(
        grade.height === 3 ? [0, 50] : [grade.cutoff, grade.cutoff],
      );
    }
  });

  it("averages minimum targets in difficulty order, where the reference counts in grade order", async () => {
    const rows = await blockRows();

    expect(rows.map(({ height, minTarget, ema }) => [height, minTarget, ema])).toEqual(
      MINIMUM_AND_EMA.map(({ height, minimum, ema }) => [height, minimum.ours, ema.ours]),
    );
    const recorded = MINIMUM_AND_EMA.filter(({ ema }) => ema.reference !== undefined);
    expect(
      theirs.emas.map((row) => [row.block_height, row.minimum_target << 1n, row.ema_value << 1n]),
    ).toEqual(recorded.map(({ height, minimum, ema }) => [height, minimum.reference, ema.reference]));
  });

  it("makes the same jobs from the same prices, with our threshold", async () => {
    const expected = [...jobs.map(({ jobid, oprhash }) => ({ jobid, oprhash })), recording.finalJob];

    expect(await readHeights(db, "jobs")).toEqual(expected.map(({ jobid }) => jobid));
    for (const { jobid, oprhash } of expected) {
      const row = await jobRow(jobid);
      expect(row).toMatchObject({ oprHash: oprhash, version: 5, split: "reference", credit: "achieved" });
      expect(row.feeRate).toBe(theirs.owed_payouts[0]?.pool_fee_rate);
      expect(row.threshold).toBe(MINIMUM_AND_EMA.find(({ height }) => height === jobid - 1)?.ema.ours);
    }
  });

  it("announces each job once to those who subscribed, and first a target not above the threshold", () => {
    const announced = [...jobs, recording.finalJob].map((job) => [String(job.jobid), job.oprhash, ""]);

    expect([...played.heard.keys()]).toEqual(["c1", "a1", "b1", "a2"]);
    for (const [worker, { jobs: heard, firstTarget }] of played.heard) {
      const subscribed = worker !== "c1" || carol === "subscribed";
      expect(heard, worker).toEqual(subscribed ? announced : []);
      expect(firstTarget, worker).toBe(subscribed ? FIRST_TARGET.ours : undefined);
    }
    for (const row of theirs.owed_payouts) expect(row.p_diff).toBe(FIRST_TARGET.reference);
  });

  it("gives every share the recorded verdict, but for who never subscribed", () => {
    expect(played.verdicts).toHaveLength(jobs.reduce((sum, job) => sum + job.shares.length, 0));
    for (const { job, share, accepted, error } of played.verdicts) {
      const about = `${job} ${share.miner} ${share.nonce}`;
      expect(accepted, about).toBe(share.accepted && counts(share));
      expect(error?.message, about).toBe(expectedError(share, counts(share)));
    }
    const differing = played.verdicts.filter(({ share, accepted }) => accepted !== share.accepted);
    expect(differing).toHaveLength(carol === "subscribed" ? 0 : 3 * 28);
  });

  it("pays for and reveals the same entries, byte for byte and in the same order", () => {
    const entries = jobs
      .flatMap((job) => job.submittedEntries)
      .filter(({ entryhash }) => carol === "subscribed" || isOfSubscriber(entryhash));
    const payer = keyPairFromSeed(requireAddress("Es", recording.esAddress));

    expect(entries).toHaveLength(carol === "subscribed" ? 61 : 33);
    expect(played.messages.map(({ kind, hex }) => (kind === "commit" ? timeless(hex) : hex))).toEqual(
      entries.flatMap(({ commit, reveal }) => [timeless(commit), reveal]),
    );
    for (const { hex } of played.messages.filter(({ kind }) => kind === "commit")) {
      const parsed = parseCommit(fromHex(hex));
      expect(parsed.ok && toHex(parsed.commit.publicKey)).toBe(toHex(payer.publicKey));
    }
  });

  it("asks factomd for the same blocks, and once for each entry that it has not sent", () => {
    const { heights, "current-minute": minutes, ...counted } = Object.fromEntries(played.calls);
    // How often the heights and minutes are polled depends on the clock.
    const { heights: _, "current-minute": __, ...recorded } = recording.factomdCalls;

    expect(heights).toBeGreaterThan(0);
    expect(minutes).toBeGreaterThan(0);
    const entries = carol === "subscribed" ? 61 : 33;
    expect(recorded["commit-entry"]).toBe(61);
    // Differs from prosper-pool: what this pool has sent itself it knows, and an entry that is listed twice is read once.
    const listed = recording.blocks.flatMap(({ entryHashes }) => entryHashes ?? []);
    const sent = new Set(played.messages.map(({ entryHash }) => entryHash));
    const read = new Set(listed.filter((hash) => !sent.has(hash))).size;
    const entryBlocks = recording.blocks.filter(({ eblockKeyMR }) => eblockKeyMR !== undefined).length;
    expect(recorded["raw-data"]).toBe(listed.length + entryBlocks);
    expect(counted).toEqual({
      ...recorded,
      "raw-data": read + entryBlocks,
      "commit-entry": entries,
      "reveal-entry": entries,
    });
  });

  it("records the same submissions, sent or blocked", async () => {
    const rows = await readSubmissions(db);
    const expected = theirs.entry_submissions.filter((row) => counts({ user: row.username }));

    expect(theirs.entry_submissions).toHaveLength(99);
    expect(rows).toHaveLength(carol === "subscribed" ? 99 : 33);
    expect(expected).toHaveLength(rows.length);
    for (const row of expected) {
      const ours = rows.find(({ job, nonce }) => job === row.job_id && nonce === row.nonce);
      const target = ours?.target ?? 0n;
      // The reference has no name for an entry that was not sent; we record the one it would have had.
      const sent = row.blocked === "0";
      const wouldBe = entryNameOf((await jobRow(row.job_id)).opr, row.nonce, target);
      expect(row.entry_hash).toBe(sent ? wouldBe : "0".repeat(64));
      expect(ours).toEqual({
        job: row.job_id,
        entryHash: wouldBe,
        oprHash: row.opr_hash,
        nonce: row.nonce,
        target,
        user: row.username,
        worker: row.miner_id,
        state: sent ? "revealed" : "blocked",
      });
      expect(target >> 1n).toBe(row.target);
      expect(target).toBe(shareOf(row.job_id, row.nonce).target);
      // The transaction's id depends on the clock: theirs is that of the commit they recorded.
      expect(row.commit_tx_id).toBe(sent ? recordedTxId(row.entry_hash) : "0".repeat(64));
    }
  });

  it("sums every accepted share by worker, in the unit of the reached difficulty", async () => {
    const rows = await readWork(db);

    const expected = jobs.flatMap((job) =>
      ["a1", "a2", "b1", "c1"].flatMap((worker) => {
        const sent = job.shares.filter((share) => share.miner === worker && counts(share));
        const good = sent.filter((share) => share.accepted);
        const [first] = sent;
        if (first === undefined) return [];
        const [best] = good.map(({ target }) => target).sort((a, b) => (a < b ? 1 : -1));
        return {
          job: job.jobid,
          user: first.user,
          worker,
          shares: BigInt(good.length),
          work: good.reduce((sum, { target }) => sum + achieved(target), 0n),
          best,
          rejected: BigInt(sent.length - good.length),
        };
      }),
    );
    expect(rows).toEqual(expected);
    expect(rows).toHaveLength(carol === "subscribed" ? 12 : 9);
  });

  it("seals the three jobs with the recorded reward and fee, and carries the dust", () => {
    const booked = carol === "subscribed" ? BOOKED : BOOKED_WITHOUT_CAROL;
    const recorded = theirs.owed_payouts.filter(({ job_id }) => !PAYOUTS_WITHOUT_JOB.includes(job_id));

    expect(recorded.map((row) => row.job_id)).toEqual(JOB_HEIGHTS);
    expect(played.sealed.map((block) => block.height)).toEqual(JOB_HEIGHTS);
    for (const [i, row] of recorded.entries()) {
      const block = played.sealed[i];
      const { carriedIn, carried } = booked[i] ?? { carriedIn: -1n };
      expect(row.graded).toBe(row.winning);
      expect(row.dust).toBe(carried?.reference);
      expect(block).toMatchObject({
        reward: row.pool_reward,
        fee: row.pool_fee,
        winning: row.winning,
        forced: false,
        carriedIn,
        carried: carried?.ours,
        paid: row.pool_reward - row.pool_fee + carriedIn - (carried?.ours ?? 0n),
        shares: BigInt(sharesOf(row.job_id).filter(counts).length),
      });
      expect(carriedIn).toBe(i === 0 ? 0n : booked[i - 1]?.carried.ours);
    }
  });

  it("has no job where the reference books an empty payout", async () => {
    const empty = theirs.owed_payouts.filter(({ job_id }) => PAYOUTS_WITHOUT_JOB.includes(job_id));

    expect(empty.map((row) => row.job_id)).toEqual(PAYOUTS_WITHOUT_JOB);
    for (const row of empty)
      expect([row.pool_reward, row.pool_fee, row.dust, row.graded, row.winning, row.pool_difficuty]).toEqual([
        0n,
        0n,
        0n,
        0,
        0,
        "0",
      ]);
    const ours = await readHeights(db, "jobs");
    expect(ours.filter((height) => PAYOUTS_WITHOUT_JOB.includes(height))).toEqual([]);
  });

  it("pays every user the recorded proportion of the reward and of the dust carried in", async () => {
    const rows = await readPayouts(db);
    const booked = carol === "subscribed" ? BOOKED : BOOKED_WITHOUT_CAROL;

    expect(theirs.user_owed_payouts).toHaveLength(9);
    expect(rows).toHaveLength(carol === "subscribed" ? 9 : 6);
    for (const row of theirs.user_owed_payouts) {
      const job = booked.find((one) => one.job === row.job_id);
      const amount = job?.users[row.user_id];
      expect(row.payout).toBe(amount?.reference);
      const ours = rows.find((one) => one.job === row.job_id && one.user === row.user_id);
      if (!counts({ user: row.user_id })) {
        expect(ours).toBeUndefined();
        continue;
      }
      const all = rows.filter((one) => one.job === row.job_id);
      const total = all.reduce((sum, { work }) => sum + work, 0n);
      const proportion = referenceProportion(ours?.work ?? 0n, total);
      expect(ours?.amount).toBe(amount?.ours);
      expect(ours?.shares).toBe(row.total_submissions);
      expect(difficultyOf(ours?.work ?? 0n) / Number(row.user_difficuty)).toBeCloseTo(1, 12);
      expect(formatRate(proportion)).toBe(
        carol === "subscribed" ? row.proportion : proportionAmongSubscribers(row.job_id, row.user_id),
      );
      // The carry is the only thing between the two amounts: without it the recorded proportion gives the recorded payout.
      const shared = sharedOf(row.job_id);
      expect((shared * rateOf(row.proportion)) / RATE_ONE).toBe(row.payout);
      expect(((shared + (job?.carriedIn ?? 0n)) * proportion) / RATE_ONE).toBe(ours?.amount);
    }
  });

  it("counts the pool's work as the reference does", async () => {
    const rows = await readPayouts(db);

    for (const height of JOB_HEIGHTS) {
      const total = rows.filter(({ job }) => job === height).reduce((sum, { work }) => sum + work, 0n);
      const row = theirs.owed_payouts.find(({ job_id }) => job_id === height);
      const missing = theirs.user_owed_payouts
        .filter(({ job_id, user_id }) => job_id === height && !counts({ user: user_id }))
        .reduce((sum, { user_difficuty }) => sum + Number(user_difficuty), 0);
      expect((difficultyOf(total) + missing) / Number(row?.pool_difficuty)).toBeCloseTo(1, 12);
    }
  });

  it("owes everybody what was booked, conserves the money, and lacks an address to pay to", async () => {
    const { payments, overpaid } = await readDuePayments(db);
    const audit = await auditBooks(db);

    const booked = carol === "subscribed" ? BOOKED : BOOKED_WITHOUT_CAROL;
    const expected = ["alice@example.com", "bob@example.com", CAROL].flatMap((user) => {
      const owed = booked.reduce((sum, { users }) => sum + (users[user]?.ours ?? 0n), 0n);
      return owed === 0n ? [] : { user, address: "", owed, paid: 0n, amount: owed };
    });
    expect(payments).toEqual(expected);
    expect(overpaid).toEqual([]);
    expect(audit.problems).toEqual([]);
    expect(audit).toMatchObject({ blocks: 3, carried: booked.at(-1)?.carried.ours });
    expect(audit.paid).toBe(expected.reduce((sum, { owed }) => sum + owed, 0n));
    const reward = theirs.owed_payouts.reduce((sum, row) => sum + row.pool_reward, 0n);
    expect(audit.reward).toBe(reward);
    expect(audit.fee + audit.paid + audit.carried).toBe(reward);
  });
});
