/** What goes wrong, by name. Each schedule draws its own set, so that rare combinations come up too. */

import type { CreditMode } from "../../../shared/difficulty/work.ts";
import type { Chance } from "../random.ts";

export const FAULTS = [
  "kill-edge",
  "kill-edge-at-operation",
  "power-cut",
  "disk-full",
  "failing-sync",
  "failing-disk",
  "pause-edge",
  "stop-edge",
  "kill-functions",
  "pause-functions",
  "database-away",
  "database-crash",
  "queue-away",
  "slow-queue",
  "wall-clock-jump",
  "database-clock-jump",
  "stalled-chain",
  "quick-blocks",
  "node-away",
  "no-prices",
  "cut-lines",
  "stuck-miner",
  "replace-edge",
  "slow-grading",
  "false-saving",
  "tampered-payout-file",
  "restored-database",
] as const;

export type Fault = (typeof FAULTS)[number];

/** The circumstances of one schedule. */
export interface Plan {
  readonly edges: number;
  readonly functions: number;
  /** Slots there are: one more than edges, or just as many. */
  readonly slots: number;
  /** Prefixes of a slot. */
  readonly sessions: number;
  readonly miners: number;
  /** Cheating miners: where work is credited as it was assigned, and there are too many prefixes to guess one by luck. */
  readonly cheats: number;
  readonly credit: CreditMode;
  readonly everyMs: number;
  readonly blocks: number;
  readonly faults: readonly Fault[];
  readonly faultEveryMs: number;
  readonly duplicates: number;
  readonly lostAnswers: number;
  readonly noReward: number;
  /** How long a statement may wait for a lock that nobody has. */
  readonly pauseMs: number;
  /** How long a disk takes to sync, on the whole. */
  readonly syncMs: number;
  /** Two edges were made from one image and have one identity. */
  readonly twins: boolean;
}

/** Enough for any schedule; few come round quickly. */
const ALL_SESSIONS = 1 << 20;
const FEW_SESSIONS = 12;

export function drawPlan(chance: Chance): Plan {
  const calm = chance.hit(0.1);
  const edges = chance.whole(1, 3);
  const rate = chance.pick([0.15, 0.35, 0.7]);
  const twins = edges > 1 && chance.hit(0.06);
  const credit = twins || chance.hit(0.5) ? "achieved" : "assigned";
  const sessions = chance.hit(0.5) ? FEW_SESSIONS : ALL_SESSIONS;
  const faults = calm ? [] : FAULTS.filter(() => chance.hit(rate));
  return {
    edges,
    functions: chance.whole(1, 2),
    slots: edges + chance.whole(0, 1),
    sessions,
    miners: chance.whole(2, 7),
    cheats: credit === "assigned" && sessions === ALL_SESSIONS ? chance.whole(1, 3) : 0,
    credit,
    everyMs: chance.pick([250, 500, 1_500]),
    blocks: chance.whole(2, 5),
    faults,
    faultEveryMs: chance.pick([1_500, 4_000, 9_000]),
    duplicates: calm ? 0 : chance.pick([0, 0.2, 0.6]),
    lostAnswers: calm ? 0 : chance.pick([0, 0.03, 0.15]),
    noReward: chance.pick([0, 0.3]),
    pauseMs: 4,
    syncMs: 4,
    twins,
  };
}
