/** Looks after the workers once a run: what is usual for some of them, then how all of them do. */

import type { Clock } from "../../shared/clock.ts";
import { alertRefused } from "../../shared/db/alerts.ts";
import type { Db } from "../../shared/db/port.ts";
import { judgeWorkers, learnWorkers } from "../../shared/db/worker-states.ts";

/** Each minute: 24,000 in an hour. */
const LEARNED = 400;
/** As the edge's own rule for a chain that stands still (edge/chain/stall.ts). */
const STALLED_AFTER_BLOCKS = 3;
const SHORTEST_STALL_MS = 60_000;

/** Resolves to how many workers' states have changed. */
export async function watchWorkers(db: Db, clock: Clock, blockMs: number): Promise<number> {
  const nowMs = clock.wallMs();
  await learnWorkers(db, nowMs, LEARNED);
  await alertRefused(db, nowMs);
  return judgeWorkers(db, nowMs, Math.max(SHORTEST_STALL_MS, STALLED_AFTER_BLOCKS * blockMs));
}
