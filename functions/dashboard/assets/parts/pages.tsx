/** Turns the pages of a list. */

import { count } from "../format.ts";

interface PagesProps {
  /** What is listed, for those who do not see it. */
  of: string;
  /** Rows before this page, and on it. */
  from: number;
  rows: number;
  total: number;
  size: number;
  to: (from: number) => void;
}

/** Nothing where all of it is one page. */
export function Pages({ of, from, rows, total, size, to }: PagesProps) {
  if (total <= size && from === 0) return null;
  const last = from + rows;
  return (
    <nav class="pages" aria-label={`Pages of ${of}`}>
      <button type="button" class="small" disabled={from === 0} onClick={() => to(Math.max(0, from - size))}>
        Before
      </button>
      <span class="reading">
        {count(Math.min(from + 1, last))} to {count(last)} of {count(total)}
      </span>
      <button type="button" class="small" disabled={last >= total} onClick={() => to(from + size)}>
        After
      </button>
    </nav>
  );
}
