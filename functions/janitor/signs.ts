/** Signs that the pool still earns: what an alarm of each minute watches. */

import * as v from "valibot";
import { type Db, one, sql } from "../../shared/db/port.ts";

export interface EarningSigns {
  /** Of the newest six blocks, how many have a record of ours: one that was revealed, or one among the graded. */
  readonly blocksWithRecord: number;
  /** How many of the newest blocks in a row brought no reward. */
  readonly rewardlessBlocks: number;
}

const NEWEST = 6;
const row = v.object({ blocksWithRecord: v.number(), rewardlessBlocks: v.number() });

export function earningSigns(db: Db): Promise<EarningSigns> {
  return one(
    db,
    sql`SELECT
      (SELECT count(*)::int FROM (SELECT height FROM blocks ORDER BY height DESC LIMIT ${NEWEST}::int) AS newest
        WHERE EXISTS (SELECT 1 FROM submissions AS s WHERE s.height = newest.height AND s.state = 'revealed')
          OR EXISTS (SELECT 1 FROM block_places AS p WHERE p.height = newest.height AND p.ours)) AS "blocksWithRecord",
      (SELECT count(*)::int FROM blocks
        WHERE height > coalesce((SELECT max(height) FROM blocks WHERE reward > 0), -1)) AS "rewardlessBlocks"`,
    row,
  );
}
