/** One block: its books and its graded records. */

import { ApiError, get, showTrouble } from "../api.js";
import { card, el, empty, fill, must, table, tile, tiles } from "../dom.js";
import { count, dateTime, decimal, hashrateParts, peg, pegExactly } from "../format.js";
import { drawShell } from "../shell.js";

/** @import { BlockDetailView, BlockView } from "../../../api/views/views.ts" */

const height = location.pathname.split("/").at(-1) ?? "";

/** @param {BlockDetailView} detail */
function draw({ block, keyMr, receiptKey, winners }) {
  const number = block.height;
  fill(
    must("main"),
    el(
      "div",
      { class: "page-head" },
      el(
        "div",
        {},
        el("h1", {}, `Block ${count(number)}`),
        el(
          "p",
          { class: "muted" },
          `${dateTime(block.at)}, version ${block.version}, ${count(block.entries)} records`,
        ),
      ),
      el(
        "nav",
        { "aria-label": "Other blocks" },
        el("a", { href: `/pool/blocks/${number - 1}` }, "Before"),
        el("a", { href: `/pool/blocks/${number + 1}` }, "After"),
        el("a", { href: `/pool/submissions?jobid=${number}` }, "Submissions"),
      ),
    ),
    tiles(
      tile("Reward", { value: peg(block.reward), unit: "PEG" }, `${block.winning} of 25 places`, "lead"),
      tile(
        "Expected",
        { value: block.expectedPlaces === null ? "–" : decimal(block.expectedPlaces) },
        "places, by our part of the network's work",
      ),
      tile("Pool", hashrateParts(block.poolHashrate), "over the whole block"),
      tile("Network", hashrateParts(block.networkHashrate), "estimated"),
      tile("Shares", { value: block.shares === null ? "–" : count(block.shares) }, "accepted"),
    ),
    card("Books", null, books(block, receiptKey)),
    card("Graded records", el("span", { class: "reading" }, "best grade first"), recordsTable(winners)),
    el("p", { class: "small muted name" }, "Key of the directory block: ", el("code", {}, keyMr)),
  );
}

/**
 * @param {BlockView} block
 * @param {string | null} receiptKey
 */
function books(block, receiptKey) {
  if (block.state === null)
    return empty(
      "The pool had no job at this height",
      "What it won here, if anything, is carried to the next job.",
    );
  if (block.state !== "sealed")
    return empty("Not sealed yet", "The books are final when all work for this block is in.");
  const line = (/** @type {string} */ name, /** @type {string | null} */ amount) =>
    el(
      "tr",
      {},
      el("th", { scope: "row" }, name),
      el("td", { class: "num", title: pegExactly(amount) }, `${peg(amount, 8)} PEG`),
    );
  return el(
    "div",
    {},
    el(
      "div",
      { class: "scroll" },
      el(
        "table",
        { class: "books" },
        el(
          "tbody",
          {},
          line("Reward", block.reward),
          line("Carried in", block.carriedIn),
          line("Fee", block.fee),
          line("Booked to miners", block.paid),
          line("Carried on", block.carried),
        ),
      ),
    ),
    el(
      "p",
      { class: "small muted record name" },
      "Root of the tree over every worker's work: ",
      el("code", {}, block.root ?? "–"),
      ". Miners download a proof from their page and check it with ",
      el("code", {}, "prosper verify"),
      ".",
    ),
    receiptKey !== null &&
      el(
        "p",
        { class: "small muted record name" },
        "Receipts are signed by key ",
        el("code", {}, receiptKey),
      ),
  );
}

/** @param {BlockDetailView["winners"]} winners */
function recordsTable(winners) {
  if (winners.length === 0)
    return empty("This block was not graded", "It had too few valid records, so the winners before it stay.");
  return table(
    [
      { title: "Place" },
      { title: "Identity" },
      { title: "Payout", class: "num" },
      { title: "Difficulty" },
      { title: "Entry" },
    ],
    winners.map((winner) => [
      String(winner.position),
      el(
        "span",
        { class: "name" },
        winner.identity,
        winner.ours && el("span", { class: "tag good ours-tag" }, "ours"),
      ),
      winner.payout === "0" ? el("span", { class: "muted" }, "–") : `${peg(winner.payout, 0)} PEG`,
      el("code", {}, winner.difficulty),
      el("code", { class: "hash", title: winner.entryHash }, winner.entryHash),
    ]),
  );
}

void drawShell();
get(`/api/blocks/${encodeURIComponent(height)}`)
  .then((detail) => draw(/** @type {BlockDetailView} */ (detail)))
  .catch((error) => {
    if (error instanceof ApiError && error.status === 404)
      fill(
        must("main"),
        card(
          "Block",
          null,
          empty("No graded block has this height", el("a", { href: "/pool/rewards" }, "All blocks")),
        ),
      );
    else showTrouble("This block could not be read. Load the page again.");
  });
