/** A user's own page: money, workers, blocks, payments. */

import { get, keepFresh, request } from "../api.js";
import { chart, sparkline } from "../charts.js";
import { card, el, empty, fill, must, table, tile, tiles } from "../dom.js";
import {
  ago,
  count,
  dateTime,
  duration,
  hashrate,
  hashrateParts,
  peg,
  pegExactly,
  percent,
} from "../format.js";
import { myBlocksTable } from "../parts/my-blocks.js";
import { drawShell } from "../shell.js";

/** @import { MeView, MyBlocksView, MyPaymentsView } from "../../../api/views/views.ts" */

const REFRESH_MS = 3000;
const SHOWN_BLOCKS = 15;
/** With a larger part refused, something is wrong with the miner or its line. */
const MANY_REJECTS = 0.03;

const sharesChart = chart({
  x: "height",
  series: [{ label: "Shares", color: "accent", kind: "bars", format: count }],
  axis: count,
  emptyTitle: "No shares yet",
  emptyText: "Each block that you work on becomes a bar.",
});
const rewardChart = chart({
  x: "height",
  series: [
    {
      label: "Reward",
      color: "accent",
      kind: "bars",
      format: (value) => `${value.toLocaleString("en-US")} PEG`,
    },
  ],
  axis: count,
  emptyTitle: "No reward yet",
  emptyText: "Your part is booked when a block is sealed.",
});

const head = el("div", { class: "page-head" }, el("h1", { class: "loading" }, "My page"));
const money = el("div");
const workers = el("div");
const blocks = el("div");
const payments = el("div");

/** @param {MeView} me */
function moneyTiles(me) {
  return tiles(
    tile("Owed", { value: peg(me.owed), unit: "PEG" }, "booked and adjusted, less what was paid out", "lead"),
    tile("Pending", { value: `≈\u00a0${peg(me.pending)}`, unit: "PEG" }, pendingNote(me)),
    tile(
      "Earned",
      { value: peg(me.booked), unit: "PEG" },
      BigInt(me.adjusted) === 0n
        ? "from all sealed blocks"
        : `from all sealed blocks; adjusted by ${peg(me.adjusted)}`,
    ),
    tile(
      "Paid out",
      { value: peg(me.paidOut), unit: "PEG" },
      me.payoutAddress === null
        ? el("a", { href: "/whoami" }, "Set a payout address first")
        : "to your address so far",
    ),
    tile(
      "Now",
      hashrateParts(me.hashrateShort),
      `last ${duration(me.shortSeconds)}: quick to see a change, rough`,
    ),
    tile("Steady", hashrateParts(me.hashrateLong), `last ${duration(me.longSeconds)}: slow, but accurate`),
  );
}

/** @param {MeView} me */
function pendingNote(me) {
  const [newest] = me.pendingBlocks;
  if (newest === undefined) return "no work in an open block";
  const more = me.pendingBlocks.length === 1 ? "" : ` and ${me.pendingBlocks.length - 1} more`;
  return `${percent(newest.part)} of block ${count(newest.height)}${more}, at the usual reward`;
}

/** @param {MeView} me */
function workersCard(me) {
  const online = me.workers.filter((worker) => worker.online).length;
  const title = `Workers`;
  if (me.workers.length === 0 && me.waiting.length === 0) {
    return card(
      title,
      null,
      empty(
        "No worker yet",
        el("span", {}, "Start a miner: ", el("a", { href: "/#connect" }, "how to connect"), "."),
      ),
    );
  }
  return card(
    title,
    el(
      "span",
      { class: "reading" },
      el("span", {}, `${online} of ${me.workers.length} online`),
      el("span", {}, `refused in the last hour: ${percent(me.rejectRate, 2)}`),
    ),
    table(
      [
        { title: "Name" },
        { title: "Last hour" },
        { title: "10 min", class: "num" },
        { title: "1 h", class: "num" },
        { title: "Shares", class: "num" },
        { title: "Refused", class: "num" },
        { title: "Last share", class: "num" },
      ],
      me.workers.map((worker) => [
        el(
          "span",
          { class: `dot name ${worker.online ? "on" : ""}`, title: worker.online ? "online" : "offline" },
          worker.name === "" ? "(no name)" : worker.name,
          worker.kind === "new" && mineButton([worker.name], "mine"),
        ),
        sparkline(worker.minutes),
        hashrate(worker.hashrateShort),
        hashrate(worker.hashrateLong),
        count(worker.shares),
        el(
          "span",
          { class: (worker.rejectRate ?? 0) > MANY_REJECTS ? "warn" : "" },
          percent(worker.rejectRate, 2),
        ),
        worker.lastShare === null ? `block ${count(worker.lastBlock)}` : minutesAgo(worker.lastShare),
      ]),
    ),
    me.waiting.length > 0 && waitingNote(me.waiting),
  );
}

