/** What an edge and the bundled miner read, mutated. */

import { duplexPair } from "node:stream";
import { type JournalRecord, scanFrames } from "../../../../edge/journal/frame.ts";
import { readJournal } from "../../../../edge/journal/read-journal.ts";
import { decodeRecord } from "../../../../edge/journal/records.ts";
import { decodeHeader } from "../../../../edge/journal/segment.ts";
import { edgeIdentity } from "../../../../edge/lease/identity.ts";
import { PoolConnection } from "../../../../edge/miner/pool-connection.ts";
import { Recovery } from "../../../../edge/shares/recover.ts";
import { PROXY_V2_SIGNATURE, parseProxyV2 } from "../../../../edge/stratum/proxy-v2.ts";
import { concat, fromHex } from "../../../../shared/bytes.ts";
import { SILENT } from "../../../../shared/logger.ts";
import { parseStratumLine } from "../../../../shared/messages/stratum.ts";
import { manualClock } from "../../../support/manual-clock.ts";
import { memoryDisk } from "../../../support/memory-disk.ts";
import type { Chance } from "../../../support/random.ts";
import { granted, mine, openJob, start, submission, submit, world } from "../../../support/share-desk.ts";
import { pass, passUntil } from "../../../support/turns.ts";
import { bytesOf, type Target, textOf } from "./target.ts";

/** What an edge reads: its miners, its balancer, its own disk. */
export async function edgeTargets(chance: Chance): Promise<Target[]> {
  const journal = await journalFiles();
  const v2 = concat(PROXY_V2_SIGNATURE, fromHex("21110014c0000201c000020200500051"), new Uint8Array(8));
  return [
    {
      name: "journal",
      seeds: journal,
      share: 0.3,
      parse: async (input) => {
        const disk = memoryDisk(new Map([["/j/00000001.journal", bytesOf(input)]]));
        const reader = {
          start: () => undefined,
          record: (record: Parameters<typeof decodeRecord>[0]) => void decodeRecord(record),
        };
        await readJournal("/j", reader, { disk, logger: SILENT });
      },
    },
    {
      name: "stratum line",
      seeds: ['{"id":1,"method":"mining.submit","params":["a","1","2","3","4"]}'],
      parse: (input) => parseStratumLine(textOf(input)),
    },
    { name: "PROXY header", seeds: [v2], parse: (input) => parseProxyV2(bytesOf(input)) },
    recordTarget(journal, chance),
    {
      name: "edge identity",
      seeds: [`${"0123456789abcdef".repeat(2)}\n`],
      share: 0.2,
      parse: (input) =>
        edgeIdentity("/e", {
          disk: memoryDisk(new Map([["/e/edge-id", bytesOf(input)]])),
          random: chance.bytes(),
        }),
    },
    {
      name: "pool line to a miner",
      seeds: POOL_LINES,
      parse: (input) => hearPool(bytesOf(input), chance),
    },
  ];
}

/** A record whose frame is right but whose body is not, among others that are: what a later version's journal would be. */
function recordTarget(files: readonly Uint8Array[], chance: Chance): Target {
  const [file = new Uint8Array()] = files;
  const { header, end } = decodeHeader(file) ?? never();
  const records: JournalRecord[] = [];
  scanFrames(file, end, header.salt, (record) => void records.push(record));
  return {
    name: "journal record",
    seeds: records.map(({ kind, body }) => concat(Uint8Array.of(kind), body)),
    share: 0.5,
    parse(input) {
      const bytes = bytesOf(input);
      const changed = { kind: bytes[0] ?? 0, body: bytes.slice(1) };
      const place = chance.whole(0, records.length - 1);
      const recovery = new Recovery(chance.bytes());
      recovery.start(header.state);
      for (const [index, record] of records.entries())
        recovery.record({ ...(index === place ? changed : record), number: index + 1, segment: 1 });
      recovery.finish();
    },
  };
}

const POOL_LINES = [
  '{"id":1,"result":[{"type":"mining.notify","id":"1"},{"type":"mining.set_nonce","id":"12345"},"0.0.1"],"error":null}',
  '{"id":2,"result":true,"error":null}',
  '{"id":2,"result":false,"error":{"code":24,"message":"unauthorized","data":"wrong password"}}',
  `{"id":7,"method":"mining.notify","params":["1000","${"ab".repeat(32)}",""]}`,
  '{"id":8,"method":"mining.set_target","params":["fff0000000000000"]}',
  '{"id":9,"method":"mining.set_nonce","params":["77"]}',
  '{"id":10,"method":"client.reconnect","params":["pool.example.org","1234","5"]}',
  '{"id":11,"method":"client.show_message","params":["hello"]}',
  '{"id":12,"method":"mining.stop_mining","params":[""]}',
];

/** The bundled miner's end of a connection, greeted as by a pool and told the line. */
async function hearPool(line: Uint8Array, chance: Chance): Promise<void> {
  const [pool, miner] = duplexPair();
  pool.on("error", () => undefined);
  pool.resume();
  const nothing = (): void => undefined;
  const connection = new PoolConnection(
    miner,
    "fuzz",
    { clock: manualClock() },
    {
      ...{ onPrefix: nothing, onAuthorized: nothing, onRefused: nothing, onJob: nothing, onTarget: nothing },
      ...{ onStop: nothing, onMessage: nothing, onReconnect: nothing, onEnd: nothing },
    },
  );
  connection.greet({ user: "ann", worker: "rig", password: "", invite: "", payoutAddress: "" });
  const lines = [Buffer.from(chance.pick(POOL_LINES)), line, Buffer.from(chance.pick(POOL_LINES)), ""];
  pool.write(Buffer.concat(lines.flatMap((one) => [Buffer.from(one), Buffer.from("\n")])));
  await new Promise((resolve) => setImmediate(resolve));
  connection.end("done");
  pool.destroy();
}

function never(): never {
  throw new Error("a real journal has no header");
}

/** A real journal: prefixes, shares, a stop and what follows it, cuts, a close marker. */
async function journalFiles(): Promise<Uint8Array[]> {
  const disk = memoryDisk();
  const w = world(disk);
  await start(w, 1000);
  for (let skip = 0; skip < 4; skip++) await submit(w, submission(w, 1000, await mine(1000, 0, { skip })));
  w.desk.stopJob();
  await passUntil(w.clock, w.desk.resumeJob());
  const prefix = await granted(w, { measured: { address: "192.0.2.7", trusted: true } });
  await submit(w, submission(w, 1000, await mine(1000, prefix)));
  await pass(w.clock, 1_500);
  await openJob(w, 1001);
  await pass(w.clock, 2_500);
  return [...disk.files()].filter(([path]) => path.endsWith(".journal")).map(([, data]) => data);
}
