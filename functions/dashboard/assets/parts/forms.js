/** Forms that send JSON and say what came of it. */

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
 */

/**
 * @param {object} options
 * @param {"POST" | "PUT"} options.method
 * @param {string} options.path
 * @param {readonly Field[]} options.fields
 * @param {string} options.button
 * @param {(values: Record<string, string>) => unknown} [options.bodyOf] what is sent; throws ApiError for what cannot be
 * @param {() => string | undefined} options.done called when it worked; what it returns is shown
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
      await request(options.method, options.path, options.bodyOf?.(values) ?? values);
      for (const input of inputs) input.value = "";
      tell(options.done(), "good");
    } catch (error) {
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
  return el(
    "form",
    {
      onsubmit: (event) => {
        event.preventDefault();
        void send();
      },
    },
    ...options.fields.map((field, i) =>
      el(
        "label",
        {},
        field.label,
        inputs[i],
        field.hint !== undefined && el("span", { class: "small muted" }, field.hint),
      ),
    ),
    outcome,
    el("div", { class: "actions" }, button, options.beside),
  );
}
