/** The first page: the pool at a glance, without a login. */

import { get, keepFresh } from "../api.js";
import { chart } from "../charts.js";
import { card, el, fill, must, tile, tiles } from "../dom.js";
import { count, decimal, hashrate, hashrateParts, peg, percent } from "../format.js";
import { blocksTable } from "../parts/blocks-table.js";
import { connectCard } from "../parts/connect.js";
import { nowHead } from "../parts/now.js";
import { pricesCard } from "../parts/prices.js";
import { drawShell } from "../shell.js";

/** @import { BlockView, HashrateView, HistoryView, PoolView } from "../../../api/views/views.ts" */

const REFRESH_MS = 3000;
const HASHRATE_MS = 15_000;
const FEWEST_MINUTES = 10;
const axisCount = (/** @type {number} */ value) =>
  value >= 10_000 ? `${count(value / 1000)}k` : count(value);

const hourChart = chart({
  x: "time",
  series: [{ label: "Pool", color: "accent", kind: "area", format: hashrate }],
  axis: hashrate,
  emptyTitle: "No shares yet",
  emptyText: "The line begins with the first minute of work.",
});
const placesChart = chart({
  x: "height",
  series: [
    { label: "Places", color: "accent", kind: "bars", format: count },
    { label: "Expected", color: "second", kind: "dashes", format: (value) => decimal(value) },
  ],
  axis: count,
  max: 25,
  emptyTitle: "No graded block yet",
  emptyText: "Each block pays 25 places.",
});
const rewardChart = chart({
  x: "height",
  series: [{ label: "Reward", color: "accent", kind: "bars", format: (value) => `${count(value)} PEG` }],
  axis: axisCount,
  emptyTitle: "No reward yet",
  emptyText: "Rewards are booked when a block is graded.",
});
const sharesChart = chart({
  x: "height",
  series: [{ label: "Shares", color: "accent", kind: "bars", format: count }],
  axis: axisCount,
  emptyTitle: "No sealed block yet",
  emptyText: "A block's shares are final when it is sealed.",
});
const networkChart = chart({
  x: "height",
  series: [
    { label: "Pool", color: "accent", kind: "line", format: hashrate },
    { label: "Network", color: "second", kind: "line", format: hashrate },
  ],
  axis: hashrate,
  emptyTitle: "No graded block yet",
  emptyText: "The network's rate is estimated from each block's records.",
});

const head = el("div", {}, el("h1", { class: "loading" }, "Mining block 000,000"));
const figures = el("div", {}, loadingTiles());
const blocks = el("div");
const connect = el("div");
const prices = el("div");

function loadingTiles() {
  const one = () => tile("…", { value: "000 kh/s" }, "…");
  const shown = tiles(...Array.from({ length: 6 }, one));
  for (const figure of shown.querySelectorAll("dt, dd")) figure.classList.add("loading");
  return shown;
}

/** @param {PoolView} pool */
function figuresOf(pool) {
  const { luck } = pool;
  const last = pool.blocks[0];
  const isRated = pool.networkHashrate !== null && pool.networkHashrate > 0;
  return tiles(
    tile("Pool", hashrateParts(pool.poolHashrate), "measured over the last 10 minutes", "lead"),
    tile(
      "Network",
      hashrateParts(pool.networkHashrate),
      isRated
        ? `estimated; about ${percent(Math.min(1, pool.poolHashrate / (pool.networkHashrate ?? 1)), 0)} of it is ours`
        : "known after the first graded block",
    ),
    tile(
      "Miners",
      { value: count(pool.miners) },
      `${plural(pool.workers, "worker")} in 5 minutes${pool.connections === null ? "" : `, ${plural(pool.connections, "connection")}`}`,
    ),
    tile(
      "Last block",
      last === undefined ? { value: "–" } : { value: peg(last.reward, 0), unit: "PEG" },
      last === undefined ? "none graded yet" : `${plural(last.winning, "place")} of 25`,
    ),
    tile("Luck", { value: luck.percent === null ? "–" : `${decimal(luck.percent, 0)} %` }, luckNote(luck)),
    tile(
      "Fee",
      { value: pool.feeRate === null ? "–" : percent(Number(pool.feeRate), 1) },
      "of each reward; miners share the rest by work",
    ),
  );
}

/** @param {PoolView["luck"]} luck */
function luckNote(luck) {
  if (luck.percent === null) return "places won per places expected";
  return `${count(luck.places)} places; ${decimal(luck.expectedPlaces, 0)} ± ${decimal(luck.deviation, 0)} expected in ${plural(luck.blocks, "block")}`;
}

