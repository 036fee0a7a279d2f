/** The miner's small parts: back-off, rate, and the outbox that keeps shares over a lost connection. */

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { backoffMs } from "../../../edge/miner/backoff.ts";
import { Outbox } from "../../../edge/miner/outbox.ts";
import type { PoolAnswer } from "../../../edge/miner/pool-connection.ts";
import { RateMeter, rejectionName } from "../../../edge/miner/stats.ts";
import { stratumError } from "../../../shared/messages/stratum.ts";
import { manualClock } from "../../helpers/manual-clock.ts";

const hit = (height: number, counter = 1) => ({
  work: { height, oprHash: "aa".repeat(32), prefix: 7, target: 0n },
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
  const outbox = new Outbox("user", clock);
  const sent: { params: readonly string[]; answer: (answer: PoolAnswer | undefined) => void }[] = [];
  const send = (params: readonly string[]) =>
    new Promise<PoolAnswer | undefined>((resolve) => sent.push({ params, answer: resolve }));
  return { clock, outbox, send, sent };
}
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const OK: PoolAnswer = { result: true, error: undefined };

describe("Outbox", () => {
  it("sends what was found while there was no connection", async () => {
    const { outbox, send, sent } = started();
    outbox.jobIs(10);
    outbox.add(hit(10));
    expect(sent).toEqual([]);

    outbox.connect(send);
    sent[0]?.answer(OK);
    await settled();

    expect(sent[0]?.params).toEqual(["user", "10", "0000000700000001", "aa".repeat(32), "ffffff0000000000"]);
    expect(outbox.counts).toEqual({ submitted: 1, accepted: 1, rejected: {}, lost: 0 });
  });

  it("sends a share again when the connection ended without a verdict, and takes 'duplicate' for counted", async () => {
    const { outbox, send, sent } = started();
    outbox.connect(send);
    outbox.add(hit(10));
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
    const { outbox, send, sent } = started();
    outbox.connect(send);
    outbox.add(hit(10));
    sent[0]?.answer({ result: false, error: stratumError("ErrorDuplicateShare") });
    await settled();

    expect(outbox.counts.rejected).toEqual({ ErrorDuplicateShare: 1 });
  });

  it("sends again a second later when the pool is busy", async () => {
    const { clock, outbox, send, sent } = started();
    outbox.connect(send);
    outbox.add(hit(10));
    sent[0]?.answer({ result: false, error: stratumError("ErrorBusy") });
    await settled();
    expect(sent).toHaveLength(1);

    clock.advance(1_000);
    sent[1]?.answer(OK);
    await settled();

    expect(outbox.counts).toEqual({ submitted: 1, accepted: 1, rejected: {}, lost: 0 });
  });

  it("gives up shares two jobs old, and the oldest beyond a thousand", () => {
    const { outbox } = started();
    outbox.jobIs(10);
    outbox.add(hit(10));
    outbox.jobIs(11);
    expect(outbox.counts.lost).toBe(0);
    outbox.jobIs(12);
    expect(outbox.counts.lost).toBe(1);

    for (let counter = 0; counter < 1_005; counter++) outbox.add(hit(12, counter));
    expect(outbox.counts.lost).toBe(6);
  });

  it("has at most 64 shares in flight", () => {
    const { outbox, send, sent } = started();
    outbox.connect(send);
    for (let counter = 0; counter < 100; counter++) outbox.add(hit(10, counter));

    expect(sent).toHaveLength(64);
  });
});
