/** One value kept for a moment, so that a thousand open pages cost the database as much as one. */

import type { Clock } from "../../../shared/clock.ts";

/** `forget`: the next who asks gets a new value. */
export type Cached<T> = (() => Promise<T>) & { forget(): void };

/** `load` runs at most once per `ttlMs`, and once for all who ask meanwhile. A failure is not kept. */
export function cached<T>(clock: Clock, ttlMs: number, load: () => Promise<T>): Cached<T> {
  let kept: { value: Promise<T>; untilMs: number } | undefined;
  const get = (): Promise<T> => {
    if (kept !== undefined && clock.monotonicMs() < kept.untilMs) return kept.value;
    const mine = { value: load(), untilMs: Number.POSITIVE_INFINITY };
    kept = mine;
    mine.value.then(
      () => {
        mine.untilMs = clock.monotonicMs() + ttlMs;
      },
      () => {
        if (kept === mine) kept = undefined;
      },
    );
    return mine.value;
  };
  const forget = (): void => {
    kept = undefined;
  };
  return Object.assign(get, { forget });
}

/** `forget`: the next who asks for this key gets a new value. */
export type CachedBy<T> = ((key: string) => Promise<T>) & { forget(key: string): void };

/** The same for each of at most `limit` keys; when there are more, the oldest one is dropped. */
export function cachedBy<T>(
  clock: Clock,
  ttlMs: number,
  limit: number,
  load: (key: string) => Promise<T>,
): CachedBy<T> {
  const byKey = new Map<string, () => Promise<T>>();
  const get = (key: string): Promise<T> => {
    const known = byKey.get(key);
    if (known !== undefined) return known();
    if (byKey.size >= limit) {
      const [oldest] = byKey.keys();
      if (oldest !== undefined) byKey.delete(oldest);
    }
    const fresh = cached(clock, ttlMs, () => load(key));
    byKey.set(key, fresh);
    return fresh();
  };
  return Object.assign(get, { forget: (key: string) => void byKey.delete(key) });
}
