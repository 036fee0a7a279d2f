/** A way to mine, honest or not, and the targets that it chooses from. */

import type { Game, Kind } from "./game.ts";

export interface Strategy {
  readonly name: string;
  readonly kind?: Kind;
  /** It sends all that it finds, in time: the law says what it gets, and not only what it does not. */
  readonly sendsAll?: boolean;
  readonly lagMs?: number;
  play(game: Game): Promise<void>;
}

/** Targets to choose from, in hashes a share. */
export const CHOICES = [16n, 64n, 256n, 1_024n] as const;
export const HARD = 1_024n;
export const EASY = 16n;
