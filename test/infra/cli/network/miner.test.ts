/** `prosper miner` and `prosper stratum` as a person uses them: one against the other over a socket. */

import { once } from "node:events";
import { createServer, type Server } from "node:net";
import { PassThrough } from "node:stream";
import { createServer as createTlsServer } from "node:tls";
import { describe, expect, it } from "vitest";
import { type MinerCommandOptions, minerCommand } from "../../../../infra/cli/network/miner.ts";
import { type MinerSettingFlags, readMinerSettings } from "../../../../infra/cli/network/miner-settings.ts";
import { stratumCommand } from "../../../../infra/cli/network/stratum.ts";
import { systemClock, systemRandom } from "../../../../shared/clock.ts";
import { SILENT } from "../../../../shared/logger.ts";
import { encodeRefusal, encodeResult, stratumError } from "../../../../shared/messages/stratum.ts";
import { nativeLibrary } from "../../../support/hash/native.ts";
import { smallHasher } from "../../../support/hash/small-hasher.ts";
import { smallTable } from "../../../support/hash/small-table.ts";
import { TEST_CERT, TEST_KEY } from "../../../support/stratum/tls.ts";

const HASH = "ab".repeat(32);
const KERNELS: [string, string | undefined][] = [["WebAssembly", undefined]];
if (nativeLibrary !== undefined) KERNELS.push(["native", nativeLibrary]);

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
      print: (line) => stdout.write(`${line}\n`),
      clock: systemClock,
      random: systemRandom,
      logger: SILENT,
      signal: stop.signal,
    },
  );
  return { exit, stdin, stdout, stop };
}

type Flags = MinerSettingFlags & Pick<MinerCommandOptions, "password"> & { readonly toldBits?: boolean };

function startClient({ password = "", toldBits = false, ...flags }: Flags, library?: string) {
  const stop = new AbortController();
  const stdin = new PassThrough();
  const stdout = output();
  const stderr = output();
  const log = output();
  const bits = toldBits ? {} : { bits: 10 };
  const exit = minerCommand(
    {
      ...readMinerSettings({ user: "user", worker: "rig", threads: 1, duty: 0.5, ...bits, ...flags }, {}),
      password,
    },
    {
      version: "1.2.3",
      openTable: async (bits) => ({ ...smallTable(bits), library }),
      stdin,
      stdout,
      stderr,
      fetch,
      clock: systemClock,
      random: systemRandom,
      logger: { ...SILENT, warn: (message, facts) => log.write(`${message} ${JSON.stringify(facts)}\n`) },
      signal: stop.signal,
    },
  );
  return { exit, log, stderr, stdin, stdout, stop };
}

