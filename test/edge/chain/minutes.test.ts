import { describe, expect, it } from "vitest";
import {
  createMinuteKeeper,
  INITIAL_MINUTES,
  type MinuteReply,
  minutePollMs,
  observeMinute,
} from "../../../edge/chain/minutes.ts";
import { SILENT } from "../../../shared/logger.ts";
import { manualClock } from "../../support/manual-clock.ts";

const reply = (minute: number, directoryBlockHeight: number, leaderHeight: number): MinuteReply => ({
  minute,
  directoryBlockHeight,
  leaderHeight,
});

/** Whether a block is being saved, after each reply. */
function saving(replies: MinuteReply[]): boolean[] {
  let state = INITIAL_MINUTES;
  return replies.map((one) => {
    state = observeMinute(state, one);
    return state.savingAbove !== undefined;
  });
}

describe("a block is being saved", () => {
  it("between its last minute and the next height", () => {
    const told = saving([
      reply(9, 1000, 1001),
      reply(0, 1000, 1001),
      reply(0, 1001, 1002),
      reply(1, 1001, 1002),
    ]);

    expect(told).toEqual([false, true, false, false]);
  });

  it("never while the node syncs by whole blocks", () => {
    const told = saving([reply(0, 1000, 1001), reply(0, 1001, 1002), reply(0, 1002, 1003)]);

    expect(told).toEqual([false, false, false]);
  });

  it("not when the node is further than one block behind its leader", () => {
    expect(saving([reply(3, 1000, 1001), reply(0, 1000, 1005)])).toEqual([false, false]);
  });

  it("no longer when minute 1 comes without a new height", () => {
    const told = saving([reply(9, 1000, 1001), reply(0, 1000, 1001), reply(1, 1000, 1001)]);

    expect(told).toEqual([false, true, false]);
  });
});

const BLOCK_MS = 10_000;
const MINUTE_MS = 1_000;
const POLL_MS = 200;

/** A keeper on a node that the test moves. */
class Scene {
  readonly clock = manualClock();
  now: MinuteReply = reply(9, 1000, 1001);
  /** How long the node takes; undefined: it refuses. */
  takesMs: number | undefined = 0;
  readonly told: string[] = [];
  readonly stop = new AbortController();
  readonly keeper = createMinuteKeeper(
    { blockMs: BLOCK_MS },
    { clock: this.clock, logger: SILENT, currentMinute: () => this.#answer() },
    {
      onSaving: (isSaving) => void this.told.push(isSaving ? "saving" : "over"),
      onHeight: (height) => void this.told.push(`height ${height}`),
    },
  );
  readonly running = this.keeper.run(this.stop.signal);

  /** Told on the way there, heard on the way back. */
  async #answer(): Promise<MinuteReply> {
    if (this.takesMs === undefined) throw new Error("refused");
    const answer = this.now;
    if (this.takesMs > 0)
      await new Promise<void>((resolve) => this.clock.after(this.takesMs ?? 0, () => resolve()));
    return answer;
  }

  async pass(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= 50) {
      for (let i = 0; i < 10; i++) await Promise.resolve();
      this.clock.advance(Math.min(50, left));
    }
    for (let i = 0; i < 10; i++) await Promise.resolve();
  }

  async end(): Promise<void> {
    this.stop.abort();
    this.clock.advance(60_000);
    await this.running;
    expect(this.clock.pending()).toBe(0);
  }
}

describe("the minute keeper", () => {
  it("polls five times a minute, at least every two seconds", () => {
    expect(minutePollMs(600_000)).toBe(2000);
    expect(minutePollMs(BLOCK_MS)).toBe(POLL_MS);
  });

  it("tells a block's saving once, and its height before the saving is over", async () => {
    const scene = new Scene();
    await scene.pass(500);
    scene.now = reply(0, 1000, 1001);
    await scene.pass(1_000);
    expect(scene.keeper.isSaving()).toBe(true);

    scene.now = reply(0, 1001, 1002);
    await scene.pass(1_000);

    expect(scene.told).toEqual(["height 1000", "saving", "height 1001", "over"]);
    expect(scene.keeper.isSaving()).toBe(false);
    await scene.end();
  });

  it("ends the saving the moment the height is known otherwise, and hears nothing older than that", async () => {
    const scene = new Scene();
    await scene.pass(500);
    scene.now = reply(0, 1000, 1001);
    scene.takesMs = 500;
    await scene.pass(1_000);
    expect(scene.keeper.isSaving()).toBe(true);

    scene.keeper.saved(1001);
    expect(scene.keeper.isSaving()).toBe(false);
    await scene.pass(2_000);

    expect(scene.told).toEqual(["height 1000", "saving", "over"]);
    await scene.end();
  });

  it("keeps what it knew over failing calls for a minute of the chain, then counts it as over", async () => {
    const scene = new Scene();
    await scene.pass(500);
    scene.now = reply(0, 1000, 1001);
    await scene.pass(200);
    scene.takesMs = undefined;

    await scene.pass(MINUTE_MS - POLL_MS);
    expect(scene.keeper.isSaving()).toBe(true);
    await scene.pass(POLL_MS);

    expect(scene.told).toEqual(["height 1000", "saving", "over"]);
    expect(scene.keeper.minute()).toBeUndefined();
    await scene.end();
  });

  it("does the same where a call gets no answer at all", async () => {
    const scene = new Scene();
    await scene.pass(500);
    scene.now = reply(0, 1000, 1001);
    await scene.pass(200);
    scene.takesMs = 60_000;

    await scene.pass(MINUTE_MS);

    expect(scene.told).toEqual(["height 1000", "saving", "over"]);
    await scene.end();
  });

  it("does not take a node for silent that needs longer than a minute for each answer", async () => {
    const scene = new Scene();
    scene.takesMs = 1_500;
    await scene.pass(4_000);
    scene.now = reply(0, 1000, 1001);

    await scene.pass(10_000);

    expect(scene.told).toEqual(["height 1000", "saving"]);
    await scene.end();
  });
});
