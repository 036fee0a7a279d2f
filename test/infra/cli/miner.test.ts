/** `prosper miner` and `prosper stratum` as a person uses them: one against the other over a socket. */

import { PassThrough } from "node:stream";
import { describe, expect, it } from "vitest";
import { type MinerCommandOptions, minerCommand } from "../../../infra/cli/miner.ts";
import { stratumCommand } from "../../../infra/cli/stratum.ts";
import { systemClock, systemRandom } from "../../../shared/clock.ts";
import { SILENT } from "../../../shared/logger.ts";
import { smallHasher } from "../../helpers/small-hasher.ts";
import { smallTable } from "../../helpers/small-table.ts";

const HASH = "ab".repeat(32);

/** Collects what is written, and waits for a text. */
function output() {
  let text = "";
  let wake = (): void => undefined;
  return {
    write: (more: string) => {
      text += more;
      wake();
    },
    text: () => text,
    until: async (pattern: RegExp): Promise<RegExpExecArray> => {
      for (;;) {
        const match = pattern.exec(text);
        if (match !== null) return match;
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
    /** What is written next, from a line's beginning: the earlier text is forgotten. */
    forget: () => {
      text = "";
    },
  };
}

function startServer() {
  const stop = new AbortController();
  const stdin = new PassThrough();
  const stdout = output();
  const exit = stratumCommand(
    { host: "127.0.0.1", port: 0, settings: { firstTarget: 0xff80_0000_0000_0000n } },
    {
      hasher: smallHasher(10),
      stdin,
      stdout,
      clock: systemClock,
      random: systemRandom,
      logger: SILENT,
      signal: stop.signal,
    },
  );
  return { exit, stdin, stdout, stop };
}

function startClient(options: Partial<MinerCommandOptions>) {
  const stop = new AbortController();
  const stdin = new PassThrough();
  const stdout = output();
  const stderr = output();
  const exit = minerCommand(
    { host: "127.0.0.1:1", user: "user", worker: "rig", threads: 1, duty: 0.5, bits: 10, ...options },
    {
      openTable: async (bits) => smallTable(bits),
      stdin,
      stdout,
      stderr,
      clock: systemClock,
      random: systemRandom,
      logger: SILENT,
      signal: stop.signal,
    },
  );
  return { exit, stderr, stdin, stdout, stop };
}

describe("prosper stratum and prosper miner", () => {
  it("mine a job set on the console, answer their consoles, and end cleanly", async () => {
    const server = startServer();
    const [, port] = await server.stdout.until(/stratum on 127\.0\.0\.1:(\d+)/);
    const client = startClient({ host: `127.0.0.1:${port}` });
    server.stdin.write(`job 1000 ${HASH}\n`);
    await client.stdout.until(/pool: Welcome/);

    server.stdin.write("listclients\njob 999 abc\nhelp\n");
    await server.stdout.until(/authorized user,rig[\s\S]*expected a block height[\s\S]*job HEIGHT OPRHASH/);
    client.stdin.write("getopr 1000\nsuggesttarget ffff000000000000\nwhat\n");
    await client.stdout.until(/commands: total/);
    await client.stdout.until(new RegExp(HASH));
    for (let accepted = 0; accepted === 0; ) {
      client.stdout.forget();
      client.stdin.write("total\n");
      accepted = Number((await client.stdout.until(/submitted.*?(\d+) accepted/))[1]);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }

    client.stop.abort();
    expect(await client.exit).toBe(0);
    expect(client.stdout.text()).toMatch(/H\/s · .* · accepted \d+ · rejected 0\n$/);
    server.stop.abort();
    expect(await server.exit).toBe(0);
    expect(client.stderr.text()).toBe("");
  });

  it("a refused login ends the miner with a clear message and code 1", async () => {
    const server = startServer();
    const [, port] = await server.stdout.until(/stratum on 127\.0\.0\.1:(\d+)/);
    // A worker name that the miner takes and the pool does not.
    const client = startClient({ host: `127.0.0.1:${port}`, worker: "w".repeat(100) });

    expect(await client.exit).toBe(1);
    expect(client.stderr.text()).toMatch(/refused the login of "user": worker name: expected.*--invite/s);
    server.stop.abort();
    await server.exit;
  });

  it.each([
    [{ host: "nowhere" }, /--host: expected HOST:PORT/],
    [{ host: "h:0" }, /--host/],
    [{ threads: 0 }, /--threads/],
    [{ duty: 2 }, /--duty/],
    [{ user: "a b" }, /--user/],
    [{ worker: "a,b" }, /--worker/],
  ])("bad options %j are named before anything starts", async (options, message) => {
    const client = startClient(options);

    expect(await client.exit).toBe(1);
    expect(client.stderr.text()).toMatch(message);
  });
});
