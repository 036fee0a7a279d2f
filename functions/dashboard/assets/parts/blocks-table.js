/** The list of graded blocks with our places and what they brought. */

import { el, empty, table } from "../dom.js";
import { ago, count, dateTime, hashrate, peg, pegExactly } from "../format.js";

/** @import { BlockView } from "../../../api/views/views.ts" */

/**
 * @param {readonly BlockView[]} blocks newest first
 * @param {{ books: boolean }} show `books`: fee, paid and carry too
 */
export function blocksTable(blocks, show) {
  if (blocks.length === 0)
    return empty(
      "No block has been graded yet",
      "The first one appears here when the network has finished it.",
    );
  const columns = [
    { title: "Block" },
    { title: "When" },
    { title: "Our places" },
    { title: "of 25", class: "num" },
    { title: "Reward", class: "num" },
    ...(show.books
      ? [
          { title: "Fee", class: "num" },
          { title: "Booked to miners", class: "num" },
          { title: "Carried on", class: "num" },
        ]
      : []),
    { title: "Shares", class: "num" },
    { title: "Pool rate", class: "num" },
    { title: "Books" },
  ];
  return table(
    columns,
    blocks.map((block) => [
      el("a", { href: `/pool/blocks/${block.height}` }, count(block.height)),
      el("span", { class: "nowrap muted", title: dateTime(block.at) }, ago(block.endedAt ?? block.at)),
      block.graded ? placesStrip(block.places) : el("span", { class: "muted" }, "not graded"),
      String(block.winning),
      money(block.reward),
      ...(show.books ? [money(block.fee), money(block.paid), money(block.carried)] : []),
      block.shares === null ? "–" : count(block.shares),
      hashrate(block.poolHashrate),
      stateTag(block),
    ]),
  );
}

/** @param {string | null} amount */
function money(amount) {
  return el("span", { title: pegExactly(amount) }, peg(amount));
}

/**
 * The 25 paid places in a row, ours filled.
 * @param {readonly number[]} places
 */
function placesStrip(places) {
  const ours = new Set(places);
  const label = places.length === 0 ? "no place" : `places ${places.join(", ")}`;
  return el(
    "span",
    { class: "places", role: "img", "aria-label": label, title: label },
    ...Array.from({ length: 25 }, (_, i) => el("i", { class: ours.has(i + 1) ? "ours" : "" })),
  );
}

/** @param {BlockView} block */
function stateTag(block) {
  if (block.state === null)
    return el("span", { class: "tag", title: "the pool had no job at this height" }, "no job");
  if (block.state !== "sealed")
    return el("span", { class: "tag warn", title: "waiting for the last work" }, "open");
  const isForced = block.forced === true;
  return el(
    "span",
    {
      class: `tag ${isForced ? "warn" : "good"}`,
      title: isForced
        ? "sealed by the deadline: some work came too late and counts in a later block"
        : "final: booked, and never changed",
    },
    "sealed",
  );
}
