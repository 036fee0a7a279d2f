/** Rows of blocks as a chart's columns. */

import { computed, type ReadonlySignal } from "@preact/signals";

/** From `rows`, newest first: the heights, then what each of `values` reads, all oldest first; undefined before there are rows. */
export function columnsByHeight<Row extends { readonly height: number }>(
  rows: ReadonlySignal<readonly Row[] | undefined>,
  ...values: ((row: Row) => number | null)[]
) {
  return computed(() => {
    const oldestFirst = rows.value?.toReversed();
    if (oldestFirst === undefined) return undefined;
    return [oldestFirst.map((row) => row.height), ...values.map((read) => oldestFirst.map(read))];
  });
}
