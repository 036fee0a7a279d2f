/** A map of limited size. When it is full, it forgets the key that was not used for longest. */

import { dropOldest } from "../../shared/drop-oldest.ts";

export interface LruMap<T> {
  get(key: string): T | undefined;
  set(key: string, value: T): void;
  delete(key: string): void;
}

export function createLruMap<T>(limit: number): LruMap<T> {
  const entries = new Map<string, T>();
  const put = (key: string, value: T): void => {
    entries.delete(key);
    entries.set(key, value);
  };
  return {
    get(key) {
      const value = entries.get(key);
      if (value !== undefined) put(key, value);
      return value;
    },
    set(key, value) {
      put(key, value);
      dropOldest(entries, limit);
    },
    delete: (key) => void entries.delete(key),
  };
}
