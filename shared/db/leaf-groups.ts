/** The nodes of a sealed block's groups of leaves, kept so that a proof reads its own groups and not every worker's sum (docs/proofs.md). */

import * as v from "valibot";
import type { LeafGroup } from "../accounting/merkle.ts";
import { bigintText, type Db, json, sql } from "./port.ts";

/** Writes them once; a block of one group needs none. Wrong ones would not lead to the block's root, so that nobody would use them. */
export async function keepGroups(db: Db, height: number, groups: readonly LeafGroup[]): Promise<void> {
  if (groups.length < 2) return;
  const rows = groups.map(({ last, leaves, node }) => ({
    ...{ user: last.user, worker: last.worker, leaves, shares: node.shares, work: node.work },
    hash: Buffer.from(node.hash).toString("hex"),
  }));
  await db.execute(sql`INSERT INTO leaf_groups (job, user_name, worker, leaves, hash, shares, work)
    SELECT ${height}::int, g."user", g.worker, g.leaves, g.hash, g.shares, g.work FROM jsonb_to_recordset(${json(rows)}::jsonb)
      AS g("user" text, worker text, leaves integer, hash text, shares numeric, work numeric)
    ON CONFLICT DO NOTHING`);
}

const groupRow = v.pipe(
  v.object({
    user: v.string(),
    worker: v.string(),
    leaves: v.number(),
    hash: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
    shares: bigintText,
    work: bigintText,
  }),
  v.transform(
    ({ user, worker, leaves, hash, shares, work }): LeafGroup => ({
      ...{ last: { user, worker }, leaves },
      node: { hash: Uint8Array.from(Buffer.from(hash, "hex")), shares, work },
    }),
  ),
);

/** In the tree's order; none where the block has one group only, or is from before they were kept. */
export function readGroups(db: Db, height: number): Promise<LeafGroup[]> {
  return db.query(
    sql`SELECT user_name AS "user", worker, leaves, hash, shares::text AS shares, work::text AS work
      FROM leaf_groups WHERE job = ${height}::int ORDER BY user_name, worker`,
    groupRow,
  );
}
