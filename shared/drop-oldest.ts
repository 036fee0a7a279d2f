/** Keeps a map bounded by forgetting what was put in first. */

/**
 * Where the map is over `limit`, drops the oldest eighth in one pass: a Map steps over every entry deleted from its front, so that
 * dropping one at a time takes as long as a walk through the map.
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
