/** `npm start` as a person sees it: in a terminal, with the line to copy, ended by Ctrl-C. */

import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { expect, it } from "vitest";
import { audit } from "../../support/processes/audit.ts";
import { isAlive, postgresPids, temporaryFolder } from "../../support/processes/bench.ts";
import { PROJECT, start } from "../../support/processes/prosper.ts";
import { until } from "../../support/until.ts";

it("shows where everything is, a line that connects a miner, a line a block, and stops on one Ctrl-C", async () => {
  const dataDir = temporaryFolder();
  const command = `npm start -- --data-dir ${dataDir} --web-port 0 --stratum-port 0 --block-seconds 3`;
  // A terminal of its own: what is written to it is typed, and Ctrl-C reaches npm and all below it.
  const terminal = start([], { program: ["script", "-qefc", command, "/dev/null"], cwd: PROJECT });
  const screen = (): string => stripVTControlCharacters(terminal.stdout()).replaceAll("\r", "");
  const shown = (what: string, pattern: RegExp): Promise<string> =>
    until(what, () => pattern.exec(screen())?.[1], { withinMs: 60_000 });

  const web = await shown("the dashboard", /Dashboard +(http:\S+)/);
  expect((await fetch(web)).status).toBe(200);
  await shown("the administrator", /Administrator +(\S+) +password \S+/);
  const line = await shown("a line to copy", /^ +npx (prosper miner .* --address FA\w+)$/m);
  await shown("a block", /^ +height (\d+) +\d+ shares +\d+ of 25 places +reward [\d.]+ PEG .*owed/m);

  const [program = "", ...args] = `npx ${line}`.split(" ");
  const miner = start([...args, "--threads", "1", "--duty", "0.3"], { program: [program], cwd: PROJECT });
  await until(
    "shares of the new miner",
    async () => ((await audit(dataDir)).users["you"]?.accepted ?? 0) > 0,
    { everyMs: 500 },
  );
  miner.process.kill("SIGKILL");

  // The lines that pay find this pool, though it is not where they would look by themselves.
  const payLine = await shown("a line that lists what is owed", /^ +npx (prosper db payout pay\.json .*)$/m);
  const listed = await start(payLine.replace("pay.json", join(temporaryFolder(), "pay.json")).split(" "), {
    program: ["npx"],
    cwd: PROJECT,
  }).ended;
  expect(payLine).toContain(` --data-dir ${dataDir}`);
  expect(listed).toMatchObject({ code: 0, stdout: expect.stringMatching(/PEG needed for the payout/) });
  expect(listed.pool).toContain(` in ${dataDir}, block `);

  const server = postgresPids(dataDir);
  expect(server.length).toBeGreaterThan(0);
  terminal.process.stdin?.write("\u0003");
  await terminal.ended;
  await until("the end of PostgreSQL", () => server.every((pid) => !isAlive(pid)), { withinMs: 10_000 });

  expect(screen()).toContain("stopping …");
  expect(screen()).not.toMatch(/a bug|^error:|^warning:/m);
  expect((await audit(dataDir)).conserved).toBe(true);
});
