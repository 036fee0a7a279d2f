/** Waiting for something outside this process, with an end and a reason. */

import { setTimeout as pause } from "node:timers/promises";

/** Waits for a condition of this process, looking again every 2 ms. Throws after 30 s with its text. */
export async function untilTrue(condition: () => boolean): Promise<void> {
  await until(String(condition), condition, { everyMs: 2 });
}

/** Asks every `everyMs` until the answer is neither undefined nor false. Throws after `withinMs`, naming `what` did not come. */
export async function until<T>(
  what: string,
  ask: () => T | undefined | false | Promise<T | undefined | false>,
  { withinMs = 30_000, everyMs = 25 }: { withinMs?: number; everyMs?: number } = {},
): Promise<T> {
  const end = performance.now() + withinMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined && answer !== false) return answer;
    if (performance.now() > end) throw new Error(`waited ${withinMs} ms in vain for ${what}`);
    await pause(everyMs);
  }
}
