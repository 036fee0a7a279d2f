/** Many sealed blocks at once: the rows that the pool's own statements would have left, written past the triggers. */

import { feeRate } from "../../shared/accounting/fee.ts";
import { attemptId, settleReward } from "../../shared/accounting/seal.ts";
import { type Db, json, sql } from "../../shared/db/port.ts";

/** 5 %, as `jobs.fee_rate` has it times 1e8. */
const RATE = 5_000_000n;
/** Blocks of one statement. */
const PAGE = 500;

export interface SealedBlocksOptions {
  /** Height of the first. */
  readonly from: number;
  readonly blocks: number;
  /** With a worker each. */
  readonly users: number;
}

export async function insertSealedBlocks(db: Db, options: SealedBlocksOptions): Promise<void> {
  const { from, blocks, users } = options;
  await db.execute(
    sql`INSERT INTO users (name) SELECT 'user' || n FROM generate_series(0, ${users - 1}::int) n ON CONFLICT DO NOTHING`,
  );
  for (let first = from; first < from + blocks; first += PAGE) {
    const count = Math.min(PAGE, from + blocks - first);
    await insertPage(
      db,
      Array.from({ length: count }, (_, i) => sealedBlock(first + i, users)),
    );
  }
}

function sealedBlock(height: number, users: number) {
  const leaves = Array.from({ length: users }, (_, n) => ({
    ...{ user: `user${n}`, worker: "rig" },
    ...{ shares: 60n, work: 3_932_160n + BigInt((height + n) % 97) },
  })).sort((a, b) => (a.user < b.user ? -1 : 1));
  const reward = 900_000_000_000n + BigInt(height % 10);
  const seal = settleReward({
    ...{ height, reward, carriedIn: 0n, rate: feeRate(RATE), split: "largest-remainder", leaves },
  });
  // Its groups are for blocks of more leaves than these have.
  const { groups: _, ...booked } = seal;
  return { ...booked, height, reward, leaves, attempt: attemptId(seal) };
}

async function insertPage(db: Db, blocks: readonly ReturnType<typeof sealedBlock>[]): Promise<void> {
  const rows = sql`(SELECT value AS b FROM jsonb_array_elements(${json(blocks)}::jsonb)) page`;
  const user = sql`jsonb_to_recordset(b -> 'users') AS u("user" text, shares bigint, work numeric, amount bigint)`;
  const leaf = sql`jsonb_to_recordset(b -> 'leaves') AS l("user" text, worker text, shares bigint, work numeric)`;
  await db.transaction(async (tx) => {
    await tx.execute(sql`SET LOCAL session_replication_role = replica`);
    await tx.execute(sql`INSERT INTO blocks (height, version, key_mr, at, entries, graded, winners, winning, reward)
      SELECT (b ->> 'height')::int, 5, 'key-' || (b ->> 'height'), now(), 30, true, '[]', 3, (b ->> 'reward')::bigint FROM ${rows}`);
    await tx.execute(sql`INSERT INTO jobs (height, version, opr_hash, opr, prices, threshold, fee_rate, split, credit, state, sealed_at, forced,
        winning, shares, work, reward, carried_in, fee, paid, carried, root, attempt)
      SELECT (b ->> 'height')::int, 5, b ->> 'height', ''::bytea, '{}', 0, ${RATE}::numeric / 100000000, 'largest-remainder', 'assigned',
        'sealed', now(), false, 3, (b ->> 'shares')::bigint, (b ->> 'work')::numeric, (b ->> 'reward')::bigint, 0, (b ->> 'fee')::bigint,
        (b ->> 'paid')::bigint, (b ->> 'carried')::bigint, b ->> 'root', b ->> 'attempt' FROM ${rows}`);
    await tx.execute(sql`INSERT INTO work (job, user_name, worker, shares, work, best)
      SELECT (b ->> 'height')::int, l."user", l.worker, l.shares, l.work, 1 FROM ${rows}, ${leaf}`);
    await tx.execute(sql`INSERT INTO payouts (job, attempt, user_name, shares, work, amount)
      SELECT (b ->> 'height')::int, b ->> 'attempt', u."user", u.shares, u.work, u.amount FROM ${rows}, ${user}`);
  });
}
