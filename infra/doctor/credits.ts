/** Entry credits: how many days of records they are enough for. */

import * as v from "valibot";
import { type Db, one, sql } from "../../shared/db/port.ts";
import { type Check, ok, red, skipped, warn } from "./finding.ts";

const WEEK_DAYS = 7;
const RED_DAYS = 3;
const WARN_DAYS = 14;
/** A record is below a kilobyte. */
const CREDITS_A_RECORD = 1;

export const credits: Check = {
  name: "credits",
  urgent: true,
  async look({ db, creditAddress, nodes, config }) {
    const [node] = nodes;
    if (creditAddress === undefined || node === undefined)
      return [skipped("no entry-credit key is set, or no node is named")];
    const balance = await node.factomd.entryCreditBalance(creditAddress);
    const blocksADay = 86_400_000 / config.pegnet.blockperiod;
    // A pool that has not sent any yet will send up to `submit.softmax` a block.
    const planned = blocksADay * (config.submit.softmax || 1) * CREDITS_A_RECORD;
    const spent = db === undefined ? undefined : await spentADay(db);
    const days = balance / (spent ?? planned);
    const shown = days >= 1000 ? "more than 1000" : days.toFixed(days < 10 ? 1 : 0);
    const said = `${balance} entry credits on ${creditAddress}: ${shown} days at ${Math.ceil(spent ?? planned)} a day`;
    const mend = `Buy entry credits for ${creditAddress}: without them no record of this pool gets into a block`;
    return [days < RED_DAYS ? red(said, mend) : days < WARN_DAYS ? warn(said, mend) : ok(said)];
  },
};

/** Of the last week, or since the first; undefined where nothing was sent. */
async function spentADay(db: Db): Promise<number | undefined> {
  const { sent, days } = await one(
    db,
    sql`SELECT count(*)::float8 AS sent, greatest(1, extract(epoch FROM now() - min(j.created_at)) / 86400)::float8 AS days
      FROM submissions s JOIN jobs j ON j.height = s.height
      WHERE s.state IN ('committed', 'revealed') AND j.created_at > now() - ${WEEK_DAYS}::int * interval '1 day'`,
    v.object({ sent: v.number(), days: v.nullable(v.number()) }),
  );
  return sent === 0 ? undefined : (sent * CREDITS_A_RECORD) / (days ?? 1);
}
