/** For the operator: hits that could have won. How many are due by the credited work, and how many came in time. */

import { get, keepFresh } from "../api.js";
import { card, el, empty, fill, must, table } from "../dom.js";
import { count, decimal } from "../format.js";
import { operatorHead } from "../parts/operator.js";
import { drawShell } from "../shell.js";

/** @import { WithholdingView } from "../../../api/views/views.ts" */

const REFRESH_MS = 30_000;
const groups = el("div");
const users = el("div");

/** @param {number | null} deviation */
const sigmas = (deviation) => (deviation === null ? "" : `${decimal(deviation, 2)} σ`);

/** @param {{ due: number, sent: string, deviation: number | null }} hits */
const figures = (hits) => `${count(hits.sent)} of ${decimal(hits.due)}, ${sigmas(hits.deviation)}`;

/** @param {WithholdingView["users"]} rows */
function usersTable(rows) {
  if (rows.length === 0)
    return empty(
      "No block to judge yet",
      "Blocks count once they are sealed and had a submission threshold.",
    );
  const lengths = rows[0]?.looks.map((looks) => looks.length) ?? [];
  return table(
    [
      { title: "Name" },
      { title: "Alarms", class: "num" },
      { title: "Hits due", class: "num" },
      { title: "In time", class: "num" },
      { title: "Deviation", class: "num" },
      ...lengths.map((length) => ({ title: `Last look at ${count(length)} due`, class: "num" })),
      { title: "Through block", class: "num" },
    ],
    rows.map((row) => {
      const alarms = row.looks.reduce((sum, looks) => sum + looks.alarms, 0);
      return [
        el("span", { class: "name" }, row.name),
        el("span", { class: alarms > 0 ? "warn" : "muted" }, count(alarms)),
        decimal(row.due),
        count(row.sent),
        sigmas(row.deviation),
        ...row.looks.map((looks) =>
          looks.last === null
            ? el("span", { class: "muted" }, "none yet")
            : el(
                "span",
                { title: `chance ${looks.last.chance.toExponential(1)}; ${count(looks.done)} looks so far` },
                figures(looks.last),
              ),
        ),
        count(row.through),
      ];
    }),
  );
}

fill(must("main"), operatorHead("Withheld hits"), groups, users);
void drawShell();
keepFresh(REFRESH_MS, async () => {
  const view = /** @type {WithholdingView} */ (await get("/api/admin/withholding?limit=100"));
  fill(
    groups,
    card(
      "Everybody",
      el("span", { class: "reading" }, "nothing follows from these figures by itself"),
      table(
        [{ title: "Who" }, { title: "Hits in time, of those due", class: "num" }],
        [
          ["the whole pool", figures(view.pool)],
          [`${count(view.small.users)} accounts too small for a look yet, together`, figures(view.small)],
        ],
      ),
    ),
  );
  fill(users, card("Users", null, usersTable(view.users)));
});
