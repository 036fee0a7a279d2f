/** Who is logged in, and what a user may change. */

import { request } from "../api.js";
import { card, el, empty, fill, must } from "../dom.js";
import { CODE_FIELD, form, PASSWORD_FIELD } from "../parts/forms.js";
import { secondFactorCard } from "../parts/second-factor.js";
import { drawShell } from "../shell.js";

/** @import { SessionView } from "../../../api/views/views.ts" */

/** @typedef {NonNullable<SessionView["user"]>} User */

/** @param {User} user */
function drawAccount(user) {
  const logout = el("button", { type: "button", onclick: () => void leave() }, "Log out");
  fill(
    must("main"),
    el("div", { class: "page-head" }, el("h1", { class: "name" }, user.name), logout),
    el("div", { class: "grid-2" }, addressCard(user), passwordCard(user), secondFactorCard(user)),
  );
}

/** @param {User} user */
function addressCard(user) {
  const address = el("code", { class: "name" }, user.payoutAddress ?? "none yet: nothing can be paid to you");
  return card(
    "Payout address",
    null,
    el("p", { class: "current" }, address),
    form({
      method: "PUT",
      path: "/api/me/address",
      user: user.name,
      fields: [
        { name: "address", label: "New address", hint: "FA…, from your Factom wallet.", autocomplete: "off" },
        PASSWORD_FIELD,
        CODE_FIELD,
      ],
      button: "Change address",
      done: () => {
        void refreshAddress(address);
        return "Changed. The next payout goes there.";
      },
    }),
  );
}

/** @param {User} user */
function passwordCard(user) {
  return card(
    "Password",
    null,
    form({
      method: "PUT",
      path: "/api/me/password",
      user: user.name,
      fields: [
        PASSWORD_FIELD,
        {
          name: "next",
          label: "New password",
          hint: "At least 8 characters. Every other login of yours ends.",
          type: "password",
          autocomplete: "new-password",
          minlength: 8,
        },
        CODE_FIELD,
      ],
      button: "Change password",
      done: () => "Changed.",
    }),
  );
}

/** @param {HTMLElement} address */
async function refreshAddress(address) {
  const { user } = /** @type {SessionView} */ (await request("GET", "/api/session"));
  address.textContent = user?.payoutAddress ?? "";
}

async function leave() {
  await request("DELETE", "/api/session");
  location.assign("/");
}

const user = await drawShell();
if (user !== null) drawAccount(user);
else {
  fill(
    must("main"),
    card("Account", null, empty("You are not logged in", el("a", { href: "/login" }, "Log in"))),
  );
}
