/** The pool's miners, all at once. */

import { until } from "../../support/until.ts";
import type { DeployedPool } from "./deployed-pool.ts";

/** Miners of edge `from` go to edge `to` when they lose their connection, as a balancer would send them. */
export function sendMiners(pool: DeployedPool, from: number, to: number): void {
  for (const [i, miner] of pool.miners.entries()) if (i % 2 === from) miner.address = pool.edge(to).stratum;
}

/** Resolves when every miner has one more acknowledged share. */
export async function untilAllMine({ miners }: DeployedPool): Promise<void> {
  const before = miners.map((miner) => miner.acknowledged);
  const mined = (): boolean => miners.every((miner, i) => miner.acknowledged > (before[i] ?? 0));
  await until("a share of every miner", mined, { withinMs: 90_000 });
}
