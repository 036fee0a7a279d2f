/** A pool's database and a devnet whose time a test moves: for payouts that are to meet both. */

import { startDevnet } from "../../../infra/devnet/main.ts";
import { DEVNET_DEFAULTS } from "../../../infra/devnet/options.ts";
import { systemClock, systemRandom } from "../../../shared/clock.ts";
import { type Db, sql } from "../../../shared/db/port.ts";
import { encodeAddress } from "../../../shared/factom/address.ts";
import { createFactomd, type Factomd } from "../../../shared/factom/client.ts";
import { signEntry } from "../../../shared/factom/commit.ts";
import { encodeEntry, entryHash } from "../../../shared/factom/entry.ts";
import { faAddressOf, type PegPayment, signPegBatch } from "../../../shared/factom/fat2.ts";
import { createPegnetd } from "../../../shared/factom/pegnetd.ts";
import { SILENT } from "../../../shared/logger.ts";
import { owe } from "../books.ts";
import { createTestDatabase } from "../database.ts";
import { smallHasher } from "../hash/small-hasher.ts";
import { manualClock } from "../manual-clock.ts";
import { payer, pool, type StepModules } from "./payout-steps.ts";

export type PayoutWorld = Awaited<ReturnType<typeof createPayoutWorld>>;

export async function createPayoutWorld() {
  const database = await createTestDatabase();
  const clock = manualClock();
  const devnet = await startDevnet(
    {
      ...DEVNET_DEFAULTS,
      rivals: 25,
      rivalHashes: 10,
      credits: [{ address: encodeAddress("EC", payer.publicKey), balance: 100_000 }],
    },
    { clock, random: systemRandom, logger: SILENT, hasher: smallHasher(8) },
  );
  devnet.chain.setBalance(faAddressOf(pool), 10_000_000_000_000n);
  const parts = { fetch, clock: systemClock, random: systemRandom };
  const factomd: Factomd = createFactomd({ url: devnet.factomdUrl, timeoutMs: 5_000 }, parts);
  const pegnetd = createPegnetd({ url: devnet.pegnetdUrl, timeoutMs: 5_000 }, parts);
  const db: Db = database.db;
  const modules: StepModules = { db, factomd, pegnetd, clock };
  return {
    ...{ database, clock, devnet, factomd, pegnetd, db, modules },
    /** Owes a user some PEG. */
    owe: (name: string, amount: bigint): Promise<void> => owe(db, name, amount),
    /** Lets time pass until the next block is there. */
    async block(): Promise<void> {
      const height = (devnet.chain.tip?.height ?? 0) + 1;
      while ((devnet.chain.tip?.height ?? 0) < height) {
        clock.advance(250);
        for (let i = 0; i < 10; i++) await new Promise((resolve) => setImmediate(resolve));
      }
    },
    /** What somebody else with the pool's key sends. Its entry hash. */
    async spend(payments: readonly PegPayment[], ageSeconds = 0): Promise<string> {
      const entry = signPegBatch(pool, payments, Math.floor(clock.wallMs() / 1000) - ageSeconds);
      const signed = signEntry({ entry, payer, timestampMs: clock.wallMs() });
      await factomd.commitEntry(signed.commit);
      await factomd.revealEntry(signed.reveal);
      return entryHash(encodeEntry(entry));
    },
    /** The database as a backup from before any payout has it. */
    async forgetPayouts(): Promise<void> {
      await db.transaction(async (tx) => {
        await tx.execute(sql`SET LOCAL session_replication_role = replica`);
        for (const table of [
          sql`DELETE FROM payout_lines`,
          sql`DELETE FROM payout_entries`,
          sql`DELETE FROM payout_batches`,
          sql`DELETE FROM payments`,
          sql`DELETE FROM money_log WHERE kind = 'payment'`,
          sql`DELETE FROM payout_compared`,
        ])
          await tx.execute(table);
      });
    },
    async close(): Promise<void> {
      await devnet.stop();
      await database.drop();
    },
  };
}
