/** The miner in a terminal: its screen, its keys, and the terminal that it leaves. */

import { stripVTControlCharacters } from "node:util";
import { expect, it } from "vitest";
import { COMMAND, start } from "../../support/processes/prosper.ts";
import { until } from "../../support/until.ts";

const LEAVE = "\u001b[?1049l";

it("draws what it mines, pauses and goes on by its keys, and ends on q with its figures as a line", async () => {
  const pool = start(["stratum", "--bits", "10", "--sport", "0"]);
  const port = await until("the pool", () => /stratum on \S+:(\d+)/.exec(pool.stdout())?.[1]);
  pool.process.stdin?.write(`job 1000 ${"ab".repeat(32)}\n`);
  const flags = `--host 127.0.0.1:${port} --user ann --worker rig --threads 1 --duty 0.5`;
  const command = `stty rows 30 cols 100; exec ${process.execPath} ${COMMAND} miner ${flags}`;
  const terminal = start([], { program: ["script", "-qefc", command, "/dev/null"] });
  const screen = (): string =>
    stripVTControlCharacters(terminal.stdout().slice(terminal.stdout().lastIndexOf("\u001b[H")));
  const shows = (what: RegExp): Promise<true> =>
    until(`${what}`, () => what.test(screen()) || undefined, { withinMs: 60_000 });

  await shows(/ann \/ rig/);
  await shows(/Block 1,000, for \d+:\d\d/);
  await shows(/accepted [1-9]\d* · rejected 0/);
  await shows(/thread 1 +\d/);
  terminal.process.stdin?.write("p");
  await shows(/Paused by you/);
  terminal.process.stdin?.write("rh");
  await shows(/H\/s · job 1000/);
  expect(screen()).not.toContain("Paused by you");
  terminal.process.stdin?.write("q");
  const { code, stdout } = await terminal.ended;

  expect(code).toBe(0);
  const after = stdout.slice(stdout.lastIndexOf(LEAVE) + LEAVE.length);
  expect(stripVTControlCharacters(after)).toMatch(/^\d.*H\/s · .* · accepted [1-9]\d* · rejected 0\s*$/);
  pool.process.kill("SIGINT");
  await pool.ended;
});
