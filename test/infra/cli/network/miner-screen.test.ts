/** The miner's screen: what it says in the room there is, what its keys do, and the terminal it leaves behind. */

import { EventEmitter } from "node:events";
import { stripVTControlCharacters } from "node:util";
import { describe, expect, it } from "vitest";
import { minerScreen } from "../../../../infra/cli/network/miner-screen.ts";
import { type ScreenFacts, screenLines } from "../../../../infra/cli/network/screen-lines.ts";
import { SILENT } from "../../../../shared/logger.ts";
import { manualClock } from "../../../support/manual-clock.ts";
import { minerStats } from "../../../support/miner-stats.ts";

const FACTS: ScreenFacts = {
  ...{ version: "1.2.3", uptimeMs: 3_723_000, stats: minerStats(), tableBits: 30, restricted: true },
  account: undefined,
  ...{ blockMs: 125_000, messages: ["10:00:00  pool: Welcome", "10:00:01  pool: a new fee"] },
};
const texts = (facts: ScreenFacts, rows = 24): string[] => screenLines(facts, rows).map(({ text }) => text);

describe("the lines of the screen", () => {
  it("say who mines where, how fast by thread, and what became of the shares", () => {
    const shown = texts(FACTS).join("\n");

    expect(shown).toContain("prosper-miner 1.2.3   ann / rig   pool.example.com:1234 by TLS   up 1:02:03");
    expect(shown).toContain("Block 1,000, for 2:05");
    expect(shown).toMatch(/^all +3\.0 kH\/s +2\.0 kH\/s +2\.0 kH\/s +3\.5 kH\/s$/m);
    expect(shown).toMatch(/^thread 2 +2\.0 kH\/s +1\.1 kH\/s/m);
    expect(shown).toContain("accepted 3 · rejected 2 (ErrorStaleShare 2) · lost 1");
    expect(shown).toContain("one in 65,536 hashes, the best one in 1,048,576");
    expect(shown).toMatch(
      /ErrorStaleShare, block 1,000, one in 70,000 hashes, after 12 ms\n.* accepted, block/,
    );
    expect(shown).toMatch(/pool: Welcome\n.*pool: a new fee\nh hash rates/);
  });

  it("tell what the user is owed, where that is known", () => {
    const owed = texts({ ...FACTS, account: { owed: 1_250_000_000n, pending: 0n } });
    expect(owed).toContain("Owed         12.5 PEG");
    expect(texts({ ...FACTS, account: { owed: 0n, pending: 25_000_000n } })).toContain(
      "Owed         0 PEG and about 0.25 more of blocks that are not sealed",
    );
    expect(texts(FACTS).join("\n")).not.toContain("Owed");
  });

  it("show no rate of a time that has not passed", () => {
    expect(texts({ ...FACTS, uptimeMs: 50_000 }).join("\n")).toMatch(/^all +3\.0 kH\/s +– +– +3\.5 kH\/s$/m);
  });

  it.each([
    [{ authorized: false, connected: true }, "Logging in"],
    [{ authorized: false, connected: false }, "Not connected: trying again"],
    [{ height: undefined }, "Waiting for the next block"],
    [{ paused: true }, "Paused by you. Block 1,000, for 2:05"],
  ])("say of a miner that is %j: %s", (changed, text) => {
    expect(texts({ ...FACTS, stats: { ...minerStats(), ...changed } })).toContain(text);
  });

  it.each([8, 12, 15, 24, 60])("find room on a terminal of %i lines, the keys last", (rows) => {
    const [one] = minerStats().threads;
    const threads = Array.from({ length: 61 }, () => one ?? expect.unreachable());
    const messages = Array.from({ length: 100 }, (_, n) => `message ${n}`);
    const shown = texts({ ...FACTS, stats: { ...minerStats(), threads }, messages }, rows);

    expect(shown.length).toBeLessThanOrEqual(rows);
    expect(shown.at(-1)).toMatch(/q quit$/);
    if (rows >= 24) expect(shown).toContain("message 99");
    if (rows >= 15) expect(shown.join("\n")).toMatch(/^\d+ more$/m);
  });
});

class Terminal extends EventEmitter {
  readonly columns = 60;
  readonly rows = 24;
  readonly raw: boolean[] = [];
  written = "";
  setRawMode(on: boolean): void {
    this.raw.push(on);
  }
  resume(): void {}
  write(text: string): void {
    this.written += text;
  }
  /** What the last drawing shows. */
  screen(): string {
    return stripVTControlCharacters(this.written.slice(this.written.lastIndexOf("\u001b[H")));
  }
}

function started() {
  const [clock, terminal] = [manualClock(), new Terminal()];
  const asked: string[] = [];
  let stats = minerStats();
  const miner = {
    stats: () => stats,
    pause: () => {
      asked.push("pause");
      stats = { ...stats, paused: true };
    },
    resume: () => void asked.push("resume"),
    stop: async () => void asked.push("stop"),
    ended: Promise.resolve({ kind: "stopped" } as const),
    getOprHash: async () => undefined,
    suggestTarget: () => undefined,
  };
  const view = minerScreen({ stdin: terminal, stdout: terminal, clock, logger: SILENT });
  view.line("Connecting");
  view.attach({ miner, facts: () => ({ ...FACTS, stats }) });
  return { asked, clock, terminal, view };
}

describe("the screen", () => {
  it("begins when there is a table, and gives the terminal back as it was", () => {
    const { clock, terminal, view } = started();
    expect(terminal.written).toBe("Connecting\n");

    view.begin();
    expect(terminal.raw).toEqual([true]);
    expect(terminal.screen()).toContain("Connecting");
    view.end();
    expect(terminal.raw).toEqual([true, false]);
    expect(terminal.written.endsWith("\u001b[?1049l\u001b[?25h")).toBe(true);
    expect([clock.pending(), terminal.listenerCount("data")]).toEqual([0, 0]);
    view.line("accepted 3");
    expect(terminal.written.endsWith("accepted 3\n")).toBe(true);
  });

  it("is drawn each second, no line longer than the terminal", () => {
    const { clock, terminal, view } = started();
    view.begin();
    clock.advance(3_000);

    expect(terminal.written.split("\u001b[H")).toHaveLength(5);
    expect(
      Math.max(
        ...terminal
          .screen()
          .split("\r\n")
          .map((line) => line.length),
      ),
    ).toBe(60);
    expect(terminal.screen()).toContain("Block 1,000, for 0:03");
  });

  it("pauses, goes on, tells rates and stops by its keys, and Ctrl-C stops too", () => {
    const { asked, terminal, view } = started();
    view.begin();
    terminal.emit("data", Buffer.from("p"));
    expect(terminal.screen()).toContain("Paused by you");
    terminal.emit("data", "rh");
    expect(terminal.screen()).toMatch(/\d\d:\d\d:\d\d {2}3\.0 kH\/s · job 1000/);
    terminal.emit("data", "q");
    terminal.emit("data", "\u0003");

    expect(asked).toEqual(["pause", "resume", "stop", "stop"]);
    // So that the next Ctrl-C is the terminal's.
    expect(terminal.raw).toEqual([true, false, false]);
  });

  it("takes what the log says into the picture, but for what is for debugging", () => {
    const { terminal, view } = started();
    view.begin();
    view.logger.warn("The pool cannot be reached", { port: 1 });
    view.logger.debug("New target");

    expect(terminal.screen()).toContain('The pool cannot be reached {"port":1}');
    expect(terminal.screen()).not.toContain("New target");
  });
});
