/** The load generator, as a process of its own, against our edge and against servers that will not have it. */

import { createServer, type Server } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { startEdge } from "../edge.ts";
import { peerLogin } from "../pool.ts";
import { Room } from "../room.ts";
import { Generator } from "./generator.ts";
import { machineMs } from "./protocol.ts";

const BITS = 10;

let room: Room;
beforeEach(() => {
  room = new Room();
});
afterEach(() => room.tidy());

/** A server that says this to each line. */
async function saying(answer: (line: string) => string): Promise<number> {
  const server: Server = createServer((socket) => {
    socket.on("error", () => undefined).setEncoding("utf8");
    socket.on("data", (text: string) => {
      for (const line of text.split("\n").filter((one) => one !== "")) socket.write(answer(line));
    });
    room.onTidy(() => void socket.destroy());
  });
  room.onTidy(() => void server.close());
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}

function isThere(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

describe("the load generator", () => {
  it("makes shares for what it was told, sends each once, and all are accepted: also again, and at a pace", async () => {
    const { port } = await startEdge(BITS, room);
    const generator = new Generator(room);
    await generator.connect(peerLogin(port, 3));

    await generator.mine({ bits: BITS, each: 40 });
    const first = await generator.flood({ inFlight: 8 });
    await generator.mine({ bits: BITS, each: 10 });
    const paced = await generator.pace({ perSecond: 100 });

    expect(first).toMatchObject({ accepted: 120, refusals: [], isStale: false, waits: [] });
    expect(first.cpuPercent).toBeGreaterThan(0);
    expect(paced.accepted).toBe(30);
    expect(paced.waits.length).toBe(30);
    // The thirtieth is sent 0.29 s after the first.
    expect(paced.seconds).toBeGreaterThanOrEqual(0.29);
    expect(Math.min(...paced.waits)).toBeGreaterThan(0);
  });

  it("tells when each client heard of a job, and mines for the new one after it", async () => {
    const { port, nextJob } = await startEdge(BITS, room);
    const generator = new Generator(room);
    await generator.connect(peerLogin(port, 5));
    await generator.mine({ bits: BITS, each: 2 });

    await generator.listen();
    const startMs = machineMs();
    nextJob();
    const heard = await generator.heard();

    expect(heard.length).toBe(5);
    for (const ms of heard) expect(ms).toBeGreaterThan(startMs);
    expect(Math.max(...heard)).toBeLessThan(machineMs());
    await generator.mine({ bits: BITS, each: 2 });
    expect((await generator.flood({ inFlight: 1 })).accepted).toBe(10);
  });

  it("is tidied up with an edge that was ended before, as Ctrl-C ends all processes of a terminal", async () => {
    const { pid } = await startEdge(BITS, room);
    process.kill(pid, "SIGINT");
    // Whoever waited for an end that has been would wait for ever.
    await expect.poll(() => isThere(pid)).toBe(false);
    await room.tidy();
  });

  it("rejects with the server's words where a login or a share is refused", async () => {
    const noEntry = await saying((line) => `{"id":${JSON.parse(line).id},"result":false}\n`);
    await expect(new Generator(room).connect(peerLogin(noEntry, 1))).rejects.toThrow(
      'the login was refused: {"id":2,"result":false}',
    );

    const noShares = await saying((line) => {
      const { id, method } = JSON.parse(line);
      if (method === "mining.submit") return `{"id":${id},"result":false,"error":"too late"}\n`;
      if (method !== "mining.subscribe") return `{"id":${id},"result":true}\n`;
      const told = `{"id":1,"method":"mining.set_target","params":["8000000000000000"]}\n{"id":2,"method":"mining.notify","params":["7","${"ab".repeat(32)}",""]}\n`;
      return `{"id":${id},"result":[{"type":"mining.set_nonce","id":"5"}]}\n${told}`;
    });
    const generator = new Generator(room);
    await generator.connect(peerLogin(noShares, 1));
    await generator.mine({ bits: BITS, each: 3 });
    await expect(generator.flood({ inFlight: 3 })).rejects.toThrow("too late");
  });

  it("does not mine for a target that would take too long, and says so", async () => {
    const hard = await saying((line) => {
      const { id, method } = JSON.parse(line);
      if (method !== "mining.subscribe") return `{"id":${id},"result":true}\n`;
      const told = `{"id":1,"method":"mining.set_target","params":["ffff000000000000"]}\n{"id":2,"method":"mining.notify","params":["7","${"ab".repeat(32)}",""]}\n`;
      return `{"id":${id},"result":[{"type":"mining.set_nonce","id":"5"}]}\n${told}`;
    });
    const generator = new Generator(room);
    await generator.connect(peerLogin(hard, 1));

    await expect(generator.mine({ bits: BITS, each: 1 })).rejects.toThrow(
      "expected a target of at most 4096 hashes a share, got one of 65536",
    );
  });
});
