/** Work that is not in the books in its time: blocks without their seal, and late work that waits for an open block. */

import * as v from "valibot";
import { counted } from "../../shared/counted.ts";
import { one, sql } from "../../shared/db/port.ts";
import { sealDeadlineMs } from "../pool/pool-settings.ts";
import { databaseCheck, type Finding, ok, red, spanText } from "./finding.ts";

export const lateWork = databaseCheck(
  "late work",
  async (db, { config }) => {
    const { blockperiod } = config.pegnet;
    const row = await one(
      db,
      sql`SELECT (SELECT count(*)::int FROM deltas WHERE into_job IS NULL) AS parked,
      (SELECT count(*)::int FROM jobs WHERE state <> 'sealed') AS unsealed,
      (SELECT extract(epoch FROM now() - min(later.created_at))::float8 * 1000 FROM jobs later
        WHERE later.height > (SELECT min(height) FROM jobs WHERE state <> 'sealed')) AS "waitingMs"`,
      v.object({ parked: v.number(), unsealed: v.number(), waitingMs: v.nullable(v.number()) }),
    );
    const findings: Finding[] = [];
    const limitMs = sealDeadlineMs(blockperiod) + 2 * blockperiod;
    if (row.waitingMs !== null && row.waitingMs > limitMs)
      findings.push(
        red(
          `${counted(row.unsealed, "block")} not sealed yet, the first waits for ${spanText(row.waitingMs)}`,
          "Does the pool (or `prosper accountant`) run, and does it follow the chain? Its log says what a seal waits for",
        ),
      );
    if (row.parked > 0)
      findings.push(
        red(
          `${counted(row.parked, "message")} with late work, and no open block for it`,
          "They are booked into the next job: see why none is made (`prices`, `factomd`)",
        ),
      );
    return findings.length > 0
      ? findings
      : [ok(`${counted(row.unsealed, "block")} not sealed yet, none of them late`)];
  },
  { urgent: true },
);
