/** What miners are owed, and since when. */

import * as v from "valibot";
import { counted } from "../../shared/counted.ts";
import { bigintText, one, sql } from "../../shared/db/port.ts";
import { readablePeg } from "../../shared/decimal.ts";
import { DAY_MS, databaseCheck, HOUR_MS, ok, red, spanText, warn } from "./finding.ts";

const WARN_MS = 14 * DAY_MS;
const RED_MS = 45 * DAY_MS;

export const owed = databaseCheck(
  "owed",
  async (db, { config, clock }) => {
    const { minimum } = config.payout;
    // The oldest credit of a block since a user's last payment: who was paid everything yesterday is owed since today.
    const row = await one(
      db,
      sql`WITH due AS (SELECT user_name, owed FROM balances WHERE owed > 0 AND owed >= ${minimum.toString()}::numeric)
      SELECT (SELECT count(*)::int FROM due) AS users, (SELECT coalesce(sum(owed), 0)::text FROM due) AS total,
        (SELECT extract(epoch FROM min(j.sealed_at))::float8 * 1000 FROM due
          JOIN payouts p ON p.user_name = due.user_name AND p.amount > 0 JOIN jobs j ON j.height = p.job AND j.attempt = p.attempt
          WHERE j.sealed_at > coalesce((SELECT max(at) FROM payments WHERE payments.user_name = due.user_name), '-infinity')) AS "sinceMs"`,
      v.object({ users: v.number(), total: bigintText, sinceMs: v.nullable(v.number()) }),
    );
    if (row.users === 0) return [ok("nobody is owed as much as is paid out")];
    const ageMs = row.sinceMs === null ? 0 : clock.wallMs() - row.sinceMs;
    const said = `${readablePeg(row.total)} PEG owed to ${counted(row.users, "user")}, the oldest for ${spanText(ageMs)}`;
    const mend = "Pay: npx prosper payout prepare pay.json";
    return [ageMs > RED_MS ? red(said, mend) : ageMs > WARN_MS ? warn(said, mend) : ok(said)];
  },
  { restMs: HOUR_MS },
);
