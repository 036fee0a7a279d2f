/** `prosper doctor`: every check of the pool, a line each, and below each red one what mends it. */

import type { Level } from "../../../functions/api/doctor.ts";
import { createSourceCache } from "../../../functions/poll/source-cache.ts";
import { systemClock, systemRandom } from "../../../shared/clock.ts";
import type { Db } from "../../../shared/db/port.ts";
import { CodedError, coerceError } from "../../../shared/errors.ts";
import { examine } from "../../doctor/doctor.ts";
import type { Patient } from "../../doctor/finding.ts";
import { patientOf } from "../../doctor/patient.ts";
import { readDevnetPool } from "../../pool/devnet-pool.ts";
import { type CliContext, hasPostgres } from "../context.ts";
import type { Print } from "../output.ts";

const MARKS: Record<Level, string> = { ok: "ok", warn: "WARN", red: "RED", skipped: "-" };

/** Prints what is found; the exit code is 1 where anything is red. */
export async function doctorCommand(patient: Patient, { print }: { readonly print: Print }): Promise<number> {
  const counts: Record<Level, number> = { ok: 0, warn: 0, red: 0, skipped: 0 };
  await examine(patient, ({ check, level, said, mend }) => {
    counts[level] += 1;
    const cure = mend === undefined ? {} : { mend };
    print(
      `${MARKS[level].padEnd(5)}${check.padEnd(14)} ${said}${mend === undefined ? "" : `\n${" ".repeat(20)}→ ${mend}`}`,
      {
        ...{ event: "finding", check, level, said },
        ...cure,
      },
    );
  });
  const { red, warn, ok } = counts;
  print(`${ok} in order, ${warn} to look at, ${red} red`, { event: "examined", ...counts });
  return red === 0 ? 0 : 1;
}

/** The pool that the flags, the configuration and the folder name; one whose database cannot be opened is a patient too. */
export async function openPatient(
  context: CliContext,
  dataDir: string,
): Promise<Patient & { close(): Promise<void> }> {
  const devnet = readDevnetPool(dataDir);
  const { factom, pool, ...rest } = context.config;
  const config = {
    ...rest,
    factom: devnet === undefined ? factom : { factomdlocation: devnet.factomd },
    pool: devnet === undefined ? pool : { ...pool, esaddress: devnet.keys.es },
  };
  const { close, ...database } = await openDatabase(context, dataDir);
  const patient = patientOf(
    { ...database, config, dataDir, isDevnet: devnet !== undefined },
    { clock: systemClock, random: systemRandom, cache: createSourceCache() },
  );
  return { ...patient, close };
}

/** Nothing is changed in it, and it is not migrated. */
async function openDatabase(
  context: CliContext,
  dataDir: string,
): Promise<{ db: Db | undefined; dbProblem?: string; close(): Promise<void> }> {
  const none = async (): Promise<void> => undefined;
  if (!context.hasDatabase() && !hasPostgres(dataDir))
    return {
      db: undefined,
      dbProblem: `there is no pool in ${dataDir} and no database is configured`,
      close: none,
    };
  try {
    return await context.openDatabase(dataDir, context.logger(), { schema: "leave" });
  } catch (thrown) {
    if (!(thrown instanceof CodedError)) throw thrown;
    return { db: undefined, dbProblem: coerceError(thrown).message, close: none };
  }
}
