/** How much of the deltas one statement reads: bodies have 48 KB at most, and a page stays below the Data API's 1 MiB. */

export const PAGE_BODY_BYTES = 600_000;
export const PAGE_DELTAS = 250;
