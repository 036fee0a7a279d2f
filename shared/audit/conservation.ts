/** The equation of one sealed block against the rows beside it: what is checked at every seal, cheap enough for it (docs/design.md, "Money is conserved"). */

import * as v from "valibot";
import { type Db, sql } from "../db/port.ts";

/** One sentence for each thing that does not agree; empty when all is well. */
export async function checkSealedBlock(db: Db, height: number): Promise<string[]> {
  const rows = await db.query(
    sql`WITH sealed AS (
      SELECT j.height, j.reward, j.carried_in, j.fee, j.paid, j.carried, j.shares, j.work, b.reward AS block_reward, p.booked, w.sum_shares, w.sum_work,
        COALESCE((SELECT l.carried FROM jobs l WHERE l.height < j.height AND l.state = 'sealed' ORDER BY l.height DESC LIMIT 1), 0)
          + COALESCE((SELECT sum(r.reward) FROM jobless_rewards r WHERE r.into_job = j.height), 0) AS expected_in
      FROM jobs j LEFT JOIN blocks b ON b.height = j.height
      CROSS JOIN LATERAL (SELECT COALESCE(sum(amount), 0) AS booked FROM payouts WHERE job = j.height AND attempt = j.attempt) p
      CROSS JOIN LATERAL (SELECT COALESCE(sum(w.shares), 0) AS sum_shares, COALESCE(sum(w.work), 0) AS sum_work FROM work w WHERE w.job = j.height) w
      WHERE j.height = ${height}::int AND j.state = 'sealed'
    )
    SELECT format('block %s: fee %s + paid %s + carried %s is not reward %s + carried in %s', height, fee, paid, carried, reward, carried_in)
      AS problem FROM sealed WHERE fee + paid + carried <> reward + carried_in
    UNION ALL SELECT format('block %s: carried in is %s, expected %s', height, carried_in, expected_in) FROM sealed WHERE carried_in <> expected_in
    UNION ALL SELECT format('block %s: paid is %s, its payouts are %s', height, paid, booked) FROM sealed WHERE paid <> booked
    UNION ALL SELECT format('block %s: sealed with reward %s, the chain paid %s', height, reward, block_reward)
      FROM sealed WHERE reward IS DISTINCT FROM block_reward
    UNION ALL SELECT format('block %s: sealed with %s shares and %s work, its workers have %s and %s', height, shares, work, sum_shares, sum_work)
      FROM sealed WHERE (shares, work) <> (sum_shares, sum_work)`,
    v.object({ problem: v.string() }),
  );
  return rows.map((row) => row.problem);
}
