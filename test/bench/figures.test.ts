/** From rounds to figures: medians, ranges, ratios, and what is printed of them. */

import * as v from "valibot";
import { describe, expect, it } from "vitest";
import type { Bench } from "./bench.ts";
import { toChart } from "./chart.ts";
import { figuresOf, median, quantile, type Round } from "./figures.ts";
import { fillPage, shortNumber, toJson, toMarkdown, toTable } from "./report.ts";

const BENCH: Bench = {
  name: "race",
  what: "two that run",
  rounds: 3,
  rows: {
    speed: { unit: "m/s", what: "how fast", better: "more" },
    time: { unit: "s", what: "how long", better: "less" },
    weather: { unit: "°C", what: "how warm" },
    rain: { unit: "mm", what: "how wet" },
  },
  open: () => Promise.reject(new Error("is not run")),
};
const ROUNDS: readonly Round[] = [
  { ours: { speed: 10, time: 4, weather: 20 }, peer: { speed: 5, time: 8, weather: 10 }, load: 0 },
  { ours: { speed: 30, time: 2, weather: 21 }, peer: { speed: 10, time: 2, weather: 11 }, load: 0 },
  { ours: { speed: 20, time: 3, weather: 22 }, peer: { speed: 20, time: 9, weather: 12 }, load: 0 },
];

describe("a median", () => {
  it("is the middle value, or the mean of the two in the middle, whatever their order", () => {
    expect(median([9, 1, 5])).toBe(5);
    expect(median([10, 1, 9, 2])).toBe(5.5);
    expect(median([7])).toBe(7);
    expect(() => median([])).toThrow(RangeError);
  });

  it("of a hundred times is the fiftieth, and their p99 the ninety-ninth", () => {
    const times = Array.from({ length: 100 }, (_, i) => 100 - i);

    expect([quantile(times, 0.5), quantile(times, 0.99), quantile(times, 1)]).toEqual([50, 99, 100]);
    expect(quantile([3], 0.99)).toBe(3);
    expect(quantile([], 0.5)).toBeNaN();
  });
});

describe("the figures of a bench", () => {
  it("are medians and ranges of its rounds, and nothing of a row that no round has measured", () => {
    const [speed, ...others] = figuresOf(BENCH, ROUNDS);

    expect(speed).toMatchObject({ name: "speed", unit: "m/s", ours: 20, peer: 10, rounds: 3 });
    expect(speed).toMatchObject({ oursRange: [10, 30], peerRange: [5, 20] });
    expect(others.map(({ name }) => name)).toEqual(["time", "weather"]);
  });

  it("compare within each round, and more is better or less is, as the row says", () => {
    const figures = figuresOf(BENCH, ROUNDS);

    // 2, 3 and 1 times as fast; in a half, the same and a third of the time, where the medians are 3 and 8; no weather is better.
    expect(figures.map(({ ratio }) => ratio)).toEqual([2, 2, null]);
    expect(figuresOf(BENCH, [{ ours: { time: 1 }, peer: { time: 4 }, load: 0 }])[0]?.ratio).toBe(4);
  });

  it("have neither peer nor ratio where no peer was built", () => {
    const alone = ROUNDS.map(({ ours }) => ({ ours, peer: undefined, load: 0 }));

    expect(figuresOf(BENCH, alone)[0]).toMatchObject({ ours: 20, peer: null, peerRange: null, ratio: null });
  });
});

