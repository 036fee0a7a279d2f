/** Log in. */

import { card, el, fill, must } from "../dom.js";
import { CODE_FIELD, form } from "../parts/forms.js";
import { drawShell } from "../shell.js";

fill(
  must("main"),
  el(
    "div",
    { class: "narrow" },
    card(
      "Log in",
      null,
      form({
        method: "POST",
        path: "/api/session",
        fields: [
          { name: "name", label: "User name", autocomplete: "username" },
          { name: "password", label: "Password", type: "password", autocomplete: "current-password" },
          CODE_FIELD,
        ],
        button: "Log in",
        done: () => {
          location.assign("/me");
          return undefined;
        },
        beside: el("a", { href: "/register" }, "Register instead"),
      }),
    ),
  ),
);
void drawShell();
