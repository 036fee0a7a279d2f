/** The books of a run judged by themselves: the audit, the replay from the deltas alone, and the audit's command. */

import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import * as v from "valibot";
import { auditBooks } from "../../../shared/audit/audit.ts";
import { replayBooks } from "../../../shared/audit/replay.ts";
import { type Db, one, sql } from "../../../shared/db/port.ts";
import { REST_WORKER } from "../../../shared/messages/summary.ts";
import type { Findings } from "./findings.ts";

/** What the audit says, and what is wrong by it or by the replay among the problems. */
export async function auditTwice(db: Db, { problems }: Findings): ReturnType<typeof auditBooks> {
  const audit = await auditBooks(db);
  // Sums, folded names and tallies too, from the deltas alone.
  const again = await replayBooks(db, { named: 20 });
  const { folded, judged } = await one(
    db,
    sql`SELECT (SELECT count(*)::int FROM work WHERE worker = ${REST_WORKER}) AS folded, (SELECT count(*)::int FROM tallies) AS judged`,
    v.object({ folded: v.number(), judged: v.number() }),
  );
  problems.push(...audit.problems, ...again.audit.problems);
  console.log(
    `replay: ${again.differences} differences; ${folded} rows for rigs beyond the limit, ${judged} tallies`,
  );
  return audit;
}

/** Whether `prosper audit` says that money is conserved. */
export async function auditByCommand(url: string): Promise<boolean> {
  const prosper = fileURLToPath(new URL("../../../infra/launch/prosper.mjs", import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [prosper, "audit", "--json"], {
    env: { ...process.env, DATABASE_URL: url },
  });
  const said = v.pipe(v.string(), v.parseJson(), v.object({ conserved: v.boolean() }));
  return v.parse(said, stdout.trim()).conserved;
}
