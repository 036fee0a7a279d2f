/** What the bars print of a miner's line. */

import { spread } from "./signals.ts";
import type { Period, Tap } from "./tap.ts";

export const AIM = 60;
const LAST_PERIODS = 20;

/** Of the last whole periods: accepted shares a block period of mining time. Weighed by that time: a job that was stopped at once would count as much as a whole one. */
export function pace(periods: readonly Period[], blockMs: number): number {
  const counted = periods.slice(1, -1).slice(-LAST_PERIODS);
  const accepted = counted.reduce((sum, period) => sum + period.accepted, 0);
  const minedMs = counted.reduce((sum, period) => sum + period.minedMs, 0);
  return (accepted * blockMs) / minedMs;
}

export function refusedOf(tap: Tap): number {
  return Object.values(tap.refused).reduce((sum, count) => sum + count, 0);
}

export function print(name: string, tap: Tap, lost: number): void {
  tap.endPeriod();
  console.log(
    `${name}: submitted ${tap.submitted}, accepted ${tap.accepted}, refused ${refusedOf(tap)}, lost ${lost}, connections ${tap.connections}, cuts ${tap.cuts}, verdict after ms (median / largest) ${spread(tap.verdictMs)}`,
  );
  for (const [reason, count] of Object.entries(tap.refused)) console.log(`  refused ${count}: ${reason}`);
}

export function printPace({ periods }: Tap, blockMs: number): void {
  const counted = periods.slice(1, -1).slice(-LAST_PERIODS);
  const mined = counted.reduce((sum, period) => sum + period.minedMs, 0) / (blockMs * counted.length);
  console.log(
    `  pace: ${pace(periods, blockMs).toFixed(1)} shares a block period of mining time (aim ${AIM}, last ${counted.length} whole periods, mined for ${(100 * mined).toFixed(0)} % of their time)`,
  );
}
