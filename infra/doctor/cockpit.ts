/** The doctor of a pool that runs: the checks of `prosper doctor`, made while an administrator looks (functions/api/doctor.ts). */

import type { Doctor, Examination, Examined } from "../../functions/api/doctor.ts";
import { type Clock, sleep } from "../../shared/clock.ts";
import { CHECKS, examine } from "./doctor.ts";
import type { Check, Patient } from "./finding.ts";

/** Some checks ask nodes and sources elsewhere: not at each refresh of each page. */
const FRESH_MS = 60_000;
const PAUSE_MS = 2_000;
/** A page shows what is known instead of waiting for a node that does not answer. */
const WAIT_MS = 4_000;

function isRed(findings: readonly Examined[], name: string): boolean {
  return findings.some(({ check, level }) => check === name && level === "red");
}

/** One examination at a time, however many look. */
export function createCockpit(
  patient: Patient,
  { clock }: { readonly clock: Clock },
  checks: readonly Check[] = CHECKS,
): Doctor {
  /** When each check was made last. */
  const madeMs = new Map<string, number>();
  let newest: Pick<Examination, "atMs" | "findings"> = { atMs: undefined, findings: [] };
  let endedMs = Number.NEGATIVE_INFINITY;
  let running: Promise<void> | undefined;

  /** A timer's look leaves what rests as it was found. */
  async function run(isTimer: boolean): Promise<void> {
    const nowMs = clock.monotonicMs();
    const due = checks.filter(
      ({ name, restMs = 0 }) => !isTimer || nowMs - (madeMs.get(name) ?? Number.NEGATIVE_INFINITY) >= restMs,
    );
    const found = await examine(patient, () => undefined, due);
    for (const { name } of due) {
      // What turned red, or well, is looked at once more before it rests.
      if (isRed(found, name) === isRed(newest.findings, name)) madeMs.set(name, nowMs);
      else madeMs.delete(name);
    }
    const findings = checks.flatMap((check) =>
      (due.includes(check) ? found : newest.findings).filter((one) => one.check === check.name),
    );
    newest = { atMs: clock.wallMs(), findings };
    endedMs = clock.monotonicMs();
    running = undefined;
  }

  async function notOlderThan(ms: number, isTimer = false): Promise<Examination> {
    if (clock.monotonicMs() - endedMs > ms) running ??= run(isTimer);
    if (running !== undefined) await Promise.race([running, sleep(clock, WAIT_MS)]);
    return { ...newest, isRunning: running !== undefined };
  }

  return {
    newest: () => notOlderThan(FRESH_MS),
    again: () => notOlderThan(PAUSE_MS),
    onTime: () => notOlderThan(PAUSE_MS, true),
  };
}
