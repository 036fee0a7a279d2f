/** Figures of a miner with two threads that has mined for a minute. */

import type { MinerStats } from "../../edge/miner/miner-stats.ts";
import { targetOfWork } from "../../shared/difficulty/work.ts";

export function minerStats(): MinerStats {
  const rates = (tenSeconds: number, minute: number, highest: number) => ({
    ...{ tenSeconds, minute, quarterHour: minute, highest },
  });
  return {
    pool: { host: "pool.example.com", port: 1234, tls: true, user: "ann", worker: "rig" },
    ...{ connected: true, authorized: true, loggedInMs: 60_000, paused: false, reconnects: 1 },
    ...{ hashrate: 3000, rates: rates(3000, 2000, 3500), hashes: 200_000 },
    threads: [rates(1000, 900, 1500), rates(2000, 1100, 2000)],
    ...{ submitted: 6, accepted: 3, rejected: { ErrorStaleShare: 2 }, lost: 1, answerMs: 12.4 },
    verdicts: [
      { height: 1000, difficulty: targetOfWork(65_536n), answer: "accepted", ms: 9.6 },
      { height: 1000, difficulty: targetOfWork(70_000n), answer: "ErrorStaleShare", ms: 12.4 },
    ],
    best: [targetOfWork(1_048_576n), targetOfWork(65_536n)],
    acceptedHashes: 196_608n,
    ...{ height: 1000, tablePart: undefined, target: targetOfWork(65_536n) },
  };
}
