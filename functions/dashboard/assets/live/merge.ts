/** Lists of which only the newest rows are asked for again. */

/** `known` with `newest` put in by `key`, largest key first, at most `limit` of them. */
export function mergeNewest<Row>(
  known: readonly Row[],
  newest: readonly Row[],
  key: (row: Row) => number,
  limit: number,
): Row[] {
  const rows = new Map([...known, ...newest].map((row) => [key(row), row]));
  return [...rows.values()].toSorted((a, b) => key(b) - key(a)).slice(0, limit);
}
