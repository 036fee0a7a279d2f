/**
 * factomd's heights and minutes from the time within a block (docs/spec.md, "The minute keeper"). A block has
 * ten minutes, each a tenth of its period. In minute 0 the block before is being saved. Until that is done,
 * the heights stay as they were.
 */

export const MINUTES = 10;

/** How much of minute 0 the saving of the last block takes. */
const SAVE_PART = 1 / 3;

/** Milliseconds from a block's start until the block before it is saved. */
export function saveMs(blockMs: number): number {
  return (blockMs / MINUTES) * SAVE_PART;
}

/** 0 to 9. An overdue block stays in minute 9. */
export function minuteAt(elapsedMs: number, blockMs: number): number {
  return Math.max(0, Math.min(MINUTES - 1, Math.floor((elapsedMs * MINUTES) / blockMs)));
}

export interface ChainPosition {
  /** The last block that can be read. */
  readonly savedHeight: number;
  readonly leaderHeight: number;
  readonly minute: number;
}

/**
 * What `heights` and `current-minute` tell. The leader height is one above the saved height, also between a
 * block's end and its saving. A node that lags behind (after going back) syncs whole blocks and tells no
 * minutes.
 */
export function positionOf(savedHeight: number, tipHeight: number, minute: number): ChainPosition {
  const isLagging = savedHeight < tipHeight;
  return { savedHeight, leaderHeight: tipHeight + 1, minute: isLagging ? 0 : minute };
}
