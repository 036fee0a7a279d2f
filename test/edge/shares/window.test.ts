import { describe, expect, it } from "vitest";
import { Refusals } from "../../../edge/shares/refusals.ts";
import { MAX_WINDOW_ROWS, Window } from "../../../edge/shares/window.ts";
import { type DeltaRow, REST_WORKER } from "../../../shared/messages/summary.ts";

const key = { job: 1000, slot: 0, epoch: 1, firstSeq: 0, toMs: 2_000 };

function rowsOf(window: Window): DeltaRow[] {
  return window.bodies(key).flatMap((body) => JSON.parse(body).rows as DeltaRow[]);
}

function share(user: string, worker: string): Parameters<Window["add"]>[0] {
  return { user, worker, work: 16n, reached: 7n, atMs: 1_000, judged: 0n, sent: 0 };
}

describe("the counters between two cuts", () => {
  it("give a user's names beyond half of the rows one row, still counted, and leave room for everybody else", () => {
    const window = new Window();
    for (let n = 0; n < MAX_WINDOW_ROWS; n++) window.add(share("owner", `made-up-${n}`));
    window.add(share("owner", "made-up-0"));
    for (let n = 0; n < 5; n++) window.add(share(`user-${n}`, "rig"));

    const rows = rowsOf(window);
    const mine = rows.filter(({ user }) => user === "owner");
    expect(mine).toHaveLength(MAX_WINDOW_ROWS / 2 + 1);
    expect(mine.reduce((sum, { shares }) => sum + shares, 0)).toBe(MAX_WINDOW_ROWS + 1);
    expect(mine.find(({ worker }) => worker === REST_WORKER)?.shares).toBe(MAX_WINDOW_ROWS / 2);
    expect(mine.find(({ worker }) => worker === "made-up-0")?.shares).toBe(2);
    expect(rows.filter(({ worker }) => worker === "rig")).toHaveLength(5);
  });

  it("refuse no worker for its name: full, they take the rest rows of further users, up to twice as many", () => {
    const window = new Window();
    for (let user = 0; user < 2 * MAX_WINDOW_ROWS; user++) {
      expect(window.hasRoomFor({ user: `u${user}`, worker: "rig" })).toBe(true);
      window.add(share(`u${user}`, "rig"));
    }
    expect(window.size()).toBe(2 * MAX_WINDOW_ROWS);
    expect(window.hasRoomFor({ user: "one-more", worker: "rig" })).toBe(false);
    expect(window.hasRoomFor({ user: "u0", worker: "rig" })).toBe(true);
    expect(window.hasRoomFor({ user: `u${2 * MAX_WINDOW_ROWS - 1}`, worker: "another" })).toBe(true);
  });
});

describe("refused shares", () => {
  it("travel beside their worker's accepted ones, and alone never", () => {
    const refusals = new Refusals();
    for (let n = 0; n < 3; n++) refusals.add("ann", "rig");
    const empty = new Window();
    empty.takeRefusals(refusals, true);
    const window = new Window();
    window.add(share("ann", "rig"));
    window.takeRefusals(refusals, false);

    expect(empty.size()).toBe(0);
    expect(rowsOf(window)).toEqual([
      { user: "ann", worker: "rig", shares: 1, work: "16", best: "7", rejected: 3 },
    ]);
    expect(refusals.size()).toBe(0);
  });

  it("of workers without an accepted one wait for the book's last cut", () => {
    const refusals = new Refusals();
    refusals.add("ann", "other");
    const window = new Window();
    window.add(share("ann", "rig"));
    window.takeRefusals(refusals, false);
    expect([rowsOf(window).length, refusals.size()]).toEqual([1, 1]);

    window.takeRefusals(refusals, true);
    expect(rowsOf(window)[1]).toMatchObject({ worker: REST_WORKER, shares: 0, work: "0", rejected: 1 });
    expect(refusals.size()).toBe(0);

    // One that had accepted shares has its last refusals by name, though nothing else is left to send.
    refusals.add("ann", "rig");
    const last = new Window();
    last.takeRefusals(refusals, true);
    expect(rowsOf(last)).toMatchObject([{ worker: "rig", shares: 0, rejected: 1 }]);
  });

  it("of made-up names are one count for their user beyond 256 names, and bounded over all users", () => {
    const refusals = new Refusals();
    for (let n = 0; n < 20_000; n++) refusals.add("ann", `made-up-${n}`);
    expect(refusals.size()).toBe(257);
    for (let user = 0; user < 20_000; user++) refusals.add(`user-${user}`, "rig");
    expect(refusals.size()).toBe(8_192);

    const all = refusals.takeAll().filter(({ user }) => user === "ann");
    expect(all).toEqual([{ user: "ann", worker: undefined, count: 20_000 }]);
  });
});
