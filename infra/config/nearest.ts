/** "Did you mean …?" for a typing mistake, else the list. */
export function nearest(word: string, known: readonly string[]): string {
  const best = known
    .map((name) => ({ name, cost: editDistance(word, name) }))
    .sort((a, b) => a.cost - b.cost)[0];
  return best !== undefined && best.cost <= 2 ? `Did you mean ${best.name}?` : `Known: ${known.join(", ")}`;
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const swap = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(swap, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
