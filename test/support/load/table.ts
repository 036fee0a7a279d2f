/** The table that the load programs hash with: small and made at once, or the real one from its file. */

import { hashingThreads } from "../../../infra/pool/hashing-threads.ts";
import { openTable } from "../../../shared/hash/open-table.ts";
import { LxrPool } from "../../../shared/hash/pool.ts";
import { SILENT } from "../../../shared/logger.ts";
import { smallTable } from "../hash/small-table.ts";

/** Hashes take no time worth mentioning at this size: what is measured is everything else. */
export const SMALL_BITS = 10;
const MOST_MADE = 16;

/** Hashes where the product would for a table of so many bits; above 16 from `~/.lxrhash`, made there where it is missing. */
export async function loadHasher(bits: number): Promise<LxrPool> {
  const table = bits <= MOST_MADE ? smallTable(bits) : await openTable({ bits, logger: SILENT });
  return new LxrPool({ table, threads: hashingThreads(bits) }, { logger: SILENT });
}
