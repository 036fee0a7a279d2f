/** Register over the web; a miner can do the same over stratum. */

import { get } from "../api.js";
import { card, el, fill, must } from "../dom.js";
import { form } from "../parts/forms.js";
import { drawShell } from "../shell.js";

/** @import { PoolView } from "../../../api/views/views.ts" */

/** @param {boolean} isOpen */
function draw(isOpen) {
  fill(
    must("main"),
    el(
      "div",
      { class: "narrow" },
      card(
        "Register",
        null,
        form({
          method: "POST",
          path: "/api/register",
          fields: [
            {
              name: "name",
              label: "User name",
              hint: "1 to 254 printable ASCII characters, no space and no comma. Miners use it to log in.",
              autocomplete: "username",
            },
            {
              name: "password",
              label: "Password",
              hint: "At least 8 characters.",
              type: "password",
              autocomplete: "new-password",
              minlength: 8,
            },
            {
              name: "invite",
              label: isOpen ? "Invite code (not needed)" : "Invite code",
              hint: isOpen
                ? "Registration is open on this pool."
                : "From the pool's operator; each is good for one user.",
              autocomplete: "off",
              optional: isOpen,
            },
            {
              name: "address",
              label: "Payout address",
              hint: "FA…, from your Factom wallet. You are paid there.",
              autocomplete: "off",
            },
          ],
          button: "Register",
          done: () => {
            location.assign("/me");
            return undefined;
          },
          beside: el("a", { href: "/login" }, "Log in instead"),
        }),
      ),
    ),
  );
}

draw(false);
void drawShell();
get("/api/pool")
  .then((pool) => /** @type {PoolView} */ (pool).registration === "open" && draw(true))
  .catch(() => undefined);
