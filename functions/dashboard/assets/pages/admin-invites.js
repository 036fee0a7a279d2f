/** For the operator: invite codes. */

import { get, keepFresh, request } from "../api.js";
import { card, el, empty, fill, must, table } from "../dom.js";
import { dateTime } from "../format.js";
import { operatorHead } from "../parts/operator.js";
import { drawShell } from "../shell.js";

/** @import { InvitesView } from "../../../api/views/views.ts" */

const REFRESH_MS = 10_000;
const invites = el("div");
const make = el("button", { type: "button", class: "primary", onclick: () => void makeCode() }, "New code");

async function makeCode() {
  make.disabled = true;
  try {
    await request("POST", "/api/admin/invites");
    await show();
  } finally {
    make.disabled = false;
  }
}

async function show() {
  const view = /** @type {InvitesView} */ (await get("/api/admin/invites?limit=200"));
  const list =
    view.invites.length === 0
      ? empty("No code yet", "Make one and give it to whoever may register.")
      : table(
          [{ title: "Code" }, { title: "Made" }, { title: "Claimed by" }, { title: "Claimed" }],
          view.invites.map((invite) => [
            el("code", {}, invite.code),
            el("span", { class: "muted nowrap" }, dateTime(invite.createdAt)),
            invite.claimedBy === null
              ? el("span", { class: "tag good" }, "free")
              : el("span", { class: "name" }, invite.claimedBy),
            invite.claimedAt === null ? "" : dateTime(invite.claimedAt),
          ]),
        );
  fill(invites, card("Invite codes", make, list));
}

fill(must("main"), operatorHead("Invite codes"), invites);
void drawShell();
keepFresh(REFRESH_MS, show);
