/** Roots and keys that this browser was shown at earlier visits: a pool that publishes others later is found out. */

import * as v from "valibot";

const NAME = "prosper-roots";
/** Blocks kept, the newest: a month of ten-minute blocks, 340 kB. */
export const MOST_ROOTS = 4_320;
const MOST_KEYS = 16;

const hex = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/));
const kept = v.pipe(
  v.string(),
  v.parseJson(),
  v.object({ roots: v.record(v.pipe(v.string(), v.regex(/^\d{1,10}$/)), hex), keys: v.array(hex) }),
);

export type RootStorage = Pick<Storage, "getItem" | "setItem">;

export class Remembered {
  readonly #storage: RootStorage | undefined;
  readonly #roots: Map<number, string>;
  readonly #keys: Set<string>;

  /** Undefined: the browser keeps nothing for pages. What it kept and is damaged counts as nothing. */
  constructor(storage: RootStorage | undefined) {
    this.#storage = storage;
    const read = v.safeParse(kept, storage?.getItem(NAME) ?? "");
    const { roots, keys } = read.success ? read.output : { roots: {}, keys: [] };
    this.#roots = new Map(Object.entries(roots).map(([height, root]) => [Number(height), root]));
    this.#keys = new Set(keys);
  }

  /** The root of an earlier visit. */
  rootOf(height: number): string | undefined {
    return this.#roots.get(height);
  }

  get keys(): readonly string[] {
    return [...this.#keys];
  }

  /** The first root of a height is kept: a later one does not replace it. */
  see(height: number, root: string, keys: readonly string[]): void {
    if (!this.#roots.has(height)) this.#roots.set(height, root);
    for (const key of keys) if (this.#keys.size < MOST_KEYS) this.#keys.add(key);
  }

  save(): void {
    const newest = [...this.#roots].sort(([a], [b]) => b - a).slice(0, MOST_ROOTS);
    try {
      this.#storage?.setItem(
        NAME,
        JSON.stringify({ roots: Object.fromEntries(newest), keys: [...this.#keys] }),
      );
    } catch {
      // The browser's storage is full: what was kept before stays.
    }
  }
}
