/** A stand-in for a pool: it believes every share and counts them. */

import { createServer, type Socket } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import type { Room } from "../room.ts";

const BETWEEN_CHANGES_MS = 250;

export interface Counting {
  readonly port: number;
  shares(): number;
  /** Announces another job; resolves to the milliseconds until the last share for the former one came, 0 where none did. */
  changeJob(): Promise<number>;
}

/** Tells whoever comes a job and one target, and says true to every share. */
export async function countShares(hashesAShare: number, room: Room): Promise<Counting> {
  let shares = 0;
  let height = 1000;
  /** When the last share for a job before the present one came. */
  let lastOldMs = 0;
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
    const { id, method, params } = JSON.parse(line);
    if (method === "mining.submit") {
      shares += 1;
      if (Number(params[1]) !== height) lastOldMs = performance.now();
    }
    if (method === undefined) return "";
    if (method !== "mining.subscribe") return `{"id":${id},"result":true}\n`;
    prefix += 1;
    const result = `[{"type":"mining.set_nonce","id":"${prefix}"}]`;
    const news = [`{"id":1,"method":"mining.set_target","params":["${target}"]}`, notifyOf(height)];
    return `{"id":${id},"result":${result}}\n${news.join("\n")}\n`;
  };
  room.onTidy(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const address = server.address();
  const changeJob = async (): Promise<number> => {
    height += 1;
    const startMs = performance.now();
    lastOldMs = startMs;
    for (const socket of sockets) socket.write(`${notifyOf(height)}\n`);
    await pause(BETWEEN_CHANGES_MS);
    return lastOldMs - startMs;
  };
  return {
    port: typeof address === "object" && address !== null ? address.port : 0,
    shares: () => shares,
    changeJob,
  };
}

function notifyOf(height: number): string {
  const oprHash = (height % 256).toString(16).padStart(2, "0").repeat(32);
  return JSON.stringify({ id: 2, method: "mining.notify", params: [`${height}`, oprHash, ""] });
}
