/** Runs benches round by round: ours and the peer's in turns, the one that begins changing, so that other load on the machine meets both. */

import { loadavg } from "node:os";
import type { Bench, Opened, Setting } from "./bench.ts";
import type { Round } from "./figures.ts";
import { Room } from "./room.ts";
import type { BenchState } from "./state.ts";

export interface RunOptions {
  readonly setting: Setting;
  /** Undefined: what each bench says. */
  readonly rounds: number | undefined;
  readonly signal: AbortSignal;
}

/** Brings a bench to its number of rounds; those that `state` has are not run again. Rejects with the signal's reason, or where a row cannot run. */
export async function runBench(bench: Bench, options: RunOptions, state: BenchState): Promise<void> {
  const { setting, signal } = options;
  const wanted = options.rounds ?? (setting.quick ? 1 : bench.rounds);
  if (state.rounds(bench.name).length >= wanted) {
    setting.say(`${bench.name}: measured before`);
    return;
  }
  signal.throwIfAborted();
  setting.say(`${bench.name}: starting`);
  const room = new Room();
  try {
    const opened = await untilAborted(bench.open(setting, room), signal);
    for (let done = state.rounds(bench.name).length; done < wanted; done++) {
      setting.say(`${bench.name}: round ${done + 1} of ${wanted}`);
      state.add(bench.name, await untilAborted(playRound(opened, done), signal));
    }
  } finally {
    await room.tidy();
  }
}

async function playRound({ ours, peer }: Opened, round: number): Promise<Round> {
  const [load = 0] = loadavg();
  if (peer === undefined) return { ours: await ours(), peer: undefined, load };
  if (round % 2 === 0) return { ours: await ours(), peer: await peer(), load };
  const theirs = await peer();
  return { ours: await ours(), peer: theirs, load };
}

function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort, { once: true });
    // Also after an abort: what the ended processes make of it is nobody's error.
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}
