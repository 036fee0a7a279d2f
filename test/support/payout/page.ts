/** Payday as an administrator drives it from the page, with the signing done by the key elsewhere. */

import type { Took } from "../../../functions/api/payday.ts";
import { signEntries } from "../../../infra/cli/payout/sign.ts";
import { type PaydayModules, type PaydayOptions, PoolPayday } from "../../../infra/pool/payday.ts";
import { preparedBatch, readLines } from "../../../shared/db/payout-batches.ts";
import type { Db } from "../../../shared/db/port.ts";
import { encodeAddress } from "../../../shared/factom/address.ts";
import { faAddressOf } from "../../../shared/factom/fat2.ts";
import { SILENT } from "../../../shared/logger.ts";
import { until } from "../until.ts";
import { PAYER_SEED, pool } from "./payout-steps.ts";

export function openPayday(
  modules: Omit<PaydayModules, "logger">,
  options: Partial<PaydayOptions> = {},
): PoolPayday {
  return new PoolPayday(
    {
      ...{ minimum: 0n, approvalsNeeded: 0, sources: [faAddressOf(pool)], isDevnet: true },
      ...{ es: encodeAddress("Es", PAYER_SEED), prepareEveryMs: 0, lookEveryMs: 1_000 },
      ...options,
    },
    { ...modules, logger: SILENT },
  );
}

/** Until what was begun is over; why it failed, where it did. */
export async function ended(payday: PoolPayday): Promise<string | undefined> {
  await until("the end of payday's work", () => payday.work().doing === "nothing", { everyMs: 2 });
  return payday.work().failed;
}

/** What the key's machine makes of the prepared payout; undefined where none is prepared. */
export async function signedPieces(db: Db) {
  const batch = await preparedBatch(db);
  if (batch === undefined) return undefined;
  const { id, saltSeconds } = batch;
  const entries = signEntries({ saltSeconds, lines: await readLines(db, id) }, pool);
  return entries.map((entry, no) => ({ id, source: faAddressOf(pool), no, entry }));
}

/** Hands over what was signed, entry by entry; the last answer. */
export async function takeAll(
  payday: PoolPayday,
  pieces: Awaited<ReturnType<typeof signedPieces>>,
  by = "boss",
): Promise<Took | undefined> {
  let took: Took | undefined;
  for (const piece of pieces ?? []) took = await payday.take(piece, by);
  return took;
}
