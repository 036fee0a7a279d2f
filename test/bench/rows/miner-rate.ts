/** Whether the rate that the miner shows is the one that a pool sees. */

import { createInterface } from "node:readline";
import * as v from "valibot";
import type { Bench, Opened, Setting, Values } from "../bench.ts";
import { PROSPER } from "../pool.ts";
import { end, type Room } from "../room.ts";
import { countShares } from "./counting-pool.ts";

/** A small table, so that there are enough shares: their number's own error is 1 / √shares. */
const BITS = 16;
const HASHES_A_SHARE = 4_096;
const THREADS = 2;
const SECONDS = 600;

/** The miner's own line, each half minute. */
const stats = v.object({
  event: v.literal("stats"),
  hashes: v.number(),
  rates: v.object({ quarterHour: v.number() }),
});

interface Seen {
  readonly ms: number;
  readonly hashes: number;
  readonly shares: number;
  readonly shown: number;
}

async function openMinerRate(_: Setting, room: Room): Promise<Opened> {
  const pool = await countShares(HASHES_A_SHARE, room);
  const ours = async (): Promise<Values> => {
    const flags = ["--host", `127.0.0.1:${pool.port}`, "--user", "bench", "--worker", "rig", "--json"];
    const child = room.spawn(
      process.execPath,
      [PROSPER, "--log", "error", "miner", ...flags, "--threads", `${THREADS}`, "--bits", `${BITS}`],
      { stdio: ["pipe", "pipe", "inherit"] },
    );
    if (child.stdout === null) throw new Error("the miner has no standard output");
    let first: Seen | undefined;
    for await (const line of createInterface({ input: child.stdout })) {
      const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), stats), line);
      if (!parsed.success) continue;
      const { hashes, rates } = parsed.output;
      const seen = { ms: performance.now(), hashes, shares: pool.shares(), shown: rates.quarterHour };
      first ??= seen;
      if (seen.ms - first.ms < (SECONDS - 1) * 1_000) continue;
      await end(child);
      return compare(first, seen);
    }
    throw new Error(`the miner ended before ${SECONDS} s`);
  };
  return { ours, peer: undefined };
}

function compare(first: Seen, last: Seen): Values {
  const seconds = (last.ms - first.ms) / 1_000;
  const shares = last.shares - first.shares;
  const own = (last.hashes - first.hashes) / seconds;
  const seen = (shares * HASHES_A_SHARE) / seconds;
  return {
    "miner-rate": own,
    "miner-rate-shown": last.shown,
    "miner-rate-pool": seen,
    "miner-rate-off": (100 * (seen - own)) / own,
    "miner-rate-error": 100 / Math.sqrt(shares),
  };
}

export const MINER_RATE: Bench = {
  name: "miner-rate",
  what: `the miner as a program at a stand-in for a pool, ${THREADS} threads over ${BITS} bits for ${SECONDS} s, ${HASHES_A_SHARE} hashes a share`,
  rounds: 1,
  isQuick: false,
  rows: {
    "miner-rate": { unit: "hashes/s", what: "by the miner's own count" },
    "miner-rate-shown": {
      unit: "hashes/s",
      what: "as it shows it, over a quarter of an hour or what has passed",
    },
    "miner-rate-pool": { unit: "hashes/s", what: "as the pool counts it: shares times their target" },
    "miner-rate-off": { unit: "%", what: "how far the pool's is from the miner's" },
    "miner-rate-error": {
      unit: "%",
      what: "the standard error of the pool's: one over the root of the shares",
    },
  },
  open: openMinerRate,
};
