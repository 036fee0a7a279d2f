/** The minute keeper: shares are refused only while a block is closed but not yet saved (SPEC.md §4, "Minute keeper"). */

import { type Clock, sleep } from "../../shared/clock.ts";
import { coerceError } from "../../shared/errors.ts";
import type { Logger } from "../../shared/logger.ts";

/** factomd's `current-minute`, as far as the rule needs it. */
export interface MinuteReply {
  leaderHeight: number;
  directoryBlockHeight: number;
  minute: number;
}

/** What the keeper remembers between polls. */
export interface MinuteState {
  /** Shares are taken. */
  open: boolean;
  /** Of the last successful poll; undefined before the first. */
  minute: number | undefined;
  /** The directory block height at the last minute that was not 0. */
  lastNonZeroHeight: number | undefined;
}

export const INITIAL_MINUTES: MinuteState = { open: true, minute: undefined, lastNonZeroHeight: undefined };

/** The gate after one poll; `undefined` is a failed call, which opens it: rather a rare stale share than a pool at rest. */
export function observeMinute(state: MinuteState, reply: MinuteReply | undefined): MinuteState {
  if (reply === undefined) return { ...state, open: true };
  if (reply.minute !== 0)
    return { open: true, minute: reply.minute, lastNonZeroHeight: reply.directoryBlockHeight };
  const unsaved =
    reply.directoryBlockHeight === state.lastNonZeroHeight &&
    reply.directoryBlockHeight === reply.leaderHeight - 1;
  return { ...state, minute: 0, open: !unsaved };
}

export interface MinuteKeeper {
  isOpen(): boolean;
  /** 0 to 9; undefined while factomd cannot be asked. */
  minute(): number | undefined;
  /** Polls until `signal` aborts. */
  run(signal: AbortSignal): Promise<void>;
}

/** Poll period: a fifth of a minute (a tenth of a block), at most 2 s. */
export function minutePollMs(blockMs: number): number {
  return Math.min(2000, blockMs / 10 / 5);
}

export function createMinuteKeeper(
  options: { blockMs: number },
  modules: { currentMinute: () => Promise<MinuteReply>; clock: Clock; logger: Logger },
): MinuteKeeper {
  let state = INITIAL_MINUTES;
  const poll = async (): Promise<void> => {
    const reply = await modules.currentMinute().catch((error: unknown) => {
      modules.logger.debug("current-minute failed, the gate stays open", {
        error: coerceError(error).message,
      });
      return undefined;
    });
    state = observeMinute(state, reply);
  };
  return {
    isOpen: () => state.open,
    minute: () => state.minute,
    async run(signal) {
      while (!signal.aborted) {
        await poll();
        await sleep(modules.clock, minutePollMs(options.blockMs), signal);
      }
    },
  };
}
