/** The block being mined and how far it is. */

import { el } from "../dom.js";
import { ago, count, duration } from "../format.js";

/** @import { PoolView } from "../../../api/views/views.ts" */

/** @param {PoolView} pool */
export function nowHead(pool) {
  const { job } = pool;
  return el(
    "div",
    { class: "now" },
    el(
      "div",
      { class: "now-title" },
      el("h1", {}, job === null ? "Waiting for the first block" : `Mining block ${count(job.height)}`),
      el(
        "p",
        { class: "muted" },
        job === null ? "The pool starts when the chain and the prices are in." : underline(pool),
      ),
    ),
    job === null ? null : minutes(pool),
    pool.stalledSeconds === null ? null : stalled(pool.stalledSeconds),
  );
}

/** @param {number} seconds */
function stalled(seconds) {
  return el(
    "p",
    { class: "notice", role: "status" },
    `No block has come for ${duration(seconds)}, three are due: the network, or the pool's node, stands still. What was acknowledged is kept.`,
  );
}

/** @param {PoolView} pool */
function underline(pool) {
  const last = pool.blocks[0];
  if (last === undefined) return "No block of this pool is graded yet.";
  const places = last.winning === 1 ? "1 place" : `${last.winning} places`;
  return `Block ${count(last.height)} was graded ${ago(last.endedAt ?? last.at, Date.parse(pool.at))}: ${last.winning === 0 ? "no place" : places} for us.`;
}

/**
 * Ten minutes of the block; where factomd's minute is not known, the time since the job began.
 * @param {PoolView} pool
 */
function minutes(pool) {
  const sinceMs = Date.parse(pool.at) - Date.parse(pool.job?.since ?? pool.at);
  const elapsed = Math.min(
    pool.minuteCount,
    Math.floor((sinceMs / 1000 / pool.blockSeconds) * pool.minuteCount),
  );
  const minute = pool.minute ?? elapsed;
  const label =
    pool.minute === null
      ? `about ${minute} of ${pool.minuteCount} minutes`
      : `Minute ${minute} of ${pool.minuteCount}`;
  return el(
    "div",
    { class: "minutes" },
    el(
      "div",
      { class: "minutes-label" },
      el("span", {}, label),
      el("span", {}, `for ${duration(Math.max(0, sinceMs / 1000))}`),
    ),
    el(
      "div",
      {
        class: "minutes-bar",
        role: "progressbar",
        "aria-label": "minute of the block",
        "aria-valuemin": 0,
        "aria-valuemax": pool.minuteCount,
        "aria-valuenow": minute,
      },
      ...Array.from({ length: pool.minuteCount }, (_, i) =>
        el("i", { class: i < minute ? "done" : i === minute ? "now-minute" : "" }),
      ),
    ),
  );
}
