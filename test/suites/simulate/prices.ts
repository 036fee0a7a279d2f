/** A job's prices are the newest by sequence, and not from the future. */

import type { NewestPrices } from "../../../edge/chain/next-job.ts";
import type { ModelServer } from "../../support/model/server.ts";
import { Violation } from "./violation.ts";

/** How far before the database's clock a row may be dated. */
const AHEAD_MS = 6_000;

/** Asks for the newest prices, having noted which row it should be, and judges the one that came. */
export async function judgePrices(
  ask: () => Promise<NewestPrices>,
  { server, guard }: { readonly server: ModelServer; readonly guard: (work: () => void) => void },
): Promise<NewestPrices> {
  const newest = server.tables.prices.at(-1)?.id ?? 0n;
  const beforeMs = server.nowMs();
  const row = await ask();
  const madeAtMs = server.tables.prices.find(({ id }) => id === row.id)?.madeAtMs ?? 0;
  guard(() => {
    if (row.id < newest)
      throw new Violation(`a job is made of price row ${row.id}, though ${newest} was there`);
    if (madeAtMs > Math.max(beforeMs, server.nowMs()) + AHEAD_MS)
      throw new Violation(`a job is made of price row ${row.id}, which is from the future`);
  });
  return row;
}
