/** The benchmark: it measures each kernel there is, and says what the figures mean. */

import { describe, expect, it } from "vitest";
import { adviceFrom, benchmarkCommand } from "../../../../infra/cli/network/miner-benchmark.ts";
import { systemClock } from "../../../../shared/clock.ts";
import { SILENT } from "../../../../shared/logger.ts";
import { nativeLibrary } from "../../../support/hash/native.ts";

describe("the benchmark", () => {
  it("measures each kernel with one thread and with all, and tells programs the same", async () => {
    const lines: string[] = [];
    const events: unknown[] = [];
    const library = nativeLibrary;
    await benchmarkCommand(
      { bits: 12, threads: 2, seconds: 0.5 },
      {
        findNative: async () =>
          library === undefined
            ? { kind: "none", reason: "there is no C compiler" }
            : { kind: "found", library },
        print: (line, facts) => {
          lines.push(line);
          if (facts?.event === "rate") events.push(facts);
        },
        ...{ clock: systemClock, logger: SILENT, signal: new AbortController().signal },
      },
    );
    const kernels = library === undefined ? ["WebAssembly"] : ["WebAssembly", "native"];
    expect(events).toMatchObject(
      kernels.flatMap((kernel) => [1, 2].map((threads) => ({ kernel, threads, pages: "small", bits: 12 }))),
    );
    for (const event of events)
      expect(event).toMatchObject({ rate: expect.toSatisfy((rate: number) => rate > 1_000) });
    expect(lines.at(-1)).toMatch(/threads give|native kernel|Best/);
  });

  it("ends at once when it is told to", async () => {
    const lines: string[] = [];
    await benchmarkCommand(
      { bits: 12, threads: 1, seconds: 60 },
      {
        findNative: async () => ({ kind: "none", reason: "x" }),
        print: (line) => void lines.push(line),
        ...{ clock: systemClock, logger: SILENT, signal: AbortSignal.abort() },
      },
    );
    expect(lines).toHaveLength(3);
  });
});

describe("the advice", () => {
  const run = (kernel: "WebAssembly" | "native", pages: "small" | "huge", threads: number, rate: number) => ({
    ...{ kernel, pages, threads, rate },
  });

  it("says what huge pages, the native kernel and more threads give", () => {
    const runs = [
      ...[run("WebAssembly", "small", 1, 2_000), run("WebAssembly", "small", 2, 4_000)],
      ...[run("native", "small", 1, 3_000), run("native", "small", 2, 5_000)],
      ...[run("WebAssembly", "huge", 1, 4_000), run("WebAssembly", "huge", 2, 8_000)],
      ...[run("native", "huge", 1, 6_000), run("native", "huge", 2, 10_000)],
    ];
    expect(
      adviceFrom(runs, { native: { kind: "found", library: "x" }, lost: undefined, threads: 2 }),
    ).toEqual([
      "Best: 10.0 kH/s, the native kernel on huge pages with 2 threads.",
      "Huge pages give 2.00 times the rate (5.0 kH/s → 10.0 kH/s).",
      "The native kernel gives 1.25 times the rate (8.0 kH/s → 10.0 kH/s).",
      expect.stringMatching(/^2 threads give 1\.67 times the rate/),
    ]);
  });

  it("says why something is missing, and what to do", () => {
    const advice = adviceFrom([run("WebAssembly", "small", 1, 500)], {
      ...{
        native: { kind: "none", reason: "there is no C compiler (cc): install gcc or clang" },
        threads: 1,
      },
      lost: "the system's setting forbids them: as root, echo madvise > x",
    });
    expect(advice).toEqual([
      "Best: 500 H/s, the WebAssembly kernel on small pages with 1 thread.",
      "No huge pages: the system's setting forbids them: as root, echo madvise > x.",
      "No native kernel: there is no C compiler (cc): install gcc or clang.",
    ]);
  });
});
