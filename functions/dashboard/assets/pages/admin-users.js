/** For the operator: who is registered, and what each earned, was paid and is owed. */

import { get, keepFresh } from "../api.js";
import { card, el, fill, must, table } from "../dom.js";
import { dateTime, peg, pegExactly } from "../format.js";
import { operatorHead } from "../parts/operator.js";
import { drawShell } from "../shell.js";

/** @import { UsersView } from "../../../api/views/views.ts" */

const REFRESH_MS = 10_000;
const users = el("div");

/** @param {string} amount */
const money = (amount) => el("span", { title: pegExactly(amount) }, peg(amount));

fill(must("main"), operatorHead("Users"), users);
void drawShell();
keepFresh(REFRESH_MS, async () => {
  const view = /** @type {UsersView} */ (await get("/api/admin/users?limit=200"));
  fill(
    users,
    card(
      "Newest users",
      el("span", { class: "reading" }, "amounts in PEG"),
      table(
        [
          { title: "Name" },
          { title: "" },
          { title: "Since" },
          { title: "Earned", class: "num" },
          { title: "Paid out", class: "num" },
          { title: "Owed", class: "num" },
          { title: "Payout address" },
        ],
        view.users.map((user) => [
          el("span", { class: "name" }, user.name),
          user.admin
            ? el("span", { class: "tag good" }, "operator")
            : user.canLogIn
              ? null
              : el("span", { class: "tag", title: "has no password and cannot log in" }, "mines only"),
          el("span", { class: "muted nowrap" }, dateTime(user.since)),
          money(user.booked),
          money(user.paidOut),
          money(user.owed),
          el("code", { class: "hash", title: user.payoutAddress ?? "" }, user.payoutAddress ?? "none"),
        ]),
      ),
    ),
  );
});
