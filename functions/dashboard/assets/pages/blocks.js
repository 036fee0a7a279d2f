/** All graded blocks with their books. */

import { blocksTable } from "../parts/blocks-table.js";
import { drawPagedList } from "../parts/paged.js";

/** @import { BlockListView, BlockView } from "../../../api/views/views.ts" */

drawPagedList({
  title: "Blocks and rewards",
  about: "Fee, what miners are booked and what is carried on make up each reward and what was carried in.",
  path: "/api/blocks",
  rowsOf: (answer) => /** @type {BlockListView} */ (/** @type {unknown} */ (answer)).blocks,
  draw: (/** @type {readonly BlockView[]} */ blocks) => blocksTable(blocks, { books: true }),
});
