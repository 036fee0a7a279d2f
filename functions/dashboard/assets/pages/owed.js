/** A user's part in every block. */

import { el } from "../dom.js";
import { myBlocksTable } from "../parts/my-blocks.js";
import { drawPagedList } from "../parts/paged.js";

/** @import { MyBlocksView } from "../../../api/views/views.ts" */

drawPagedList({
  title: "Your blocks",
  about: "Your shares and your part of the reward, block by block.",
  path: "/api/me/blocks",
  rowsOf: (answer) => /** @type {MyBlocksView} */ (/** @type {unknown} */ (answer)).blocks,
  draw: (/** @type {readonly MyBlocksView["blocks"][number][]} */ blocks) => myBlocksTable([...blocks]),
  aside: el("a", { href: "/me" }, "My page"),
});
