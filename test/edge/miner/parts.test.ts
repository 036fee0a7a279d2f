/** The miner's small parts: back-off, rate, and the outbox that keeps shares over a lost connection. */

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { backoffMs } from "../../../edge/miner/backoff.ts";
import { rejectionName } from "../../../edge/miner/miner-stats.ts";
import type { PoolAnswer } from "../../../edge/miner/pool-connection.ts";
import { RateMeter } from "../../../edge/miner/rates.ts";
import { MiningJob } from "../../../edge/miner/search-work.ts";
import { ShareOutbox } from "../../../edge/miner/share-outbox.ts";
import { ShareRecord } from "../../../edge/miner/share-record.ts";
import { stratumError } from "../../../shared/messages/stratum.ts";
import { manualClock } from "../../support/manual-clock.ts";

const hit = (job: MiningJob, counter = 1) => ({
  work: { job, prefix: 7, target: 0xffff_0000_0000_0000n },
  nonce: `00000007${counter.toString(16).padStart(8, "0")}`,
  difficulty: 0xffff_ff00_0000_0000n,
});

describe("backoffMs", () => {
  it("doubles up to the cap, and jitters between half and all of it", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 2_000 }),
        fc.uint8Array({ minLength: 2, maxLength: 2 }),
        (failures, bytes) => {
          const full = Math.min(60_000, 1_000 * 2 ** (failures - 1));
          const wait = backoffMs({ firstMs: 1_000, maxMs: 60_000 }, failures, () => bytes);

          expect(wait).toBeGreaterThanOrEqual(full / 2);
          expect(wait).toBeLessThanOrEqual(full);
        },
      ),
    );
  });
});

describe("RateMeter", () => {
  it("tells the hashes a second of the last ten seconds", () => {
    const meter = new RateMeter();
    for (let ms = 0; ms <= 20_000; ms += 500) meter.add(ms < 10_000 ? 50_000 : 500, ms);

    expect(meter.rates(20_000).tenSeconds).toBeCloseTo(1_000, -1);
    expect(meter.rates(40_000).tenSeconds).toBe(0);
    expect(meter.total).toBe(20 * 50_000 + 21 * 500);
  });

  it("tells those of a minute and a quarter of an hour too, and the highest of ten seconds", () => {
    const meter = new RateMeter();
    const hour = 3_600_000;
    // A thousand hashes each 100 ms, three times as many in the last half minute but one.
    for (let ms = 0; ms < hour; ms += 100)
      meter.add(ms >= hour - 60_000 && ms < hour - 30_000 ? 3_000 : 1_000, ms);

    const { tenSeconds, minute, quarterHour, highest } = meter.rates(hour);
    expect(tenSeconds).toBeCloseTo(10_000, -3);
    expect(minute).toBeCloseTo(20_000, -3);
    expect(quarterHour).toBeCloseTo(10_000 + 20_000 / 30, -2);
    expect(highest).toBeCloseTo(30_000, -3);
  });

  it("takes no peak from the first moments for the highest", () => {
    const meter = new RateMeter();
    meter.add(1_000_000, 0);
    for (let ms = 300; ms < 9_900; ms += 300) meter.add(1_000_000, ms);

    expect(meter.rates(9_900).highest).toBe(0);
  });
});

describe("rejectionName", () => {
  it("is a closed list, whatever the pool sends", () => {
    expect(rejectionName(stratumError("ErrorStaleShare"))).toBe("ErrorStaleShare");
    expect(rejectionName({ code: 1, message: "__proto__", data: null })).toBe("other");
    expect(rejectionName(undefined)).toBe("other");
  });
});

/** An outbox and a pool that answers when told. */
function started() {
  const clock = manualClock();
  const record = new ShareRecord();
  const outbox = new ShareOutbox("user", { clock, record });
  const sent: { params: readonly string[]; answer: (answer: PoolAnswer | undefined) => void }[] = [];
  const send = (params: readonly string[]) =>
    new Promise<PoolAnswer | undefined>((resolve) => sent.push({ params, answer: resolve }));
  return { clock, job: new MiningJob(10, "aa".repeat(32)), outbox, record, send, sent };
}
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const OK: PoolAnswer = { result: true, error: undefined };

