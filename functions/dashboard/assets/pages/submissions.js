/** What the pool submitted to the chain, and what it held back. */

import { el, empty, table } from "../dom.js";
import { ago, count, dateTime } from "../format.js";
import { drawPagedList } from "../parts/paged.js";

/** @import { SubmissionListView } from "../../../api/views/views.ts" */

const job = new URLSearchParams(location.search).get("jobid");
const KIND = { revealed: "good", committed: "", pending: "warn", blocked: "", abandoned: "bad" };
const WORDS = {
  revealed: "on the chain",
  committed: "committed",
  pending: "being sent",
  blocked: "held back",
  abandoned: "given up",
};

/** @param {readonly SubmissionListView["submissions"][number][]} rows */
function draw(rows) {
  if (rows.length === 0)
    return empty(
      "No submission yet",
      "A share good enough to win a place is submitted to the chain and listed here.",
    );
  return table(
    [
      { title: "Block" },
      { title: "When" },
      { title: "Entry" },
      { title: "Difficulty" },
      { title: "State" },
      { title: "Why" },
    ],
    rows.map((row) => [
      count(row.height),
      el("span", { class: "muted nowrap", title: dateTime(row.at) }, ago(row.at)),
      el("code", { class: "hash", title: row.entryHash }, row.entryHash),
      el("code", {}, row.target),
      el("span", { class: `tag ${KIND[row.state]}` }, WORDS[row.state]),
      row.reason === null ? "" : el("span", { class: "small muted why" }, row.reason),
    ]),
  );
}

drawPagedList({
  title: "Submissions",
  about:
    "Shares that beat the network's threshold are submitted; beyond the best 25 of a block they are held back.",
  path: "/api/submissions",
  query: job !== null && /^\d+$/.test(job) ? `job=${job}&` : "",
  rowsOf: (answer) => /** @type {SubmissionListView} */ (/** @type {unknown} */ (answer)).submissions,
  draw,
});
