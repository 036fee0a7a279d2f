/** `npm run test:bars -- --retargets N --go-miner PATH`: the unmodified Go miner through N new targets over several jobs, and what it does at each signal. */

import { sleep, systemClock } from "../../../shared/clock.ts";
import { assignedWork, targetOfWork } from "../../../shared/difficulty/work.ts";
import { formatTarget } from "../../../shared/messages/stratum.ts";
import { Conductor, HASHES_A_SHARE } from "./conductor.ts";
import { print, refusedOf } from "./figures.ts";
import type { BarsOptions } from "./options.ts";
import { end, type GoMiner, startGoMiner } from "./processes.ts";
import { Signals } from "./signals.ts";
import type { Tap } from "./tap.ts";

/** Longer than the time between two targets that the pool keeps on a quick network (a second). */
const WISH_EVERY_MS = 2_300;
/** Up and down by so much. */
const WISH_FACTOR = 4n;
/** How long the conductor lets the miner hash between two signals: hundreds of batches at 16 bits, tens at 30. */
const BETWEEN_MS = 700;
const SEVERAL_JOBS = 3;

/** Each signal so many times, by a server that asks for a share every few hashes. */
export async function measureSignals(
  path: string,
  options: BarsOptions,
  { folder, user, signal }: { readonly folder: string; readonly user: string; readonly signal: AbortSignal },
): Promise<void> {
  const signals = new Signals();
  const conductor = new Conductor(signals);
  const go = startGoMiner(path, {
    ...{ folder, user, bits: options.bits },
    port: await conductor.listen(),
  });
  try {
    while (!conductor.isConnected && !signal.aborted) await sleep(systemClock, 50, signal);
    for (let round = 0; round < options.retargets && !signal.aborted; round++) {
      conductor.notify();
      await sleep(systemClock, BETWEEN_MS, signal);
      conductor.setNonce();
      await sleep(systemClock, BETWEEN_MS, signal);
      conductor.stop();
      await sleep(systemClock, BETWEEN_MS, signal);
    }
    const minedS = (2 * BETWEEN_MS * options.retargets) / 1_000;
    const rate = (signals.shares * HASHES_A_SHARE) / minedS;
    console.log(
      `Go miner at a server that asks for a share every ${HASHES_A_SHARE} hashes (about ${rate.toFixed(0)} hashes/s):`,
    );
    for (const line of signals.lines()) console.log(`  ${line}`);
  } finally {
    await end(go.child);
    conductor.close();
  }
}

/** The pool itself, and the miner's own wishes: easier and harder in turn, as often as the pool takes them up. Resolves to the bars that were missed. */
export async function runRetargets(
  tap: Tap,
  go: GoMiner,
  options: BarsOptions,
  signal: AbortSignal,
): Promise<readonly string[]> {
  while (tap.accepted === 0 && !signal.aborted) await sleep(systemClock, 100, signal);
  const startedAt = tap.periods.length;
  const everyMs = Math.max(WISH_EVERY_MS, (SEVERAL_JOBS * options.blockMs) / options.retargets);
  let easier = true;
  while (tap.retargets < options.retargets && !signal.aborted) {
    const work = assignedWork(tap.target);
    go.suggestTarget(formatTarget(targetOfWork(easier ? work / WISH_FACTOR : work * WISH_FACTOR)));
    easier = !easier;
    await sleep(systemClock, everyMs, signal);
  }
  // The last prefix's job ends as the others did.
  const last = tap.periods.length;
  while (tap.periods.length < last + 2 && !signal.aborted) await sleep(systemClock, 100, signal);
  const jobs = last - startedAt + 1;
  print("Go miner at the pool", tap, go.lost());
  console.log(
    `  ${tap.retargets} new targets over ${jobs} jobs, from ${tap.easiest} to ${tap.hardest} hashes a share`,
  );
  for (const line of tap.signals.lines()) console.log(`  ${line}`);
  return [
    ...(refusedOf(tap) > 0 ? ["refused"] : []),
    ...(go.lost() > 0 ? ["lost"] : []),
    ...(tap.retargets < options.retargets ? ["retargets"] : []),
    ...(jobs < SEVERAL_JOBS ? ["several jobs"] : []),
  ];
}
