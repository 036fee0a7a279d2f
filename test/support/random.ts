/** Chance from a seed: the same seed gives the same numbers on every machine. */

import type { Random } from "../../shared/clock.ts";

export class Chance {
  #a: number;
  #b: number;
  #c: number;
  #d = 1;

  constructor(seed: number) {
    this.#a = seed >>> 0;
    this.#b = Math.floor(seed / 2 ** 32) >>> 0;
    this.#c = 0x9e3779b9;
    for (let i = 0; i < 12; i++) this.#next();
  }

  /** [0, 1) */
  unit(): number {
    return this.#next() / 2 ** 32;
  }

  /** A whole number from `low` to `high`, both included. */
  whole(low: number, high: number): number {
    return low + Math.floor(this.unit() * (high - low + 1));
  }

  /** From `low` to below `high`. */
  between(low: number, high: number): number {
    return low + this.unit() * (high - low);
  }

  hit(probability: number): boolean {
    return this.unit() < probability;
  }

  /** One of them; there must be one. */
  pick<T>(items: readonly T[]): T {
    const item = items[Math.floor(this.unit() * items.length)];
    if (item === undefined) throw new RangeError("there is nothing to pick from");
    return item;
  }

  /** A generator of its own, so that what one part draws does not move another's numbers. */
  fork(): Chance {
    return new Chance(this.#next() * 2 ** 20 + (this.#next() & 0xfffff));
  }

  /** The port's form. */
  bytes(): Random {
    return (length) => Uint8Array.from({ length }, () => this.#next() & 0xff);
  }

  /** sfc32 (Chris Doty-Humphrey, PractRand). */
  #next(): number {
    const t = (((this.#a + this.#b) | 0) + this.#d) | 0;
    this.#d = (this.#d + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (this.#c << 21) | (this.#c >>> 11);
    this.#c = (this.#c + t) | 0;
    return t >>> 0;
  }
}
