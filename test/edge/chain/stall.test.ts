import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createStallWatch, type StallWatch } from "../../../edge/chain/stall.ts";
import { SILENT } from "../../../shared/logger.ts";
import { type ManualClock, manualClock } from "../../support/manual-clock.ts";
import { pass as passOn } from "../../support/turns.ts";

const BLOCK_MS = 10_000;

describe("a chain that stands still", () => {
  let clock: ManualClock;
  let watch: StallWatch;
  let said: unknown[] = [];
  let wallJumpMs = 0;
  let stop = new AbortController();
  let running: Promise<void>;

  beforeEach(() => {
    clock = manualClock();
    said = [];
    stop = new AbortController();
    const logger = {
      ...SILENT,
      warn: (message: string, facts?: object) => void said.push(["warn", message, facts]),
      error: (message: string, facts?: object) => void said.push(["error", message, facts]),
    };
    wallJumpMs = 0;
    const jumping = { ...clock, wallMs: () => clock.wallMs() + wallJumpMs };
    watch = createStallWatch({ blockMs: BLOCK_MS }, { clock: jumping, logger });
    running = watch.run(stop.signal);
  });
  afterEach(async () => {
    stop.abort();
    await running;
  });

  /** As the watch looks: once a second. */
  const pass = (seconds: number): Promise<void> => passOn(clock, seconds * 1_000, 1_000);

  it("is an error said once after three block periods, and one line when it goes on", async () => {
    watch.rose(1000);
    await pass(29);
    expect(said).toEqual([]);
    expect(watch.stalledMs()).toBeUndefined();

    await pass(41);
    expect(watch.stalledMs()).toBe(70_000);
    watch.rose(1001);
    await pass(29);

    expect(said).toEqual([
      [
        "error",
        expect.stringMatching(/^the chain stands still: three block periods/),
        { height: 1000, seconds: 30 },
      ],
      ["warn", "the chain goes on", { height: 1001, stoodStillSeconds: 70 }],
    ]);
    expect(watch.stalledMs()).toBeUndefined();
  });

  it("is told too where no block was seen since the start", async () => {
    await pass(30);
    expect(said).toHaveLength(1);
  });

  it("is no alarm where only the wall clock jumps, and is one whatever it does", async () => {
    watch.rose(1000);
    wallJumpMs = 2 * 3_600_000;
    await pass(5);
    expect(watch.stalledMs()).toBeUndefined();
    wallJumpMs = -2 * 3_600_000;
    await pass(25);
    expect(watch.stalledMs()).toBe(30_000);
    expect(said).toHaveLength(1);
  });
});
