/** Keeps a map bounded by dropping the entries that were put in first. */

/**
 * If the map is over `limit`, drops the oldest eighth in one pass. A Map steps over every entry deleted from its front, so dropping
 * them one at a time would each time take as long as a walk through the map.
 */
export function dropOldest(map: Map<string, unknown>, limit: number): void {
  if (map.size <= limit) return;
  let left = Math.max(1, Math.ceil(limit / 8));
  for (const key of map.keys()) {
    map.delete(key);
    left -= 1;
    if (left === 0) return;
  }
}
