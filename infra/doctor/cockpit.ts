/** The doctor of a pool that runs: the checks of `prosper doctor`, made while an administrator looks (functions/api/doctor.ts). */

import type { Doctor, Examination } from "../../functions/api/doctor.ts";
import { type Clock, sleep } from "../../shared/clock.ts";
import { examine } from "./doctor.ts";
import type { Check, Patient } from "./finding.ts";

/** Some checks ask nodes and sources elsewhere: not at each refresh of each page. */
const FRESH_MS = 60_000;
const PAUSE_MS = 2_000;
/** A page shows what is known instead of waiting for a node that does not answer. */
const WAIT_MS = 4_000;

/** One examination at a time, however many look. */
export function createCockpit(
  patient: Patient,
  { clock }: { readonly clock: Clock },
  checks?: readonly Check[],
): Doctor {
  let newest: Pick<Examination, "atMs" | "findings"> = { atMs: undefined, findings: [] };
  let endedMs = Number.NEGATIVE_INFINITY;
  let running: Promise<void> | undefined;

  async function run(): Promise<void> {
    const findings = await examine(patient, () => undefined, checks);
    newest = { atMs: clock.wallMs(), findings };
    endedMs = clock.monotonicMs();
    running = undefined;
  }

  async function notOlderThan(ms: number): Promise<Examination> {
    if (clock.monotonicMs() - endedMs > ms) running ??= run();
    if (running !== undefined) await Promise.race([running, sleep(clock, WAIT_MS)]);
    return { ...newest, isRunning: running !== undefined };
  }

  return { newest: () => notOlderThan(FRESH_MS), again: () => notOlderThan(PAUSE_MS) };
}
