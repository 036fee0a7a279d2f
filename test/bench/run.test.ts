/** How benches are chosen, run in turns, kept and gone on with. */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Bench, Setting, Values } from "./bench.ts";
import { readOptions } from "./options.ts";
import { findPeers, NO_PEERS } from "./peers.ts";
import { BENCHES, chooseBenches } from "./registry.ts";
import { type RunOptions, runBench } from "./run.ts";
import { BenchState } from "./state.ts";

const SETTING: Setting = { bits: 8, quick: false, peers: NO_PEERS, say: () => undefined };

let folder: string;
let turns: string[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "prosper-bench-test-"));
  turns = [];
});
afterEach(() => rmSync(folder, { recursive: true }));

const options = (more: Partial<RunOptions> = {}): RunOptions => ({
  ...{ setting: SETTING, rounds: undefined, signal: new AbortController().signal },
  ...more,
});

/** Counts its turns; `before` may throw, or wait, in the turn of that number. */
function counting(before: (turn: number) => void | Promise<void> = () => undefined): Bench {
  const play = (who: string) => async (): Promise<Values> => {
    turns.push(who);
    await before(turns.length);
    return { count: turns.length };
  };
  return {
    ...{ name: "counting", what: "its turns", rounds: 3 },
    rows: { count: { unit: "turns", what: "so far", better: "more" } },
    open: async (_, room) => {
      turns.push("open");
      room.onTidy(() => void turns.push("tidy"));
      return { ours: play("ours"), peer: play("peer") };
    },
  };
}

describe("a bench", () => {
  it("is run in turns with the peer, each beginning every other round, and tidied up after", async () => {
    await runBench(counting(), options(), new BenchState(undefined, "x"));

    expect(turns).toEqual(["open", "ours", "peer", "peer", "ours", "ours", "peer", "tidy"]);
  });

  it("goes on after the rounds that an earlier run has kept, and is not opened where none is missing", async () => {
    await runBench(counting(), options({ rounds: 1 }), new BenchState(folder, "x"));
    turns = [];
    await runBench(counting(), options(), new BenchState(folder, "x"));
    expect(turns).toEqual(["open", "peer", "ours", "ours", "peer", "tidy"]);

    turns = [];
    const state = new BenchState(folder, "x");
    await runBench(counting(), options(), state);
    expect(turns).toEqual([]);
    expect(state.rounds("counting").length).toBe(3);
  });

  it("keeps the rounds that were whole when a later one fails, and is tidied up", async () => {
    const failing = counting((turn) => {
      if (turn === 4) throw new Error("the disk is full");
    });
    const run = runBench(failing, options(), new BenchState(folder, "x"));

    await expect(run).rejects.toThrow("the disk is full");
    expect(turns.at(-1)).toBe("tidy");
    expect(new BenchState(folder, "x").rounds("counting")).toEqual([
      { ours: { count: 2 }, peer: { count: 3 }, load: expect.any(Number) },
    ]);
  });

  it("ends at once when it is stopped in a turn, and is tidied up", async () => {
    const stop = new AbortController();
    const endless = counting(() => {
      stop.abort(new Error("stopped"));
      return new Promise(() => undefined);
    });
    const run = runBench(endless, options({ signal: stop.signal }), new BenchState(undefined, "x"));

    await expect(run).rejects.toThrow("stopped");
    expect(turns).toEqual(["open", "ours", "tidy"]);
  });

  it("is run once by --quick", async () => {
    await runBench(
      counting(),
      options({ setting: { ...SETTING, quick: true } }),
      new BenchState(undefined, "x"),
    );

    expect(turns).toEqual(["open", "ours", "peer", "tidy"]);
  });
});

describe("the file of what was measured", () => {
  it("is not gone on with under other settings, nor when something else is in it", () => {
    new BenchState(folder, "30 bits").add("counting", { ours: { count: 1 }, peer: undefined, load: 0.5 });

    expect(() => new BenchState(folder, "16 bits")).toThrow(
      'expected rounds of "16 bits", got those of "30 bits"',
    );
    expect(readFileSync(join(folder, "bench.json"), "utf8")).toContain('{"ours":{"count":1},"load":0.5}');
    writeFileSync(join(folder, "bench.json"), '{"setting":"16 bits"');
    expect(() => new BenchState(folder, "16 bits")).toThrow("expected what an earlier run wrote");
  });
});

describe("--only", () => {
  it("takes the name of a bench or of one of its rows, and all are run without it", () => {
    expect(chooseBenches([])).toBe(BENCHES);
    expect(chooseBenches(["start", "answer-p99", "answer"]).map(({ name }) => name)).toEqual([
      "answer",
      "start",
    ]);
  });

  it("refuses a name that there is not, and says which there are", () => {
    const names = BENCHES.map(({ name }) => name).join(", ");

    expect(() => chooseBenches(["start", "speed"])).toThrow(`there is no bench speed: choose from ${names}`);
  });

  it("finds one bench by each name: no row has the name of another bench or of another's row", () => {
    const names = BENCHES.flatMap(({ rows }) => Object.keys(rows));

    expect(new Set(names).size).toBe(names.length);
    for (const { name, rows } of BENCHES)
      expect(chooseBenches([name, ...Object.keys(rows)]).map((bench) => bench.name)).toEqual([name]);
  });
});

describe("the flags", () => {
  it("are the real table, or a small one for --quick, unless --bits says another", () => {
    expect(readOptions([])).toMatchObject({ bits: 30, quick: false, rounds: undefined, only: [] });
    expect(readOptions(["--quick"])).toMatchObject({ bits: 16, quick: true });
    expect(readOptions(["--quick", "--bits", "8", "--only", "a", "--only", "b"])).toMatchObject({
      bits: 8,
      only: ["a", "b"],
    });
  });

  it.each([
    [["--rounds", "0"], '--rounds: expected a whole number from 1 to 1000, got "0"'],
    [["--bits", "31"], "--bits: expected a whole number from 8 to 30"],
    [["--speed"], "'--speed'"],
  ])("refuse %j, and say what they expect", (args, words) => {
    expect(() => readOptions(args)).toThrow(words);
  });
});

describe("--peers", () => {
  it("finds the programs of the folder that can be run, and names those that are missing", () => {
    writeFileSync(join(folder, "pool"), "#!/bin/sh\n", { mode: 0o755 });
    writeFileSync(join(folder, "miner"), "words", { mode: 0o644 });

    expect(findPeers(folder)).toEqual({
      peers: { pool: join(folder, "pool"), miner: undefined, lxrhash: undefined, checkout: undefined },
      missing: ["miner", "lxrhash", "checkout"],
    });
  });

  it("refuses what is no folder", () => {
    expect(() => findPeers(join(folder, "none"))).toThrow("--peers: expected a folder of programs");
  });
});