/**
 * @param {number} number
 * @param {string} word
 */
function plural(number, word) {
  return `${count(number)} ${word}${number === 1 ? "" : "s"}`;
}

/** @param {readonly BlockView[]} history oldest first */
function showHistory(history) {
  const heights = history.map((block) => block.height);
  placesChart.show([
    heights,
    history.map((block) => block.winning),
    history.map((block) => block.expectedPlaces),
  ]);
  rewardChart.show([heights, history.map((block) => Number(BigInt(block.reward) / 1_000_000n) / 100)]);
  sharesChart.show([heights, history.map((block) => (block.shares === null ? null : Number(block.shares)))]);
  networkChart.show([
    heights,
    history.map((block) => block.poolHashrate),
    history.map((block) => block.networkHashrate),
  ]);
}

/**
 * The chart begins with the first rate, so that a new pool's line fills it.
 * @param {HashrateView["points"]} points
 */
function showHour(points) {
  const first = points.findIndex(([, rate]) => rate !== null);
  const shown = points.slice(Math.max(0, Math.min(first, points.length - FEWEST_MINUTES)));
  hourChart.show([shown.map(([at]) => at), shown.map(([, rate]) => rate)]);
}

/**
 * Redraws only what changed, so that a selection or an open tooltip stays.
 * @param {(shown: PoolView) => unknown} part
 * @param {(shown: PoolView) => void} draw
 */
function whenChanged(part, draw) {
  let last = "";
  return (/** @type {PoolView} */ pool) => {
    const now = JSON.stringify(part(pool)) ?? "";
    if (now !== last) draw(pool);
    last = now;
  };
}

const drawConnect = whenChanged(
  (pool) => pool.connect,
  (pool) => fill(connect, connectCard(pool.connect)),
);

let historyOf = "";
let hashrateMs = 0;

async function refresh() {
  const pool = /** @type {PoolView} */ (await get("/api/pool"));
  fill(head, nowHead(pool));
  fill(figures, figuresOf(pool));
  fill(
    blocks,
    card(
      "Last blocks",
      pool.blocks.length === 0
        ? null
        : el("a", { class: "small", href: "/pool/rewards" }, "All blocks and their books"),
      blocksTable(pool.blocks, { books: false }),
    ),
  );
  drawConnect(pool);
  // While nothing has happened on the pool, a visitor first needs to know how to connect.
  const above = pool.blocks.length === 0 && pool.miners === 0 ? figures : blocks;
  if (connect.previousElementSibling !== above) above.after(connect);
  fill(prices, pricesCard(pool.job));
  const newest = pool.blocks.map((block) => `${block.height}${block.state}`).join();
  if (newest !== historyOf || newest === "") {
    showHistory(/** @type {HistoryView} */ (await get("/api/pool/history")).blocks);
    historyOf = newest;
  }
  if (Date.now() - hashrateMs > HASHRATE_MS) {
    const { points } = /** @type {HashrateView} */ (await get("/api/pool/hashrate"));
    showHour(points);
    hashrateMs = Date.now();
  }
}

fill(
  must("main"),
  head,
  figures,
  el(
    "div",
    { class: "grid-2" },
    card("Pool hash rate, last hour", hourChart.reading, hourChart.box),
    card("Our places per block", placesChart.reading, placesChart.box),
    card("Reward per block", rewardChart.reading, rewardChart.box),
    card("Shares per block", sharesChart.reading, sharesChart.box),
  ),
  card("Hash rate by block", networkChart.reading, networkChart.box),
  blocks,
  connect,
  prices,
  card(
    "How to read these figures",
    null,
    el(
      "ul",
      { class: "explain small muted" },
      el(
        "li",
        {},
        el("b", {}, "Hash rates "),
        "of the pool are credited work over time, so they are exact over long spans and rough over short ones. The network's is an estimate from the difficulty of each block's last graded record, good to some 15 % in a single block.",
      ),
      el(
        "li",
        {},
        el("b", {}, "Luck "),
        "compares the paid places we won with those our part of the network's work should win on average. Within one or two of the ± it is chance; grading also rewards good prices, so it need not be 100 %.",
      ),
      el(
        "li",
        {},
        el("b", {}, "Sealed "),
        "blocks are final: fee, miners' part and carry add up to the reward to the last 1e-8 PEG, and nothing in them is changed again.",
      ),
    ),
  ),
);
void drawShell();
keepFresh(REFRESH_MS, refresh);