describe("ShareOutbox", () => {
  it("sends what was found while there was no connection", async () => {
    const { job, outbox, record, send, sent } = started();
    outbox.add(hit(job));
    expect(sent).toEqual([]);

    outbox.connect(send);
    sent[0]?.answer(OK);
    await settled();

    expect(sent[0]?.params).toEqual(["user", "10", "0000000700000001", "aa".repeat(32), "ffffff0000000000"]);
    expect(record.counts).toEqual({ submitted: 1, accepted: 1, rejected: {}, lost: 0 });
  });

  it("sends a share again when the connection ended without a verdict, and takes 'duplicate' for counted", async () => {
    const { job, outbox, record, send, sent } = started();
    outbox.connect(send);
    outbox.add(hit(job));
    outbox.connect(undefined);
    sent[0]?.answer(undefined);
    await settled();

    outbox.connect(send);
    sent[1]?.answer({ result: false, error: stratumError("ErrorDuplicateShare") });
    await settled();

    expect(sent[1]?.params).toEqual(sent[0]?.params);
    expect(record.counts).toEqual({ submitted: 1, accepted: 1, rejected: {}, lost: 0 });
  });

  it("counts a duplicate that was sent once as refused", async () => {
    const { job, outbox, record, send, sent } = started();
    outbox.connect(send);
    outbox.add(hit(job));
    sent[0]?.answer({ result: false, error: stratumError("ErrorDuplicateShare") });
    await settled();

    expect(record.counts.rejected).toEqual({ ErrorDuplicateShare: 1 });
  });

  it("remembers the newest answers and the best shares, and what the accepted ones stand for", async () => {
    const { clock, job, outbox, record, send, sent } = started();
    outbox.connect(send);
    for (let counter = 1; counter <= 12; counter++) {
      const difficulty = 0xffff_0000_0000_0000n + BigInt((counter * 7) % 12);
      outbox.add({ ...hit(job, counter), difficulty });
      clock.advance(counter);
      const refused = counter === 12;
      sent[counter - 1]?.answer(refused ? { result: false, error: stratumError("ErrorStaleShare") } : OK);
      await settled();
    }

    const { acceptedHashes, answerMs, best, verdicts } = record.stats();
    expect(acceptedHashes).toBe(11n * 65_536n);
    expect(best.map((difficulty) => Number(difficulty & 0xffn))).toEqual([11, 10, 9, 8, 7, 6, 5, 4, 3, 2]);
    expect(verdicts).toHaveLength(10);
    expect(verdicts[0]).toMatchObject({ height: 10, answer: "accepted", ms: 3 });
    expect(verdicts.at(-1)).toMatchObject({ answer: "ErrorStaleShare", ms: 12 });
    expect(answerMs).toBe(12);
  });

  it("leaves a busy pool alone for half a second, and sends all again that it did not take", async () => {
    const { clock, job, outbox, record, send, sent } = started();
    outbox.connect(send);
    outbox.add(hit(job, 1));
    outbox.add(hit(job, 2));
    sent[0]?.answer({ result: false, error: stratumError("ErrorBusy") });
    await settled();
    sent[1]?.answer({ result: false, error: stratumError("ErrorBusy") });
    await settled();
    outbox.add(hit(job, 3));
    expect(sent).toHaveLength(2);
    expect(outbox.open()).toBe(3);

    clock.advance(500);
    for (const { answer } of sent.slice(2)) answer(OK);
    await settled();

    expect(sent).toHaveLength(5);
    expect(record.counts).toEqual({ submitted: 3, accepted: 3, rejected: {}, lost: 0 });
  });

  it("keeps shares of an ended job for five seconds, then counts them as lost", async () => {
    const { clock, job, outbox, record, send, sent } = started();
    outbox.add(hit(job, 1));
    job.end(clock.monotonicMs());
    clock.advance(4_999);
    outbox.connect(send);
    sent[0]?.answer(OK);
    await settled();
    outbox.connect(undefined);
    outbox.add(hit(job, 2));
    clock.advance(1);
    outbox.connect(send);

    expect(sent).toHaveLength(1);
    expect(record.counts).toEqual({ submitted: 1, accepted: 1, rejected: {}, lost: 1 });
  });

  it("keeps no shares of a job whose end was not heard and is a block ago", () => {
    const { clock, job, outbox, record, send, sent } = started();
    outbox.add(hit(job));
    job.end(clock.monotonicMs(), 12);
    outbox.connect(send);

    expect(sent).toEqual([]);
    expect(record.counts.lost).toBe(1);
  });

  it("loses the oldest beyond a thousand, and what has no verdict at its end", async () => {
    const { job, outbox, record, send, sent } = started();
    for (let counter = 0; counter < 1_005; counter++) outbox.add(hit(job, counter));
    expect(record.counts.lost).toBe(5);
    outbox.connect(send);
    expect(sent[0]?.params[2]).toBe("0000000700000005");
    sent[0]?.answer(OK);
    await settled();

    outbox.close();

    expect(record.counts).toMatchObject({ accepted: 1, lost: 1_004 });
  });

  it("has at most 64 shares in flight", () => {
    const { job, outbox, send, sent } = started();
    outbox.connect(send);
    for (let counter = 0; counter < 100; counter++) outbox.add(hit(job, counter));

    expect(sent).toHaveLength(64);
  });
});
