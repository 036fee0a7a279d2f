/** For the operator: who mines now. */

import { get, keepFresh } from "../api.js";
import { card, el, empty, fill, must, table } from "../dom.js";
import { ago, count, hashrate, percent } from "../format.js";
import { operatorHead } from "../parts/operator.js";
import { drawShell } from "../shell.js";

/** @import { MinersView } from "../../../api/views/views.ts" */

const REFRESH_MS = 5000;

/** @param {MinersView["workers"]} workers */
function workersTable(workers) {
  if (workers.length === 0)
    return empty("Nobody mines", "Workers with a share in the last ten minutes appear here.");
  return table(
    [
      { title: "User" },
      { title: "Worker" },
      { title: "10 min", class: "num" },
      { title: "Shares", class: "num" },
      { title: "Refused", class: "num" },
      { title: "Last share", class: "num" },
    ],
    workers.map((row) => [
      el("span", { class: "name" }, row.user),
      el("span", { class: "name" }, row.worker === "" ? "(no name)" : row.worker),
      hashrate(row.hashrate),
      count(row.shares),
      percent(Number(row.rejected) / Math.max(1, Number(row.rejected) + Number(row.shares)), 2),
      ago(row.lastShare),
    ]),
  );
}

/** @param {NonNullable<MinersView["sessions"]>} sessions */
function sessionsTable(sessions) {
  if (sessions.length === 0) return empty("No connection is open", "Each miner that connects appears here.");
  return table(
    [
      { title: "Session" },
      { title: "User" },
      { title: "Worker" },
      { title: "Agent" },
      { title: "Address" },
      { title: "State" },
      { title: "Target" },
      { title: "Nonce", class: "num" },
    ],
    sessions.map((row) => [
      el("code", { class: "hash", title: row.id }, row.id),
      el("span", { class: "name" }, row.user ?? "–"),
      el("span", { class: "name" }, row.worker ?? "–"),
      el("span", { class: "name" }, row.agent),
      el("code", {}, row.address),
      el(
        "span",
        { class: `tag ${row.authorized ? "good" : ""}` },
        row.authorized ? "mining" : row.subscribed ? "subscribed" : "connected",
      ),
      el("code", {}, row.target ?? "–"),
      row.nonce === null ? "–" : String(row.nonce),
    ]),
  );
}

const workers = el("div");
const sessions = el("div");
fill(must("main"), operatorHead("Miners"), workers, sessions);
void drawShell();
keepFresh(REFRESH_MS, async () => {
  const miners = /** @type {MinersView} */ (await get("/api/admin/miners"));
  fill(
    workers,
    card(
      "Workers",
      el("span", { class: "reading" }, `${miners.workers.length} in ten minutes`),
      workersTable(miners.workers),
    ),
  );
  if (miners.sessions !== null)
    fill(
      sessions,
      card(
        "Connections",
        el("span", { class: "reading" }, `${miners.sessions.length} open`),
        sessionsTable(miners.sessions),
      ),
    );
});
