/** What the bars print of a miner's line. */

import type { Period, Tap } from "./tap.ts";

export const AIM = 60;
const LAST_PERIODS = 20;

/** Of the last whole periods: accepted shares a block period of mining time. */
export function pace(periods: readonly Period[], blockMs: number): number {
  const rates = periods
    .slice(1, -1)
    .slice(-LAST_PERIODS)
    .filter((period) => period.minedMs > 0)
    .map((period) => (period.accepted * blockMs) / period.minedMs);
  return rates.reduce((sum, rate) => sum + rate, 0) / rates.length;
}

export function refusedOf(tap: Tap): number {
  return Object.values(tap.refused).reduce((sum, count) => sum + count, 0);
}

export function print(name: string, tap: Tap, lost: number): void {
  tap.endPeriod();
  console.log(
    `${name}: submitted ${tap.submitted}, accepted ${tap.accepted}, refused ${refusedOf(tap)}, lost ${lost}, connections ${tap.connections}, cuts ${tap.cuts}`,
  );
  for (const [reason, count] of Object.entries(tap.refused)) console.log(`  refused ${count}: ${reason}`);
}

export function printPace({ periods }: Tap, blockMs: number): void {
  const counted = Math.min(LAST_PERIODS, Math.max(0, periods.length - 2));
  console.log(
    `  pace: ${pace(periods, blockMs).toFixed(1)} shares a block period of mining time (aim ${AIM}, last ${counted} whole periods)`,
  );
}
