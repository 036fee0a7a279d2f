/** The simulated chain: one height after the other, each with the reward it was born with; and the node and prices, which may be away. */

import { createHash } from "node:crypto";
import type { ChainBlock } from "../../../edge/chain/reader.ts";
import { CodedError } from "../../../shared/errors.ts";
import type { Chance } from "../../support/random.ts";

export const FIRST_HEIGHT = 1000;

export class SimChain {
  top = FIRST_HEIGHT - 1;
  /** No block comes by itself. */
  isHeld = false;
  nodeAway = false;
  pricesAway = false;
  /** A block is closed and being saved, as far as the node says. */
  isSaving = false;
  /** How long reading and grading a block takes. */
  gradeMs = 0;
  readonly #rewards = new Map<number, bigint>();
  readonly #chance: Chance;
  readonly #noReward: number;

  /** `noReward`: the part of the blocks that pay us nothing. */
  constructor(chance: Chance, noReward: number) {
    this.#chance = chance;
    this.#noReward = noReward;
  }

  advance(): void {
    this.top += 1;
    this.#rewardOf(this.top);
  }

  topHeight(): number {
    if (this.nodeAway) throw new CodedError("factomd-away", "the simulated node is away");
    return this.top;
  }

  block(height: number): ChainBlock {
    if (this.nodeAway) throw new CodedError("factomd-away", "the simulated node is away");
    return { height, keyMr: `key-${height}`, prevKeyMr: `key-${height - 1}`, timestamp: 0, entries: [] };
  }

  reward(height: number): bigint {
    return this.#rewardOf(height);
  }

  #rewardOf(height: number): bigint {
    const known = this.#rewards.get(height);
    if (known !== undefined) return known;
    const reward = this.#chance.hit(this.#noReward) ? 0n : BigInt(this.#chance.whole(1, 2 ** 40));
    this.#rewards.set(height, reward);
    return reward;
  }
}

/** Every edge would make another record, so that it shows who takes its own instead of the row's. */
export function recordHash(height: number, by: string): string {
  return createHash("sha256").update(`${height} ${by}`).digest("hex");
}
