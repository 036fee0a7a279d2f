/** Forms that send JSON and show the result. */

import { ApiError, request } from "../api.js";
import { el } from "../dom.js";

/**
 * @typedef {object} Field
 * @property {string} name of the value in the body
 * @property {string} label
 * @property {string} [hint]
 * @property {"text" | "password"} [type]
 * @property {string} autocomplete
 * @property {boolean} [optional]
 * @property {number} [minlength]
 * @property {string} [revealedBy] the code of the refusal that asks for this field: hidden until it comes
 */

/** @type {Field} */
export const PASSWORD_FIELD = {
  name: "password",
  label: "Current password",
  type: "password",
  autocomplete: "current-password",
};

/**
 * The second factor's code: asked for where the user has one.
 * @type {Field}
 */
export const CODE_FIELD = {
  name: "code",
  label: "Code",
  hint: "Of your authenticator app, or a recovery code.",
  autocomplete: "one-time-code",
  optional: true,
  revealedBy: "code-needed",
};

/**
 * For password managers: tells whose password is asked for by a form without a field for the name.
 * @param {string | undefined} user
 */
function whose(user) {
  if (user === undefined) return null;
  return el("input", { type: "text", autocomplete: "username", value: user, hidden: true, readonly: true });
}

/**
 * @template [Reply=unknown]
 * @param {object} options
 * @param {"POST" | "PUT" | "DELETE"} options.method
 * @param {string} options.path
 * @param {readonly Field[]} options.fields
 * @param {string} options.button
 * @param {(values: Record<string, string>) => unknown} [options.bodyOf] what is sent; throws ApiError for what cannot be
 * @param {(reply: Reply) => string | undefined} options.done called with the API's answer when it worked; what it returns is shown
 * @param {string} [options.user] whose password is asked for
 * @param {Node} [options.beside] stands beside the button
 */
export function form(options) {
  const inputs = options.fields.map((field) =>
    el("input", {
      name: field.name,
      type: field.type ?? "text",
      autocomplete: field.autocomplete,
      required: field.optional !== true,
      minlength: field.minlength,
      maxlength: 1024,
      autocapitalize: "none",
      spellcheck: "false",
    }),
  );
  const outcome = el("p", { role: "status", class: "small", hidden: true });
  const button = el("button", { class: "primary", type: "submit" }, options.button);
  const send = async () => {
    button.disabled = true;
    outcome.hidden = true;
    try {
      const values = Object.fromEntries(inputs.map((input) => [input.name, input.value]));
      const body = options.bodyOf?.(values) ?? values;
      const reply = /** @type {Reply} */ (await request(options.method, options.path, body));
      for (const input of inputs) input.value = "";
      tell(options.done(reply), "good");
    } catch (error) {
      if (error instanceof ApiError) reveal(error.code);
      const text = error instanceof ApiError ? error.message : "this did not work";
      tell(`${text.charAt(0).toUpperCase()}${text.slice(1)}.`, "bad");
    }
    button.disabled = false;
  };
  /**
   * @param {string | undefined} text
   * @param {"good" | "bad"} kind
   */
  const tell = (text, kind) => {
    outcome.hidden = text === undefined;
    outcome.className = `small ${kind}`;
    outcome.textContent = text ?? "";
  };
  const labels = options.fields.map((field, i) =>
    el(
      "label",
      { hidden: field.revealedBy !== undefined },
      field.label,
      inputs[i],
      field.hint !== undefined && el("span", { class: "small muted" }, field.hint),
    ),
  );
  /** @param {string} code */
  const reveal = (code) => {
    const i = options.fields.findIndex((field) => field.revealedBy === code);
    if (i < 0) return;
    labels[i]?.removeAttribute("hidden");
    inputs[i]?.focus();
  };
  return el(
    "form",
    {
      onsubmit: (event) => {
        event.preventDefault();
        void send();
      },
    },
    whose(options.user),
    ...labels,
    outcome,
    el("div", { class: "actions" }, button, options.beside),
  );
}
