/** What every page has around it: the header with links to the other pages, and the footer. */

import { get } from "./api.js";
import { el, fill, must } from "./dom.js";

/** @import { SessionView } from "../../api/views/views.ts" */

const HERE = location.pathname;
const ASSETS = new URL(".", import.meta.url).pathname;

/**
 * Draws header and footer; resolves with who is logged in.
 * @returns {Promise<SessionView["user"]>}
 */
export async function drawShell() {
  drawHeader(null);
  drawFooter();
  const { user } = await get("/api/session").catch(() => /** @type {SessionView} */ ({ user: null }));
  drawHeader(user);
  return user;
}

/** @param {SessionView["user"]} user */
function drawHeader(user) {
  fill(
    must(".top"),
    el(
      "div",
      { class: "top-inner" },
      el(
        "a",
        { class: "brand", href: "/" },
        el("img", { src: `${ASSETS}icon.svg`, alt: "" }),
        document.body.dataset["pool"] ?? "Pool",
      ),
      el(
        "nav",
        { class: "main-nav", "aria-label": "Main" },
        link("/", "Pool"),
        link("/pool/rewards", "Blocks"),
        link("/pool/submissions", "Submissions"),
        link("/#connect", "Connect"),
        user?.admin === true && link("/admin/miners", "Admin"),
      ),
      el(
        "nav",
        { class: "account-nav", "aria-label": "Account" },
        ...(user === null
          ? [link("/login", "Log in"), link("/register", "Register")]
          : [link("/me", "My page"), link("/whoami", user.name)]),
      ),
    ),
  );
}

/**
 * @param {string} href
 * @param {string} text
 */
function link(href, text) {
  return el("a", { href, "aria-current": href === HERE ? "page" : undefined }, text);
}

function drawFooter() {
  fill(
    must(".foot"),
    el("a", { href: "/api/docs" }, "API"),
    el("a", { href: "/api/openapi.json" }, "OpenAPI"),
    el("a", { href: "/healthz" }, "Health"),
    el("span", {}, "Times are UTC where they are written out. Amounts are in PEG."),
  );
}
