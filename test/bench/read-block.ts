/**
 * How long reading a block takes from a node as slow as told, three times, each by a reader that knows nothing of it:
 * `node test/bench/read-block.ts [entries] [delays in ms, with commas]`. Node and reader share one process.
 */

import { createBlockReader } from "../../edge/chain/reader.ts";
import { systemClock, systemRandom } from "../../shared/clock.ts";
import { createFactomd } from "../../shared/factom/client.ts";
import { BLOCK_HEIGHT, startBlockNode } from "../support/block-node.ts";

const entries = Number(process.argv[2] ?? 1_000);
const delays = (process.argv[3] ?? "0,50,500").split(",").map(Number);

for (const delayMs of delays) {
  const node = await startBlockNode(entries);
  node.delayMs = delayMs;
  const factomd = createFactomd(
    { url: node.url, timeoutMs: 10_000 },
    { fetch, clock: systemClock, random: systemRandom },
  );
  const times: string[] = [];
  for (let round = 0; round < 3; round++) {
    const reader = createBlockReader({ factomd, clock: systemClock });
    const startedMs = performance.now();
    const block = await reader.read(BLOCK_HEIGHT);
    if (block.entries.length !== entries)
      throw new Error(`expected ${entries} entries, got ${block.entries.length}`);
    times.push(`${((performance.now() - startedMs) / 1000).toFixed(2)} s`);
  }
  const { calls, sockets } = node.most;
  process.stdout.write(
    `${entries} entries, ${delayMs} ms a call: ${times.join(", ")}; at most ${calls} calls at a time, ${sockets} sockets in all; 8 at a time: ${((entries / 8) * delayMs) / 1000} s\n`,
  );
  await node.close();
}
