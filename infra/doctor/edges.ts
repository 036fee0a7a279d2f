/** Edges that hold a slot, and who holds the leases. */

import * as v from "valibot";
import { sql } from "../../shared/db/port.ts";
import { databaseCheck, type Finding, ok, red, spanText } from "./finding.ts";

/** An edge renews its slot every few seconds. */
const RED_BLOCKS = 3;

export const edges = databaseCheck(
  "edges",
  async (db, { config }) => {
    const rows = await db.query(
      sql`SELECT 'edge ' || slot AS name, edge_id AS holder, extract(epoch FROM expires_at - now())::float8 * 1000 AS "leftMs" FROM edge_slots
      UNION ALL SELECT 'lease ' || name, holder, extract(epoch FROM expires_at - now())::float8 * 1000 FROM leases ORDER BY 1`,
      v.object({ name: v.string(), holder: v.string(), leftMs: v.number() }),
    );
    if (rows.length === 0) return [ok("no edge has been here yet")];
    const isAlone = !rows.some(({ name, leftMs }) => name.startsWith("edge") && leftMs > 0);
    return rows.map(({ name, holder, leftMs }): Finding => {
      const who = `${name} (${holder.slice(0, 16)})`;
      if (leftMs > 0) return ok(`${who} is held`);
      const ago = `ran out ${spanText(-leftMs)} ago`;
      // Another edge takes over what one leaves; where none is left, nobody mines.
      if (!isAlone || -leftMs < RED_BLOCKS * config.pegnet.blockperiod) return ok(`${who} ${ago}`);
      return red(`${who} ${ago}, and no edge is left`, "Start the pool: npx prosper edge");
    });
  },
  { urgent: true },
);
