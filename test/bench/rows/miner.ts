/** The miner as it is run, at a server that counts: its rate is what a pool sees, shares times the hashes that each stands for. */

import type { ChildProcess } from "node:child_process";
import { createServer, type Socket } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import type { Bench, Opened, Setting, Values } from "../bench.ts";
import { PROSPER } from "../pool.ts";
import { end, type Room } from "../room.ts";

const THREADS = 2;
const SECONDS = 20;
const QUICK_SECONDS = 3;
const QUICK_BITS = 16;
/** A large table may have to be read first. */
const FIRST_SHARE_MS = 180_000;
/** Small tables are hashed many times as fast: shares must not become what is measured. */
const HASHES_A_SHARE = { small: 4_096, large: 128 };

interface Counting {
  readonly port: number;
  shares(): number;
}

/** Tells whoever comes one job and one target, and says true to every share. */
async function countShares(hashesAShare: number, room: Room): Promise<Counting> {
  let shares = 0;
  let prefix = 0x10_00_00_00;
  const target = (2n ** 64n - 2n ** 64n / BigInt(hashesAShare)).toString(16);
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined).on("close", () => sockets.delete(socket));
    let text = "";
    socket.setEncoding("latin1").on("data", (chunk: string) => {
      const lines = (text + chunk).split("\n");
      text = lines.pop() ?? "";
      socket.write(lines.map(answer).join(""));
    });
  });
  const answer = (line: string): string => {
    const { id, method } = JSON.parse(line);
    if (method === "mining.submit") shares += 1;
    if (method === undefined) return "";
    if (method !== "mining.subscribe") return `{"id":${id},"result":true}\n`;
    prefix += 1;
    const result = `[{"type":"mining.set_nonce","id":"${prefix}"}]`;
    const news = [
      `{"id":1,"method":"mining.set_target","params":["${target}"]}`,
      `{"id":2,"method":"mining.notify","params":["1000","${"5a".repeat(32)}",""]}`,
    ];
    return `{"id":${id},"result":${result}}\n${news.join("\n")}\n`;
  };
  room.onTidy(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const address = server.address();
  return { port: typeof address === "object" && address !== null ? address.port : 0, shares: () => shares };
}

async function open(setting: Setting, room: Room): Promise<Opened> {
  const bits = setting.quick ? Math.min(setting.bits, QUICK_BITS) : setting.bits;
  const seconds = setting.quick ? QUICK_SECONDS : SECONDS;
  const hashesAShare = bits > QUICK_BITS ? HASHES_A_SHARE.large : HASHES_A_SHARE.small;
  const { port, shares } = await countShares(hashesAShare, room);
  const turn = (start: () => ChildProcess) => async (): Promise<Values> => {
    const child = start();
    const before = shares();
    const untilMs = performance.now() + FIRST_SHARE_MS;
    while (shares() === before) {
      if (child.exitCode !== null || performance.now() > untilMs)
        throw new Error(`expected a share of ${child.spawnfile}, got none (exit code ${child.exitCode})`);
      await pause(20);
    }
    // It warms up first.
    await pause(1000);
    const from = shares();
    const startMs = performance.now();
    await pause(seconds * 1000);
    const rate = ((shares() - from) * hashesAShare * 1000) / (performance.now() - startMs);
    await end(child);
    return { miner: rate };
  };
  const flags = ["--host", `127.0.0.1:${port}`, "--user", "bench@example.org", "--worker", "rig"];
  const sizes = ["--threads", `${THREADS}`, "--bits", `${bits}`];
  const { miner } = setting.peers;
  return {
    ours: turn(() =>
      room.spawn(process.execPath, [PROSPER, "--log", "error", "miner", ...flags, ...sizes], {
        stdio: ["pipe", "ignore", "inherit"],
      }),
    ),
    peer:
      miner === undefined
        ? undefined
        : turn(() =>
            room.spawn(miner, [`127.0.0.1:${port}`, `${THREADS}`, `${bits}`], {
              stdio: ["pipe", "ignore", "ignore"],
            }),
          ),
  };
}

export const MINER: Bench = {
  name: "miner",
  what: `the miner as a program, ${THREADS} threads over the large table, for ${SECONDS} s after its first share`,
  rounds: 3,
  needsTable: true,
  rows: {
    miner: {
      unit: "hashes/s",
      what: "shares times the hashes that each stands for, as a pool sees them",
      better: "more",
    },
  },
  open,
};
