/** The last record that this pool sent, and the last block in which one of them won. */

import * as v from "valibot";
import { counted } from "../../shared/counted.ts";
import { one, sql } from "../../shared/db/port.ts";
import { databaseCheck, type Finding, HOUR_MS, ok, red, spanText, warn } from "./finding.ts";

const QUIET_BLOCKS = 6;
/** With 25 places a block even a small pool is among them on most days. */
const WINLESS_BLOCKS = 144;

export const records = databaseCheck(
  "records",
  async (db, { config, clock }) => {
    const { blockperiod } = config.pegnet;
    const row = await one(
      db,
      sql`SELECT (SELECT max(j.height)::int FROM submissions s JOIN jobs j ON j.height = s.height WHERE s.state = 'revealed') AS sent,
      (SELECT max(height)::int FROM blocks WHERE winning > 0) AS won, (SELECT max(height)::int FROM blocks) AS top,
      (SELECT extract(epoch FROM max(at))::float8 * 1000 FROM blocks WHERE winning > 0) AS "wonMs"`,
      v.object({
        sent: v.nullable(v.number()),
        won: v.nullable(v.number()),
        top: v.nullable(v.number()),
        wonMs: v.nullable(v.number()),
      }),
    );
    if (row.top === null) return [ok("no block is booked yet")];
    return [
      sentFinding(row.sent, row.top),
      wonFinding({ ...row, top: row.top }, clock.wallMs(), blockperiod),
    ];
  },
  { restMs: HOUR_MS },
);

function sentFinding(sent: number | null, top: number): Finding {
  const said =
    sent === null ? "this pool has sent no record yet" : `the last record was sent for block ${sent}`;
  if (sent !== null && top - sent <= QUIET_BLOCKS) return ok(said);
  return red(
    sent === null ? said : `${said}, ${counted(top - sent, "block")} ago`,
    "Do miners mine (`edges`), are there entry credits (`credits`), does the node take entries (`factomd`)?",
  );
}

function wonFinding(
  { won, wonMs, top }: { won: number | null; wonMs: number | null; top: number },
  nowMs: number,
  blockMs: number,
): Finding {
  if (won === null || wonMs === null)
    return warn(
      "no block was won yet",
      "A pool with little hash rate waits long: compare it with the network's on the page",
    );
  const said = `the last block won is ${won}, ${spanText(nowMs - wonMs)} ago`;
  if (top - won <= WINLESS_BLOCKS) return ok(said);
  const blocks = `none of the ${top - won} since (${spanText((top - won) * blockMs)})`;
  return warn(
    `${said}: ${blocks}`,
    "Is the hash rate too low for this network, or is somebody keeping hits back (/admin/withholding)?",
  );
}
