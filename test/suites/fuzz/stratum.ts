/** Lines against the real stratum server and share desk, over in-memory sockets: mutated conversations, and raw bytes. */

import { readdirSync, readFileSync } from "node:fs";
import { type Duplex, duplexPair } from "node:stream";
import { AnnouncedJobs } from "../../../edge/stratum/announced-jobs.ts";
import { EdgeBackend } from "../../../edge/stratum/edge-backend.ts";
import { NO_METRICS } from "../../../edge/stratum/metrics.ts";
import { StratumServer } from "../../../edge/stratum/server.ts";
import { concat, fromHex, toHex, u32ToBytes } from "../../../shared/bytes.ts";
import { SILENT } from "../../../shared/logger.ts";
import { memoryDisk } from "../../support/memory-disk.ts";
import type { Chance } from "../../support/random.ts";
import { openJob, oprHashOf, start, world } from "../../support/share-desk.ts";
import { passUntil } from "../../support/turns.ts";
import { easyHasher, reachedOf } from "./easy-hasher.ts";
import { mutateBytes, mutateJson, mutateText, randomBytes } from "./mutate.ts";
import { checkUnpolluted, type Part } from "./report.ts";

const SESSIONS = 32;
const FIRST_HEIGHT = 1000;
/** A job lasts for so many lines: what is kept for a job must go with it. */
const JOB_LINES = 200_000;
const MAX_ANSWER = 8_192;
const VECTORS = new URL("../../support/vectors/stratum/", import.meta.url);

/** What clients sent in the recorded conversations, and what was worth keeping from earlier runs. */
function seedLines(): string[] {
  const lines: string[] = [];
  for (const file of readdirSync(VECTORS)) {
    for (const record of readFileSync(new URL(file, VECTORS), "utf8").split("\n")) {
      if (!record.includes('"c2s"')) continue;
      const { raw } = JSON.parse(record) as { raw?: string };
      if (raw !== undefined) lines.push(...raw.split("\n").filter((line) => line !== ""));
    }
  }
  const corpus = readFileSync(new URL("corpus/stratum.txt", import.meta.url), "utf8");
  return [...new Set([...lines, ...corpus.split("\n").filter((line) => line !== "")])];
}

interface Client {
  readonly stream: Duplex;
  isOpen: boolean;
  lines: number;
  prefix: number;
}

export function stratumPart(chance: Chance): Part {
  return {
    name: "stratum",
    async run(count, done) {
      const seeds = seedLines();
      const w = world(memoryDisk(), {});
      w.hasher = easyHasher;
      let height = FIRST_HEIGHT;
      let read = 0;
      const countLine = (): void => {
        read += 1;
      };
      await start(w, height);
      const announced = new AnnouncedJobs();
      announced.announce({ height, oprHash: oprHashOf(height), threshold: 0n });
      const server = new StratumServer(
        {
          linesPerSecond: 1e9,
          lineBurst: 1e9,
          userSharesPerSecond: 1e9,
          maxConnections: 1_000,
          blockPeriodMs: 600_000,
        },
        {
          backend: new EdgeBackend({
            announced,
            desk: w.desk,
            logins: {
              authorize: async ({ user }) =>
                user.length % 7 === 0 ? { kind: "refused", reason: "no" } : { kind: "ok", registered: false },
            },
          }),
          clock: w.clock,
          random: chance.bytes(),
          logger: SILENT,
          metrics: { ...NO_METRICS, lineRead: countLine },
        },
      );
      const clients: (Client | undefined)[] = Array.from({ length: SESSIONS });
      let addresses = 0;
      const open = (): Client => {
        const [ours, theirs] = duplexPair();
        const client: Client = { stream: ours, isOpen: true, lines: 0, prefix: 0 };
        let text = "";
        ours.setEncoding("utf8");
        ours.on("data", (chunk: string) => {
          text += chunk;
          const parts = text.split("\n");
          text = parts.pop() ?? "";
          for (const line of parts) checkAnswer(line, client);
          if (text.length > MAX_ANSWER) throw new Error(`an answer without an end: ${text.slice(0, 200)}`);
        });
        ours.on("error", () => undefined);
        for (const event of ["end", "close"])
          ours.on(event, () => {
            client.isOpen = false;
            ours.destroy();
          });
        addresses += 1;
        server.accept(theirs, `10.${(addresses >> 16) & 255}.${(addresses >> 8) & 255}.${addresses & 255}`);
        if (chance.hit(0.8))
          ours.write(
            '{"id":1,"method":"mining.subscribe","params":["fuzz"]}\n{"id":2,"method":"mining.authorize","params":["alice,rig"]}\n',
          );
        return client;
      };
      // Counted are the lines that the server reads: what stands behind the end of a session is not.
      while (read < count) {
        const before = read;
        const at = chance.whole(0, SESSIONS - 1);
        let client = clients[at];
        if (client === undefined || !client.isOpen || client.lines > 2_000) {
          client?.stream.destroy();
          client = open();
          clients[at] = client;
        }
        const burst = chance.whole(1, 24);
        client.stream.write(
          Buffer.concat(Array.from({ length: burst }, () => drawLine(seeds, height, client.prefix, chance))),
        );
        client.lines += burst;
        // The block is being saved, or is not after all: shares come late, sessions are told to stop and given new prefixes.
        if (chance.hit(0.0005)) {
          if (w.desk.freshFrom() === undefined) await passUntil(w.clock, w.desk.resumeJob());
          else w.desk.stopJob();
          server.jobChanged();
        }
        if (chance.hit(0.25)) {
          w.clock.advance(chance.hit(0.02) ? 30_000 : 5);
          await new Promise((resolve) => setImmediate(resolve));
          checkUnpolluted();
        }
        if (read >= (height - FIRST_HEIGHT + 1) * JOB_LINES) {
          height += 1;
          await openJob(w, height);
          announced.announce({ height, oprHash: oprHashOf(height), threshold: 0n });
          server.jobChanged();
          // What this harness itself keeps of it.
          w.accepted.length = 0;
          w.books.sent.length = 0;
        }
        done(read - before);
      }
      await checkAlive(server, w.clock);
      const stats = w.desk.stats();
      if (stats === undefined || stats.prefixes.live > SESSIONS * 2)
        throw new Error(`sessions were left behind: ${JSON.stringify(stats?.prefixes)}`);
      console.log(`           verdicts ${JSON.stringify(stats.verdicts)}`);
    },
  };
}

