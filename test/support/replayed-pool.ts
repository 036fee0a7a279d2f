/** Books with everything that can happen to them: late and parked work, both credit modes and splits, carries, blocks without a job, corrections, payments. */

import { applyMessage } from "../../functions/accounting/apply.ts";
import { createSealer } from "../../functions/accounting/sealer.ts";
import { systemClock } from "../../shared/clock.ts";
import { adjust, recordReceipt } from "../../shared/db/payments.ts";
import { type Db, sql } from "../../shared/db/port.ts";
import { SILENT } from "../../shared/logger.ts";
import { addBlock, addJob, addUsers, deltaBody } from "./books.ts";

/** `accounting`: what applies and seals, where that is to be another role's. */
export async function bookEverything(db: Db, accounting: Db = db): Promise<void> {
  const apply = (body: string): Promise<void> => applyMessage(body, { db: accounting, logger: SILENT });
  const sealer = createSealer({ deadlineMs: 0 }, { db: accounting, clock: systemClock, logger: SILENT });
  await addUsers(db, "ann", "bob", "cid", "dan");
  await addJob(db, 10, { feeRate: "0.05" });
  await apply(deltaBody({ job: 10, seq: 0 }, { "ann/a": 2, "bob/b": 1 }));
  await apply(deltaBody({ job: 10, seq: 1 }, { "ann/a": 1, "ann/": 4, "cid/c": 7 }));
  await addBlock(db, 10, 1_000_003n);
  await sealer.run();
  // A reward without work is carried, and counted in 2^-48 hashes after it.
  await addJob(db, 11, { feeRate: "0.1" });
  await addBlock(db, 11, 500n);
  await sealer.run();
  // Nothing is open: what comes now is parked until the next job.
  await apply(deltaBody({ job: 11, seq: 0 }, { "bob/late": 3 }));
  await addJob(db, 12, { credit: "achieved", split: "reference" });
  await sealer.run();
  await apply(deltaBody({ job: 12, seq: 0 }, { "ann/a": 5, "bob/b": 1 }, 3n << 40n));
  await apply(deltaBody({ job: 10, seq: 2 }, { "dan/": 1 }));
  await addBlock(db, 12, 77_777n);
  await sealer.run();
  // Two blocks paid us while the pool was down.
  await addBlock(db, 13, 40n);
  await addBlock(db, 14, 2n);
  await addJob(db, 15);
  await apply(deltaBody({ job: 15, seq: 0 }, { "ann/a": 1, "bob/b": 2 }));
  await apply(deltaBody({ job: 12, seq: 1 }, { "ann/a": 1 }, 5n));
  await addBlock(db, 15, 9_999n);
  await db.execute(sql`INSERT INTO block_places (height, position, entry_hash, difficulty, payout, identity, ours)
    VALUES (15, 1, 'e1', 9, 9999, 'Prosper', true), (15, 2, 'e2', 8, 9999, 'rival', false)`);
  await sealer.run();
  await addJob(db, 16);
  await apply(deltaBody({ job: 16, seq: 0 }, { "cid/c": 9 }));
  await adjust(db, { user: "ann", amount: -7n, reason: "paid twice", madeBy: "boss" });
  await adjust(db, { user: "dan", amount: 70n, reason: "a gift", madeBy: "boss" });
  await recordReceipt(db, [
    { entryHash: "f1", user: "ann", address: "FA-of-ann", amount: 100n },
    { entryHash: "f1", user: "bob", address: "FA-of-bob", amount: 50n },
  ]);
}