/** @param {MeView["waiting"]} waiting */
function waitingNote(waiting) {
  const all = waiting.map((worker) => worker.name);
  return el(
    "div",
    { class: "small" },
    el(
      "p",
      {},
      "These logged in without your password. Their work is yours, counted in (other rigs): say which are your own.",
    ),
    el(
      "p",
      {},
      ...waiting.map(({ name }) =>
        el("span", { class: "name" }, name === "" ? "(no name)" : name, mineButton([name], "mine"), " "),
      ),
      all.length > 1 && mineButton(all, "all are mine"),
    ),
  );
}

/**
 * @param {string[]} names
 * @param {string} text
 */
function mineButton(names, text) {
  const button = el("button", { type: "button", class: "small", onclick: () => void confirm() }, text);
  async function confirm() {
    button.disabled = true;
    try {
      await request("PUT", "/api/me/workers", { own: names });
      await refresh();
    } finally {
      button.disabled = false;
    }
  }
  return button;
}

/**
 * Shares are counted by the minute, so nothing finer is known.
 * @param {string} iso
 */
function minutesAgo(iso) {
  return Date.now() - Date.parse(iso) < 90_000 ? "this minute" : ago(iso);
}

/** @param {MyPaymentsView} view */
function paymentsCard(view) {
  const rows = [
    ...view.payments.map((row) => ({
      at: row.at,
      amount: row.amount,
      what: el("code", { class: "hash", title: row.entryHash }, row.entryHash),
      kind: "paid out",
    })),
    ...view.adjustments.map((row) => ({
      at: row.at,
      amount: row.amount,
      what: el("span", { class: "name" }, row.reason),
      kind: "adjusted",
    })),
  ].toSorted((a, b) => (a.at < b.at ? 1 : -1));
  if (rows.length === 0)
    return card(
      "Payments",
      null,
      empty("Nothing was paid out yet", "Each payment appears here with the entry that carries it."),
    );
  return card(
    "Payments and adjustments",
    null,
    table(
      [{ title: "When" }, { title: "What" }, { title: "Amount", class: "num" }, { title: "Entry or reason" }],
      rows.map((row) => [
        dateTime(row.at),
        row.kind,
        el("span", { title: pegExactly(row.amount) }, `${peg(row.amount, 4)} PEG`),
        row.what,
      ]),
    ),
  );
}

let seenBlock = "";

async function refresh() {
  const me = /** @type {MeView} */ (await get("/api/me"));
  fill(
    head,
    el("h1", { class: "name" }, me.name),
    el(
      "p",
      { class: "muted small name" },
      me.payoutAddress === null ? "no payout address · " : `paid to ${me.payoutAddress} · `,
      el("a", { href: "/whoami" }, "change"),
    ),
  );
  fill(money, moneyTiles(me));
  fill(workers, workersCard(me));
  const newest = me.pendingBlocks.map((block) => block.height).join() + me.booked + me.paidOut;
  if (newest === seenBlock) return;
  const [own, paid] = await Promise.all([
    /** @type {Promise<MyBlocksView>} */ (get("/api/me/blocks?limit=100")),
    /** @type {Promise<MyPaymentsView>} */ (get("/api/me/payments")),
  ]);
  const oldestFirst = own.blocks.toReversed();
  const heights = oldestFirst.map((block) => block.height);
  sharesChart.show([heights, oldestFirst.map((block) => Number(block.shares))]);
  rewardChart.show([
    heights,
    oldestFirst.map((block) => (block.amount === null ? null : Number(block.amount) / 1e8)),
  ]);
  fill(
    blocks,
    card(
      "Your blocks",
      el("a", { class: "small", href: "/user/owed" }, "All of them"),
      myBlocksTable(own.blocks.slice(0, SHOWN_BLOCKS)),
    ),
  );
  fill(payments, paymentsCard(paid));
  seenBlock = newest;
}

fill(
  must("main"),
  head,
  money,
  workers,
  el(
    "div",
    { class: "grid-2" },
    card("Shares per block", sharesChart.reading, sharesChart.box),
    card("Reward per block", rewardChart.reading, rewardChart.box),
  ),
  blocks,
  payments,
);
void drawShell();
keepFresh(REFRESH_MS, refresh);
