/** Figures that stay fresh by themselves: told by the pool where it can, else asked for from time to time. */

import type { ReadonlySignal } from "@preact/signals";
import { feedOf, keepFresh } from "./fresh.ts";

/** The answer of `path`, undefined before the first; asked for every `periodMs` while the page is visible. */
export function watch<T>(path: string, periodMs: number): ReadonlySignal<T | undefined> {
  const feed = feedOf<T>(path);
  keepFresh(periodMs, () => feed.refresh());
  return feed.value;
}
