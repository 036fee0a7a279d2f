/** The law: expected credited work is at most the hashes made while told to mine and in the late time after it, and that for who sends everything. */

import { Game, type GameOptions } from "./game.ts";
import type { Strategy } from "./strategy.ts";

export interface Result {
  readonly name: string;
  /** Hashes made while told to mine, or in the late time. */
  readonly made: number;
  readonly untold: number;
  readonly credited: number;
  readonly ratio: number;
  /** Of the credited work. */
  readonly sigma: number;
  /** By how many σ it is above what was made. */
  readonly z: number;
  readonly verdict: "equal" | "within" | "TOO MUCH" | "TOO LITTLE";
}

const MOST_SIGMA = 4;

export async function tryStrategy(
  strategy: Strategy,
  options: Omit<GameOptions, "kind" | "lagMs">,
): Promise<Result> {
  const { name, kind, lagMs, sendsAll = false } = strategy;
  const game = await Game.begin({
    ...options,
    ...(kind === undefined ? {} : { kind }),
    ...(lagMs === undefined ? {} : { lagMs }),
  });
  await strategy.play(game);
  const { made, untold } = game;
  const credited = Number(game.credited);
  const sigma = Math.sqrt(game.variance);
  const z = sigma === 0 ? 0 : (credited - made) / sigma;
  const isLittle = sendsAll && z < -MOST_SIGMA;
  const within = sendsAll ? "equal" : "within";
  const verdict = z > MOST_SIGMA ? "TOO MUCH" : isLittle ? "TOO LITTLE" : within;
  return { name, made, untold, credited, ratio: credited / made, sigma, z, verdict };
}
