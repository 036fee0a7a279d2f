/** The head that the operator's pages share. */

import { el } from "../dom.js";

const PAGES = [
  { href: "/admin/miners", title: "Miners" },
  { href: "/admin/users", title: "Users" },
  { href: "/admin/invites", title: "Invite codes" },
  { href: "/admin/adjustments", title: "Adjustments" },
  { href: "/admin/withholding", title: "Withheld hits" },
];

/** @param {string} title */
export function operatorHead(title) {
  return el(
    "div",
    { class: "page-head" },
    el("h1", {}, title),
    el(
      "nav",
      { "aria-label": "Operator" },
      ...PAGES.map(({ href, title: text }) =>
        el("a", { href, "aria-current": href === location.pathname ? "page" : undefined }, text),
      ),
    ),
  );
}
