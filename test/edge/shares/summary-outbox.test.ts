import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { SummaryOutbox } from "../../../edge/shares/summary-outbox.ts";
import { systemRandom } from "../../../shared/clock.ts";
import { CodedError } from "../../../shared/errors.ts";
import { SILENT } from "../../../shared/logger.ts";
import { type ManualClock, manualClock } from "../../support/manual-clock.ts";
import { memoryBooks } from "../../support/memory-books.ts";
import { pass } from "../../support/turns.ts";

let clock: ManualClock;
let outbox: SummaryOutbox;
let isAway: boolean;
let told: string[];

beforeEach(() => {
  clock = manualClock();
  isAway = false;
  told = [];
  const tell = (level: string) => (message: string) => void told.push(`${level}: ${message}`);
  outbox = new SummaryOutbox(
    { limitBytes: 1_000, resendAfterMs: 300_000 },
    {
      queue: {
        async send() {
          if (isAway) throw new CodedError("queue-away", "the test's queue is away");
        },
      },
      records: memoryBooks(() => clock.monotonicMs()),
      clock,
      random: systemRandom,
      logger: { ...SILENT, warn: tell("warn"), error: tell("error"), info: tell("info") },
    },
  );
  outbox.start();
});
afterEach(() => outbox.stop());

const alarms = (): string[] => told.filter((line) => !line.startsWith("warn"));

describe("a queue that takes no summaries", () => {
  it("is an alarm after a minute, once, and an all-clear when it is back", async () => {
    isAway = true;
    outbox.addDelta({ job: 1000, slot: 0, epoch: 1 }, 0, "body");
    await pass(clock, 55_000, 500);
    expect(alarms()).toEqual([]);

    await pass(clock, 65_000, 500);
    const ALARM = "error: the queue has taken no summary for a minute: shares are on this edge's disk alone";
    expect(alarms()).toEqual([ALARM]);
    await pass(clock, 120_000, 500);
    isAway = false;
    await pass(clock, 31_000, 500);

    expect(alarms()).toEqual([ALARM, "info: the queue takes summaries again"]);
    expect(outbox.stats().waiting).toBe(0);
  });

  it("for moments now and then is none", async () => {
    for (let seq = 0; seq < 5; seq++) {
      isAway = true;
      outbox.addDelta({ job: 1000, slot: 0, epoch: 1 }, seq, "body");
      await pass(clock, 20_000, 500);
      isAway = false;
      await pass(clock, 31_000, 500);
    }

    expect(told.length).toBeGreaterThan(5);
    expect(alarms()).toEqual([]);
  });
});
