import { describe, expect, it } from "vitest";
import {
  INITIAL_MINUTES,
  type MinuteReply,
  minutePollMs,
  observeMinute,
} from "../../../edge/chain/minutes.ts";

const reply = (minute: number, directoryBlockHeight: number, leaderHeight: number): MinuteReply => ({
  minute,
  directoryBlockHeight,
  leaderHeight,
});

function gate(replies: (MinuteReply | undefined)[]): boolean[] {
  let state = INITIAL_MINUTES;
  return replies.map((one) => {
    state = observeMinute(state, one);
    return state.open;
  });
}

describe("the minute keeper", () => {
  it("closes between the last minute and the saving of the block", () => {
    const open = gate([
      reply(9, 1000, 1001),
      reply(0, 1000, 1001),
      reply(0, 1001, 1002),
      reply(1, 1001, 1002),
    ]);

    expect(open).toEqual([true, false, true, true]);
  });

  it("stays open while the node syncs by whole blocks", () => {
    const open = gate([reply(0, 1000, 1001), reply(0, 1001, 1002), reply(0, 1002, 1003)]);

    expect(open).toEqual([true, true, true]);
  });

  it("stays open when the node is further than one block behind its leader", () => {
    const open = gate([reply(3, 1000, 1001), reply(0, 1000, 1005)]);

    expect(open).toEqual([true, true]);
  });

  it("opens when the node cannot be asked", () => {
    const open = gate([reply(9, 1000, 1001), reply(0, 1000, 1001), undefined]);

    expect(open).toEqual([true, false, true]);
  });

  it("polls five times a minute, at least every two seconds", () => {
    expect(minutePollMs(600_000)).toBe(2000);
    expect(minutePollMs(10_000)).toBe(200);
  });
});
