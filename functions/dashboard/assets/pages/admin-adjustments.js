/** For the operator: corrections beside the sealed books, and the log of what administrators did. */

import { ApiError, get, keepFresh } from "../api.js";
import { card, el, empty, fill, must, table } from "../dom.js";
import { dateTime, peg, pegExactly } from "../format.js";
import { form } from "../parts/forms.js";
import { operatorHead } from "../parts/operator.js";
import { drawShell } from "../shell.js";

/** @import { AdjustmentsView, AdminLogView } from "../../../api/views/views.ts" */

const REFRESH_MS = 10_000;
const list = el("div");
const log = el("div");
let requestId = newRequestId();

/** With it, a click that is sent twice, or whose answer was lost, is booked once. */
function newRequestId() {
  return [...crypto.getRandomValues(new Uint8Array(16))]
    .map((byte) => byte.toString(16).padStart(2, "0"))
    .join("");
}

/** @param {string} text PEG with at most 8 decimals */
function unitsOf(text) {
  const [, sign = "", whole = "", fraction = ""] =
    /^([+-]?)(\d{1,12})(?:\.(\d{1,8}))?$/.exec(text.trim()) ?? [];
  if (whole === "") throw new ApiError(0, "amount: expected PEG with at most 8 decimals, such as 12.5 or -3");
  return (BigInt(whole + fraction.padEnd(8, "0")) * (sign === "-" ? -1n : 1n)).toString();
}

const entry = form({
  method: "POST",
  path: "/api/admin/adjustments",
  fields: [
    { name: "user", label: "User", autocomplete: "off" },
    { name: "amount", label: "Amount", hint: "PEG; with a minus it takes away", autocomplete: "off" },
    { name: "reason", label: "Reason", hint: "the user sees it", autocomplete: "off" },
  ],
  button: "Book",
  bodyOf: (values) => ({ ...values, amount: unitsOf(values["amount"] ?? ""), requestId }),
  done: () => {
    requestId = newRequestId();
    void show();
    return "Booked. It never changes; another one can take it back.";
  },
});

async function show() {
  const [corrections, actions] = await Promise.all([
    /** @type {Promise<AdjustmentsView>} */ (get("/api/admin/adjustments?limit=100")),
    /** @type {Promise<AdminLogView>} */ (get("/api/admin/log?limit=100")),
  ]);
  fill(list, card("Adjustments", null, adjustmentsTable(corrections)));
  fill(log, card("What administrators did", null, logTable(actions)));
}

/** @param {AdjustmentsView} view */
function adjustmentsTable({ adjustments }) {
  if (adjustments.length === 0)
    return empty("No adjustment yet", "Sealed books never change: corrections stand beside them.");
  return table(
    [
      { title: "When" },
      { title: "User" },
      { title: "Amount", class: "num" },
      { title: "Reason" },
      { title: "By" },
    ],
    adjustments.map((row) => [
      el("span", { class: "muted nowrap" }, dateTime(row.at)),
      el("span", { class: "name" }, row.user),
      el("span", { title: pegExactly(row.amount) }, `${peg(row.amount, 8)} PEG`),
      el("span", { class: "name" }, row.reason),
      el("span", { class: "name" }, row.madeBy),
    ]),
  );
}

/** @param {AdminLogView} view */
function logTable({ entries }) {
  if (entries.length === 0) return empty("Nothing yet", "Every change an administrator makes appears here.");
  return table(
    [{ title: "When" }, { title: "Who" }, { title: "What" }, { title: "To" }, { title: "Details" }],
    entries.map((row) => [
      el("span", { class: "muted nowrap" }, dateTime(row.at)),
      el("span", { class: "name" }, row.actor),
      row.action,
      el("span", { class: "name" }, row.subject),
      el(
        "span",
        { class: "name small" },
        Object.entries(row.details)
          .map(([name, value]) => `${name} ${value}`)
          .join(", "),
      ),
    ]),
  );
}

fill(must("main"), operatorHead("Adjustments"), card("Correct what a user is owed", null, entry), list, log);
void drawShell();
keepFresh(REFRESH_MS, show);
