/** A user's part in each block. */

import { el, empty, table } from "../dom.js";
import { count, dateTime, hashrate, peg, pegExactly, percent } from "../format.js";

/** @import { MyBlocksView } from "../../../api/views/views.ts" */

/** @param {MyBlocksView["blocks"]} blocks newest first */
export function myBlocksTable(blocks) {
  if (blocks.length === 0) return empty("No block yet", "Your shares of each block appear here.");
  return table(
    [
      { title: "Block" },
      { title: "Began" },
      { title: "Shares", class: "num" },
      { title: "Refused", class: "num" },
      { title: "Hash rate", class: "num" },
      { title: "Your part", class: "num" },
      { title: "Your reward", class: "num" },
      { title: "Proof" },
    ],
    blocks.map((block) => [
      count(block.height),
      el("span", { class: "muted nowrap" }, dateTime(block.at)),
      count(block.shares),
      count(block.rejected),
      hashrate(block.hashrate),
      percent(block.part, 2),
      block.amount === null
        ? el("span", { class: "tag warn", title: "booked when the block is sealed" }, "open")
        : el("span", { title: pegExactly(block.amount) }, `${peg(block.amount, 4)} PEG`),
      block.state === "sealed" ? proofLink(block.height) : "",
    ]),
  );
}

/** @param {number} height */
function proofLink(height) {
  return el(
    "a",
    {
      href: `/api/me/blocks/${height}/proof`,
      download: `prosper-proof-${height}.json`,
      title: "that your work is in this block's root: check it with prosper verify",
    },
    "Download",
  );
}
