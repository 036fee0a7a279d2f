/** The minute keeper: it tells when a block is closed but not yet saved. Work for that block can win no more (docs/spec.md, "The minute keeper"). */

import { type Clock, sleep, type Timer } from "../../shared/clock.ts";
import { coerceError } from "../../shared/errors.ts";
import type { Logger } from "../../shared/logger.ts";

/** The part of factomd's `current-minute` reply that the rule needs. */
export interface MinuteReply {
  leaderHeight: number;
  directoryBlockHeight: number;
  minute: number;
}

/** What the keeper remembers between polls. */
export interface MinuteState {
  /** The block above this height is closed, and it is not known to be saved yet; undefined when there is no such block. */
  savingAbove: number | undefined;
  /** Of the last reply; undefined before the first, and when none has come for a minute. */
  minute: number | undefined;
  /** The directory block height at the last minute that was not 0. */
  lastNonZeroHeight: number | undefined;
}

export const INITIAL_MINUTES: MinuteState = {
  savingAbove: undefined,
  minute: undefined,
  lastNonZeroHeight: undefined,
};

/** After a reply. A node that syncs by whole blocks is always in minute 0, each time above another height: none of them is being saved. */
export function observeMinute(state: MinuteState, reply: MinuteReply): MinuteState {
  const { minute, directoryBlockHeight: height } = reply;
  if (minute !== 0) return { savingAbove: undefined, minute, lastNonZeroHeight: height };
  const isUnsaved = height === state.lastNonZeroHeight && height === reply.leaderHeight - 1;
  return { ...state, minute, savingAbove: isUnsaved ? height : undefined };
}

/** Without a reply for a minute of the chain nothing is known. Differs from prosper-pool: there one failed call opens the gate. */
export function forgetMinute(state: MinuteState): MinuteState {
  return { ...state, minute: undefined, savingAbove: undefined };
}

export interface MinuteEvents {
  /**
   * True when the saving of a block begins. False when it is over: the block is saved, or it was a false alarm (the minutes went on, or the node
   * gives no answer). If the block is saved, `onHeight` was called before. Called only when the value changes.
   */
  onSaving(saving: boolean): void;
  /** A reply has shown a height that was not known. */
  onHeight?(height: number): void;
}

export interface MinuteKeeper {
  /** Work for the current block can win no more. */
  isSaving(): boolean;
  /** 0 to 9; undefined while factomd cannot be asked. */
  minute(): number | undefined;
  /** The block at `height` is saved, however this was learnt: its saving is over, and replies from before it count for nothing. */
  saved(height: number): void;
  /** Polls until `signal` aborts. */
  run(signal: AbortSignal): Promise<void>;
}

/** A block always has ten minutes, whatever the block period is. */
export const MINUTES_A_BLOCK = 10;

/** Poll period: a fifth of a minute, at most 2 s. */
export function minutePollMs(blockMs: number): number {
  return Math.min(2000, blockMs / MINUTES_A_BLOCK / 5);
}

export function createMinuteKeeper(
  options: { blockMs: number },
  modules: { currentMinute: () => Promise<MinuteReply>; clock: Clock; logger: Logger },
  events: MinuteEvents,
): MinuteKeeper {
  const { clock, logger } = modules;
  let state = INITIAL_MINUTES;
  let savedHeight = Number.NEGATIVE_INFINITY;
  let isSaving = false;
  let forgetting: Timer | undefined;

  const enter = (next: MinuteState): void => {
    state = next;
    const { savingAbove } = state;
    const now = savingAbove !== undefined && savingAbove >= savedHeight;
    if (now === isSaving) return;
    isSaving = now;
    events.onSaving(now);
  };

  const poll = async (): Promise<void> => {
    const askedMs = clock.monotonicMs();
    const reply = await modules.currentMinute().catch((thrown: unknown) => {
      logger.debug("current-minute failed", { error: coerceError(thrown).message });
    });
    // The node sent this reply before that block was saved.
    if (reply === undefined || reply.directoryBlockHeight < savedHeight) return;
    // A node that is slow is not silent: the next reply may take as long as this one.
    const keptMs = options.blockMs / MINUTES_A_BLOCK + clock.monotonicMs() - askedMs;
    forgetting?.stop();
    forgetting = clock.after(keptMs, () => enter(forgetMinute(state)));
    if (reply.directoryBlockHeight > savedHeight) {
      savedHeight = reply.directoryBlockHeight;
      events.onHeight?.(savedHeight);
    }
    enter(observeMinute(state, reply));
  };

  return {
    isSaving: () => isSaving,
    minute: () => state.minute,
    saved(height) {
      savedHeight = Math.max(savedHeight, height);
      enter(state);
    },
    async run(signal) {
      while (!signal.aborted) {
        await poll();
        await sleep(clock, minutePollMs(options.blockMs), signal);
      }
      forgetting?.stop();
    },
  };
}