/** Until one of its shares is accepted. */
async function firstAccepted({ stdin, stdout }: ReturnType<typeof startClient>): Promise<void> {
  for (let accepted = 0; accepted === 0; ) {
    stdout.forget();
    stdin.write("total\n");
    accepted = Number((await stdout.until(/submitted.*?(\d+) accepted/))[1]);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function portOf(server: Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}

describe("prosper stratum and prosper miner", () => {
  it.each(KERNELS)(
    "mine a job set on the console on the %s kernel, which is named, answer their consoles, and end cleanly",
    async (kernel, library) => {
      const server = startServer();
      const [, port] = await server.stdout.until(/stratum on 127\.0\.0\.1:(\d+)/);
      const client = startClient({ host: `127.0.0.1:${port}` }, library);
      server.stdin.write(`job 1000 ${HASH}\n`);
      await client.stdout.until(/pool: Welcome/);
      expect(client.stdout.text()).toMatch(
        new RegExp(
          `^Connecting to 127\\.0\\.0\\.1:\\d+\n[^]*^Mining with 1 thread on the ${kernel} kernel\n`,
          "m",
        ),
      );

      server.stdin.write("listclients\njob 999 abc\nhelp\n");
      await server.stdout.until(/authorized user,rig[\s\S]*expected a block height[\s\S]*job HEIGHT OPRHASH/);
      client.stdin.write("getopr 1000\nsuggesttarget ff00000000000000\nwhat\n");
      await client.stdout.until(/commands: total/);
      await client.stdout.until(new RegExp(HASH));
      await firstAccepted(client);

      client.stop.abort();
      expect(await client.exit).toBe(0);
      expect(client.stdout.text()).toMatch(/H\/s · .* · accepted \d+ · rejected 0\n$/);
      server.stop.abort();
      expect(await server.exit).toBe(0);
      expect(client.stderr.text()).toBe("");
    },
  );

  it.each([
    [
      "no such user: register with a password, an invite code and a payout address",
      {},
      /To register .*--register\.\n$/,
    ],
    ["wrong user name or password", { password: "x" }, /needs no password: leave --password out\.\n$/],
    ["another user needs another connection", { password: "x" }, /another connection\.\n$/],
  ])(
    "a login refused as %j ends the miner with that, what to do about it, and code 1",
    async (reason, flags, message) => {
      const refusing = createServer((socket) => {
        const answers = [encodeResult(1, [{ type: "mining.set_nonce", id: "1" }])];
        answers.push(encodeRefusal(2, stratumError("ErrorLoginRefused", reason)));
        socket.on("error", () => undefined);
        socket.write(answers.join(""));
      });
      const client = startClient({ host: `127.0.0.1:${await portOf(refusing)}`, ...flags });

      expect(await client.exit).toBe(1);
      expect(client.stderr.text()).toContain(`refused the login of "user": ${reason}.`);
      expect(client.stderr.text()).toMatch(message);
      refusing.close();
    },
  );

  it("takes the table's size from the pool, and says so where it was told another", async () => {
    const server = startServer();
    const [, port] = await server.stdout.until(/stratum on 127\.0\.0\.1:(\d+)/);
    server.stdin.write(`job 1000 ${HASH}\n`);
    const [told, wrong] = [
      startClient({ host: `127.0.0.1:${port}`, toldBits: true }),
      startClient({ host: `127.0.0.1:${port}`, bits: 11, worker: "wrong" }),
    ];
    await told.stdout.until(/Mining with 1 thread/);
    await wrong.stdout.until(/This pool's table has 10 bits: with --bits 11 it will refuse every share/);
    await wrong.stdout.until(/pool: this pool's table has 10 bits: start the miner with --bits 10/);
    await firstAccepted(told);
    for (const client of [told, wrong]) {
      client.stop.abort();
      expect(await client.exit).toBe(0);
    }
    expect(told.stdout.text()).toMatch(/accepted [1-9]\d* · rejected 0\n$/);
    expect(wrong.stdout.text()).toMatch(/accepted 0 · rejected [1-9]\d* \(ErrorWrongHash/);
    server.stop.abort();
    await server.exit;
  });

  it("takes the worker names that the pool takes, up to 64 characters, none too", async () => {
    const server = startServer();
    const [, port] = await server.stdout.until(/stratum on 127\.0\.0\.1:(\d+)/);
    for (const worker of ["w".repeat(64), ""]) {
      const client = startClient({ host: `127.0.0.1:${port}`, worker });
      await client.stdout.until(/pool: Welcome/);
      client.stop.abort();
      expect(await client.exit).toBe(0);
    }
    expect(() => startClient({ host: `127.0.0.1:${port}`, worker: "w".repeat(65) })).toThrow(
      /^--worker: expected at most 64 visible ASCII characters/,
    );
    server.stop.abort();
    await server.exit;
  });

  it("says in words that a port speaks TLS or does not, and brings no warning of Node's", async () => {
    const warnings: string[] = [];
    const onWarning = (warning: Error): void => void warnings.push(warning.message);
    process.on("warning", onWarning);
    const plain = createServer((socket) => {
      socket.on("error", () => undefined);
      socket.end('{"id":0,"method":"client.show_message","params":["hello"]}\n');
    });
    // A port for TLS closes on what is none, without a word.
    const secure = createTlsServer({ key: TEST_KEY, cert: TEST_CERT });
    const [plainPort, tlsPort] = [await portOf(plain), await portOf(secure)];
    const withTls = startClient({ host: `127.0.0.1:${plainPort}`, tls: true });
    const without = startClient({ host: `127.0.0.1:${tlsPort}` });

    await withTls.log.until(/this port does not speak TLS: leave --tls out/);
    await without.log.until(/is this its port for TLS\? Then give --tls|speaks TLS on this port: give --tls/);

    for (const client of [withTls, without]) {
      client.stop.abort();
      await client.exit;
    }
    await new Promise((resolve) => setImmediate(resolve));
    process.off("warning", onWarning);
    expect(warnings).toEqual([]);
    plain.close();
    secure.close();
  });

  it("goes on at the next pool of its list where the first is not there, and says so", async () => {
    const server = startServer();
    const [, port] = await server.stdout.until(/stratum on 127\.0\.0\.1:(\d+)/);
    server.stdin.write(`job 1000 ${HASH}\n`);
    const refusing = createServer((socket) => {
      const answers = [encodeResult(1, [{ type: "mining.set_nonce", id: "1" }])];
      answers.push(encodeRefusal(2, stratumError("ErrorLoginRefused", "no such user")));
      socket.on("error", () => undefined);
      socket.write(answers.join(""));
    });
    const client = startClient({
      url: [`127.0.0.1:${await portOf(refusing)}`, `stratum+tcp://127.0.0.1:${port}`],
    });

    await client.log.until(/The pool refused the login: the others are tried/);
    await firstAccepted(client);
    client.stop.abort();
    expect(await client.exit).toBe(0);
    server.stop.abort();
    await server.exit;
    refusing.close();
  });
});
