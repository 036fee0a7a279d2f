import { describe, expect, it } from "vitest";
import { showProgress, showTable } from "../../../infra/cli/progress.ts";
import { manualClock } from "../../support/manual-clock.ts";

function start(terminal: { isTTY?: boolean; columns?: number }) {
  const clock = manualClock();
  const written: string[] = [];
  const stream = { ...terminal, write: (text: string) => written.push(text) };
  return { clock, written, progress: showProgress({ stream, clock }) };
}

describe("progress on a terminal", () => {
  it("redraws one line with a bar, the rate and the time left", () => {
    const { clock, written, progress } = start({ isTTY: true, columns: 120 });

    progress.update("reading", 0, 4_000_000, "B");
    clock.advance(1_000);
    progress.update("reading", 1_000_000, 4_000_000, "B");
    clock.advance(3_000);
    progress.update("reading", 4_000_000, 4_000_000, "B");
    progress.end();

    expect(written).toEqual([
      "\r░░░░░░░░░░░░░░░░░░░░░░░░ reading 0 %\u001b[K",
      "\r██████░░░░░░░░░░░░░░░░░░ reading 25 %, 1.0 MB/s, 3 s left\u001b[K",
      "\r████████████████████████ reading 100 %, 1.0 MB/s, took 4 s\u001b[K",
      "\n",
    ]);
  });

  it("redraws at most ten times a second, and always at the end", () => {
    const { clock, written, progress } = start({ isTTY: true });

    for (let done = 0; done <= 105; done++) {
      progress.update("making", done, 105, "B");
      clock.advance(11);
    }

    expect(written).toHaveLength(12);
    expect(written.at(-1)).toContain("100 %");
  });

  it("never fills the terminal's line", () => {
    const { clock, written, progress } = start({ isTTY: true, columns: 40 });

    progress.update("making the table", 0, 10, "B");
    clock.advance(1_000);
    progress.update("making the table", 5, 10, "B");

    expect(written.map((text) => text.length - "\r\u001b[K".length)).toEqual([39, 39]);
  });

  it("starts another line for another step, and ends only a line that was begun", () => {
    const { written, progress } = start({ isTTY: true });

    progress.end();
    progress.update("reading", 1, 1, "B");
    progress.update("making", 0, 5, "B");
    progress.end();
    progress.end();

    expect(written.filter((text) => text === "\n")).toHaveLength(2);
    expect(written.map((text) => /reading|making|\n/.exec(text)?.[0])).toEqual([
      "reading",
      "\n",
      "making",
      "\n",
    ]);
  });
});

describe("progress elsewhere", () => {
  it("writes a plain line at the start, every five seconds, and at the end", () => {
    const { clock, written, progress } = start({});

    for (let second = 0; second <= 700; second++) {
      if (second % 3 === 0 || second === 700) progress.update("making", second * 1_000, 700_000, "B");
      clock.advance(1_000);
    }

    expect(written.slice(0, 3)).toEqual([
      "making 0 %\n",
      "making 0 %, 1.0 kB/s, 11 min 34 s left\n",
      "making 1 %, 1.0 kB/s, 11 min 28 s left\n",
    ]);
    expect(written.at(-1)).toBe("making 100 %, 1.0 kB/s, took 11 min 40 s\n");
    expect(written.join("")).not.toContain("\r");
    expect(written).toHaveLength(118);
  });

  it("names the steps of a table and what they count", () => {
    const { clock, written, progress } = start({});
    const show = showTable(progress);

    for (const step of ["reading", "making", "saving"] as const) {
      show({ step, done: 0, total: 4_000 });
      clock.advance(1_000);
      show({ step, done: 4_000, total: 4_000 });
    }

    expect(written.filter((_, i) => i % 2 === 1)).toEqual([
      "Reading the LXR table 100 %, 4.0 kB/s, took 1 s\n",
      "Making the LXR table, once 100 %, 4.0 k draws/s, took 1 s\n",
      "Saving the LXR table 100 %, 4.0 kB/s, took 1 s\n",
    ]);
  });

  it("says hours where it takes hours", () => {
    const { clock, written, progress } = start({});

    progress.update("making", 0, 10_000, "B");
    clock.advance(10_000);
    progress.update("making", 10, 10_000, "B");

    expect(written.at(-1)).toBe("making 0 %, 1.0 B/s, 2 h 46 min left\n");
  });
});