describe("what is printed", () => {
  const figures = figuresOf(BENCH, ROUNDS);

  it("for programs is one array of name, unit, ours, peer, ratio and rounds", () => {
    const alone = figuresOf(BENCH, [{ ours: { speed: 3 }, peer: undefined, load: 0 }]);

    expect(v.parse(v.array(v.unknown()), JSON.parse(toJson([...figures.slice(0, 1), ...alone])))).toEqual([
      { name: "speed", unit: "m/s", ours: 20, peer: 10, ratio: 2, rounds: 3 },
      { name: "speed", unit: "m/s", ours: 3, peer: null, ratio: null, rounds: 1 },
    ]);
  });

  it("for people has a line a row, with ranges", () => {
    const [, speed, , weather] = toTable(figures).split("\n");

    expect(speed).toMatch(/^speed +m\/s +20\.0 \(10\.0–30\.0\) +10\.0 \(5\.00–20\.0\) +2\.00 × +3$/);
    expect(weather).toMatch(/ – +3$/);
    expect(toMarkdown(figures)).toContain("| `speed`: how fast | m/s | 20.0 (10.0–30.0) |");
  });

  it("has three digits that say something", () => {
    expect([0, 0.01234, 1.5, 12.34, 123.4, 45_726, 1_234_567].map(shortNumber)).toEqual([
      "0",
      "0.0123",
      "1.50",
      "12.3",
      "123",
      "45,726",
      "1,234,567",
    ]);
  });

  it("goes between the marks of a page, again and again, and into no page without them", () => {
    const page = "# Title\n<!-- measured -->\nold\n<!-- /measured -->\nend\n";
    const filled = fillPage(page, "new");

    expect(filled).toBe("# Title\n<!-- measured -->\nnew\n<!-- /measured -->\nend\n");
    expect(fillPage(filled, "newer")).toContain("-->\nnewer\n<!--");
    expect(() => fillPage("# Title\n", "new")).toThrow("expected a page with the lines <!-- measured -->");
  });

  it("as a chart has a bar for each row with a ratio: to the right of 1 × where ours is better, else to the left", () => {
    const worse = figuresOf(BENCH, [{ ours: { speed: 4, time: 1 }, peer: { speed: 8, time: 4 }, load: 0 }]);
    const chart = toChart(worse, "a <day>");
    const bars = [...chart.matchAll(/<rect x="([\d.]+)" y="\d+" width="([\d.]+)"/g)].map(([, x, width]) => [
      Number(x),
      Number(x) + Number(width),
    ]);

    expect(bars.length).toBe(2);
    // Half as fast ends where four times as good begins.
    expect(bars[0]?.[1]).toBeCloseTo(bars[1]?.[0] ?? 0, 0);
    expect((bars[1]?.[1] ?? 0) - (bars[1]?.[0] ?? 0)).toBeCloseTo(
      2 * ((bars[0]?.[1] ?? 0) - (bars[0]?.[0] ?? 0)),
      0,
    );
    expect(chart).toMatch(/<title>[^<]+<\/title>/);
    expect(chart).toContain("a &lt;day>");
    expect(() => toChart(figuresOf(BENCH, [{ ours: { speed: 1 }, peer: undefined, load: 0 }]), "")).toThrow(
      "--peers DIR",
    );
  });
});

describe("a family that is measured at several sizes", () => {
  const sized = (name: string, size: number, seconds: number) => {
    const row = { unit: "s", what: "how long", better: "less" as const, growth: { of: "laps", size } };
    return figuresOf({ ...BENCH, rows: { [name]: row } }, [
      { ours: { [name]: seconds }, peer: undefined, load: 0 },
    ]);
  };

  it("has a line below the table, by size, that says how many times the first each is", () => {
    const figures = [
      ...sized("laps-1000", 1000, 30),
      ...sized("laps-10", 10, 2),
      ...figuresOf(BENCH, ROUNDS),
    ];

    expect(toTable(figures)).toMatch(/\n\ngrowth of .*\nlaps +s +10: 2\.00; 1,000: 30\.0 \(15\.0 ×\)$/);
    expect(toMarkdown(figures)).toContain("\n\n| growth of | unit | size: median");
    expect(toMarkdown(figures)).toMatch(/\n\| laps \| s \| 10: 2\.00; 1,000: 30\.0 \(15\.0 ×\) \|$/);
  });

  it("has none where only one size was measured, nor has what is of no family", () => {
    expect(toTable([...sized("laps-10", 10, 2), ...figuresOf(BENCH, ROUNDS)])).not.toContain("growth of");
  });
});