function drawLine(seeds: readonly string[], height: number, prefix: number, chance: Chance): Uint8Array {
  const kind = chance.whole(0, 99);
  if (kind < 8) return Buffer.from(`${goodShare(height, prefix, chance)}\n`);
  const line = chance.pick(seeds);
  if (kind < 50) return Buffer.from(`${mutateJson(line, chance)}\n`);
  if (kind < 75) return Buffer.from(`${mutateText(line, chance)}${chance.hit(0.1) ? "\r\n" : "\n"}`);
  if (kind < 88) return Buffer.concat([mutateBytes(Buffer.from(line), chance), Buffer.from("\n")]);
  if (kind < 96) return Buffer.concat([randomBytes(chance, chance.whole(0, 60)), Buffer.from("\n")]);
  if (kind < 97) return Buffer.from(`${" ".repeat(chance.whole(4_000, 4_200))}\n`);
  if (kind < 98) return Buffer.from(line.slice(0, chance.whole(0, line.length)));
  return Buffer.from(`${line}\n`);
}

/** A share that may well be taken, so that what lies behind the parser is reached. */
function goodShare(height: number, prefix: number, chance: Chance): string {
  const nonce = concat(u32ToBytes(prefix), u32ToBytes(chance.whole(0, 1e9)));
  const oprHash = oprHashOf(height);
  const target = reachedOf(concat(fromHex(oprHash), nonce)).toString(16);
  return JSON.stringify({
    id: 3,
    method: "mining.submit",
    params: ["alice", `${height}`, toHex(nonce), oprHash, target],
  });
}

/** Every line of the server's is whole JSON of a known form. */
function checkAnswer(line: string, client: Client): void {
  const message: unknown = JSON.parse(line);
  if (typeof message !== "object" || message === null || !("id" in message))
    throw new Error(`an answer of no known form: ${line.slice(0, 200)}`);
  const prefix =
    /"type":"mining.set_nonce","id":"?(\d+)/.exec(line)?.[1] ??
    /"mining.set_nonce","params":\["(\d+)"/.exec(line)?.[1];
  if (prefix !== undefined) client.prefix = Number(prefix);
  if (line.length > MAX_ANSWER) throw new Error(`an answer of ${line.length} characters`);
}

/** A new client is served as if nothing had been. */
async function checkAlive(server: StratumServer, clock: { advance(ms: number): void }): Promise<void> {
  const [ours, theirs] = duplexPair();
  let text = "";
  ours.on("data", (chunk: Buffer) => {
    text += chunk.toString();
  });
  server.accept(theirs, "192.0.2.1");
  ours.write('{"id":7,"method":"mining.subscribe","params":["last"]}\n');
  for (let turns = 0; turns < 50 && !text.includes('"id":7'); turns++) {
    clock.advance(10);
    await new Promise((resolve) => setImmediate(resolve));
  }
  if (!text.includes('"id":7,"result":['))
    throw new Error(`the server serves nobody any more: ${text.slice(0, 300)}`);
  ours.destroy();
}
