/** A miner over a small table, dialling what a test gives it, under a clock that a test moves. Each is stopped when its test ends. */

import type { Duplex } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach } from "vitest";
import { type Miner, type MinerOptions, startMiner } from "../../edge/miner/miner.ts";
import type { OpenTable } from "../../edge/miner/miner-threads.ts";
import { systemRandom } from "../../shared/clock.ts";
import type { SharedTable } from "../../shared/hash/shared-table.ts";
import { SILENT } from "../../shared/logger.ts";
import { smallTable } from "./hash/small-table.ts";
import { type ManualClock, manualClock } from "./manual-clock.ts";

export const table = smallTable(10);
export const HASH_A = "aa".repeat(32);
export const HASH_B = "bb".repeat(32);

const running: { miner: Miner; clock: ManualClock }[] = [];
afterEach(async () => {
  const ending = running.splice(0);
  let isEnded = false;
  const ended = Promise.all(ending.map(({ miner }) => miner.stop())).finally(() => {
    isEnded = true;
  });
  // A miner whose last share has no verdict yet waits for it, by a clock that stands still otherwise.
  while (!isEnded) {
    for (const { clock } of ending) clock.advance(10);
    await sleep(1);
  }
  await ended;
});

export function launch(
  dial: (port: number) => Duplex,
  options: Partial<MinerOptions> = {},
  ownTable: SharedTable | OpenTable = table,
) {
  const clock = manualClock();
  const messages: string[] = [];
  const miner = startMiner(
    {
      host: "pool.test",
      port: 1234,
      user: "user",
      worker: "rig",
      threads: 1,
      maxHashesPerSecond: 100_000,
      ...options,
    },
    {
      table: ownTable,
      clock,
      random: systemRandom,
      logger: SILENT,
      dial: async ({ port }) => dial(port),
      onMessage: (text) => messages.push(text),
    },
  );
  running.push({ miner, clock });
  return { clock, messages, miner };
}
