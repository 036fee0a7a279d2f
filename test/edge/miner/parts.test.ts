/** The miner's small parts: back-off, rate, and the outbox that keeps shares over a lost connection. */

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { backoffMs } from "../../../edge/miner/backoff.ts";
import { RateMeter, rejectionName } from "../../../edge/miner/miner-stats.ts";
import type { PoolAnswer } from "../../../edge/miner/pool-connection.ts";
import { MiningJob } from "../../../edge/miner/search-work.ts";
import { ShareOutbox } from "../../../edge/miner/share-outbox.ts";
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

    expect(meter.perSecond(20_000)).toBeCloseTo(1_000, -1);
    expect(meter.perSecond(40_000)).toBe(0);
    expect(meter.total).toBe(20 * 50_000 + 21 * 500);
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
  const outbox = new ShareOutbox("user", clock);
  const sent: { params: readonly string[]; answer: (answer: PoolAnswer | undefined) => void }[] = [];
  const send = (params: readonly string[]) =>
    new Promise<PoolAnswer | undefined>((resolve) => sent.push({ params, answer: resolve }));
  return { clock, job: new MiningJob(10, "aa".repeat(32)), outbox, send, sent };
}
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const OK: PoolAnswer = { result: true, error: undefined };

describe("ShareOutbox", () => {
  it("sends what was found while there was no connection", async () => {
    const { job, outbox, send, sent } = started();
    outbox.add(hit(job));
    expect(sent).toEqual([]);

    outbox.connect(send);
    sent[0]?.answer(OK);
    await settled();

    expect(sent[0]?.params).toEqual(["user", "10", "0000000700000001", "aa".repeat(32), "ffffff0000000000"]);
    expect(outbox.counts).toEqual({ submitted: 1, accepted: 1, rejected: {}, lost: 0 });
  });

  it("sends a share again when the connection ended without a verdict, and takes 'duplicate' for counted", async () => {
    const { job, outbox, send, sent } = started();
    outbox.connect(send);
    outbox.add(hit(job));
    outbox.connect(undefined);
    sent[0]?.answer(undefined);
    await settled();

    outbox.connect(send);
    sent[1]?.answer({ result: false, error: stratumError("ErrorDuplicateShare") });
    await settled();

    expect(sent[1]?.params).toEqual(sent[0]?.params);
    expect(outbox.counts).toEqual({ submitted: 1, accepted: 1, rejected: {}, lost: 0 });
  });

  it("counts a duplicate that was sent once as refused", async () => {
    const { job, outbox, send, sent } = started();
    outbox.connect(send);
    outbox.add(hit(job));
    sent[0]?.answer({ result: false, error: stratumError("ErrorDuplicateShare") });
    await settled();

    expect(outbox.counts.rejected).toEqual({ ErrorDuplicateShare: 1 });
  });

  it("leaves a busy pool alone for half a second, and sends all again that it did not take", async () => {
    const { clock, job, outbox, send, sent } = started();
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
    expect(outbox.counts).toEqual({ submitted: 3, accepted: 3, rejected: {}, lost: 0 });
  });

  it("keeps shares of an ended job for five seconds, then counts them as lost", async () => {
    const { clock, job, outbox, send, sent } = started();
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
    expect(outbox.counts).toEqual({ submitted: 1, accepted: 1, rejected: {}, lost: 1 });
  });

  it("keeps no shares of a job whose end was not heard and is a block ago", () => {
    const { clock, job, outbox, send, sent } = started();
    outbox.add(hit(job));
    job.end(clock.monotonicMs(), 12);
    outbox.connect(send);

    expect(sent).toEqual([]);
    expect(outbox.counts.lost).toBe(1);
  });

  it("loses the oldest beyond a thousand, and what has no verdict at its end", async () => {
    const { job, outbox, send, sent } = started();
    for (let counter = 0; counter < 1_005; counter++) outbox.add(hit(job, counter));
    expect(outbox.counts.lost).toBe(5);
    outbox.connect(send);
    expect(sent[0]?.params[2]).toBe("0000000700000005");
    sent[0]?.answer(OK);
    await settled();

    outbox.close();

    expect(outbox.counts).toMatchObject({ accepted: 1, lost: 1_004 });
  });

  it("has at most 64 shares in flight", () => {
    const { job, outbox, send, sent } = started();
    outbox.connect(send);
    for (let counter = 0; counter < 100; counter++) outbox.add(hit(job, counter));

    expect(sent).toHaveLength(64);
  });
});
