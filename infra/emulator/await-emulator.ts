/** Whether an emulator of AWS answers. All of them have LocalStack's address for this question. */

import { type Clock, sleep } from "../../shared/clock.ts";
import { CodedError } from "../../shared/errors.ts";

const POLL_MS = 200;
const ANSWER_MS = 2_000;
const PATIENCE_MS = 120_000;

export function isHealthy(endpoint: string): Promise<boolean> {
  return fetch(`${endpoint}/_localstack/health`, { signal: AbortSignal.timeout(ANSWER_MS) }).then(
    (reply) => reply.ok,
    () => false,
  );
}

/** Throws CodedError `emulator` after two minutes. */
export async function awaitEmulator(endpoint: string, modules: { clock: Clock }): Promise<void> {
  const { clock } = modules;
  const deadlineMs = clock.monotonicMs() + PATIENCE_MS;
  while (!(await isHealthy(endpoint))) {
    if (clock.monotonicMs() > deadlineMs)
      throw new CodedError("emulator", `nothing answers at ${endpoint}: is the emulator running?`);
    await sleep(clock, POLL_MS);
  }
}
