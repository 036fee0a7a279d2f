/** Looks at everything that a pool needs, one check after the other; each red finding has the line that mends it. */

import type { Examined } from "../../functions/api/doctor.ts";
import { CodedError, coerceError } from "../../shared/errors.ts";
import { alerts } from "./alerts.ts";
import { archive } from "./archive.ts";
import { canary } from "./canary.ts";
import { certificate } from "./certificate.ts";
import { clocks } from "./clocks.ts";
import { configuration } from "./configuration.ts";
import { credits } from "./credits.ts";
import { database } from "./database.ts";
import { deadLetters } from "./dead-letters.ts";
import { disk } from "./disk.ts";
import { edges } from "./edges.ts";
import { factomd } from "./factomd.ts";
import { type Check, type Finding, type Patient, red, skipped } from "./finding.ts";
import { heartbeat } from "./heartbeat.ts";
import { journal } from "./journal.ts";
import { lateWork } from "./late-work.ts";
import { owed } from "./owed.ts";
import { ports } from "./ports.ts";
import { prices } from "./prices.ts";
import { records } from "./records.ts";
import { roots } from "./roots.ts";
import { table } from "./table.ts";

/** In the order in which they are shown: what others depend on comes first. */
export const CHECKS: readonly Check[] = [
  ...[configuration, ports, database, factomd, table, clocks, prices, credits, certificate, disk],
  ...[journal, deadLetters, edges, lateWork, archive, roots, owed, records, alerts, heartbeat, canary],
];

/** Every check is made, also where another one fails. */
export async function examine(
  patient: Patient,
  onFound: (found: Examined) => void,
  checks: readonly Check[] = CHECKS,
): Promise<readonly Examined[]> {
  const all: Examined[] = [];
  for (const check of checks) {
    const findings = await check.look(patient).catch((thrown: unknown) => [broken(check, thrown)]);
    for (const finding of findings) {
      const found = { check: check.name, ...finding };
      all.push(found);
      onFound(found);
    }
  }
  return all;
}

/** PostgreSQL's words for a table or a column that is not there. */
const NOT_MIGRATED: readonly unknown[] = ["42P01", "42703"];

/** Where the database went away, or lacks migrations, one check says so, not all that would ask it. */
function broken({ name }: Check, thrown: unknown): Finding {
  if (name !== database.name && thrown instanceof CodedError) {
    if (thrown.code === "db-away") return skipped("not looked at while the database is away");
    if (NOT_MIGRATED.includes(thrown.data["sqlstate"]))
      return skipped("not looked at before the database is migrated");
  }
  const mend =
    name === database.name
      ? "Start the database server, or see in its log why it does not answer"
      : "Mend what the message says, then look again";
  return red(`could not be looked at: ${coerceError(thrown).message}`, mend);
}
