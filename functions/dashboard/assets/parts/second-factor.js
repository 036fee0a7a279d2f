/** The second factor: turned on with an authenticator app, turned off again with a code of it. */

import { card, el, fill } from "../dom.js";
import { CODE_FIELD, form, PASSWORD_FIELD } from "./forms.js";

/** @import { SessionView } from "../../../api/views/views.ts" */

const PATH = "/api/me/second-factor";

/**
 * A card that goes through the steps.
 * @param {NonNullable<SessionView["user"]>} user
 */
export function secondFactorCard(user) {
  const body = el("div", { class: "steps" });
  if (user.twoFactor) drawOn(body, user.name);
  else drawOff(body, user.name);
  return card("Second factor", null, body);
}

/**
 * @param {HTMLElement} body
 * @param {string} user
 */
function drawOff(body, user) {
  fill(
    body,
    el(
      "p",
      { class: "small muted" },
      "Off. With it, a login needs a code of your authenticator app beside the password. Miners need none: they can neither read nor change anything.",
    ),
    form({
      method: "POST",
      path: PATH,
      user,
      fields: [PASSWORD_FIELD],
      button: "Turn on",
      done: (/** @type {{ secret: string, uri: string }} */ enrolment) => {
        drawEnrolment(body, user, enrolment);
        return undefined;
      },
    }),
  );
}

/**
 * @param {HTMLElement} body
 * @param {string} user
 * @param {{ secret: string, uri: string }} enrolment
 */
function drawEnrolment(body, user, enrolment) {
  const grouped = enrolment.secret.match(/.{1,4}/g)?.join(" ") ?? enrolment.secret;
  fill(
    body,
    el("p", { class: "small muted" }, "1. Type this key into your authenticator app:"),
    el("p", { class: "current" }, el("code", { class: "name" }, grouped)),
    el("p", { class: "small" }, el("a", { href: enrolment.uri }, "Or open it in an app on this device")),
    el("p", { class: "small muted" }, "2. Type the code that the app shows:"),
    form({
      method: "PUT",
      path: PATH,
      fields: [{ name: "code", label: "Code", autocomplete: "one-time-code" }],
      button: "Confirm",
      done: (/** @type {{ recoveryCodes: string[] }} */ { recoveryCodes }) => {
        drawRecovery(body, user, recoveryCodes);
        return undefined;
      },
    }),
  );
}

/**
 * @param {HTMLElement} body
 * @param {string} user
 * @param {string[]} codes
 */
function drawRecovery(body, user, codes) {
  fill(
    body,
    el(
      "p",
      { class: "small" },
      "On. Keep these recovery codes, each good for one login without your app. They are shown only now.",
    ),
    el("p", { class: "current codes" }, ...codes.map((code) => el("code", {}, code))),
    el("button", { type: "button", onclick: () => drawOn(body, user) }, "I have kept them"),
  );
}

/**
 * @param {HTMLElement} body
 * @param {string} user
 */
function drawOn(body, user) {
  fill(
    body,
    el("p", { class: "small muted" }, "On: a login needs a code of your authenticator app."),
    form({
      method: "DELETE",
      path: PATH,
      user,
      fields: [PASSWORD_FIELD, CODE_FIELD],
      button: "Turn off",
      done: () => {
        drawOff(body, user);
        return undefined;
      },
    }),
  );
}
