/** How to connect a miner, with a button that copies each line. */

import { card, el } from "../dom.js";

/** @import { PoolView } from "../../../api/views/views.ts" */

/** @param {PoolView["connect"]} connect */
export function connectCard(connect) {
  const panel = card(
    "Connect a miner",
    el(
      "span",
      { class: "reading" },
      "Stratum at ",
      el("b", { class: "mono" }, connect.stratum),
      ...(connect.stratumTls === null
        ? []
        : [", by TLS at ", el("b", { class: "mono" }, connect.stratumTls)]),
    ),
    el(
      "ul",
      { class: "commands" },
      ...connect.commands.map(({ title, command, note }) =>
        el(
          "li",
          {},
          el("b", { class: "small" }, title),
          el("p", { class: "small muted" }, note),
          commandLine(command),
        ),
      ),
    ),
    el("p", { class: "small muted user-name" }, el("b", {}, "User name: "), connect.userName),
  );
  panel.id = "connect";
  return panel;
}

/** @param {string} command */
function commandLine(command) {
  const button = el("button", { type: "button" }, "Copy");
  const code = el("code", {}, ...wholeWords(command));
  button.addEventListener("click", () => void copy(command, button, code));
  return el("div", { class: "command-line" }, code, button);
}

/**
 * Words that a narrow screen does not break in two at a hyphen.
 * @param {string} command
 */
function wholeWords(command) {
  return command.split(" ").flatMap((word, i) => [i === 0 ? "" : " ", el("span", { class: "word" }, word)]);
}

/**
 * Browsers hand out the clipboard over https and on localhost only; elsewhere the line is selected, ready for Ctrl-C.
 * @param {string} text
 * @param {HTMLButtonElement} button
 * @param {HTMLElement} code
 */
async function copy(text, button, code) {
  const copied = await Promise.resolve(navigator.clipboard?.writeText(text))
    .then(() => navigator.clipboard !== undefined)
    .catch(() => false);
  if (!copied) getSelection()?.selectAllChildren(code);
  button.textContent = copied ? "Copied" : "Ctrl-C";
  setTimeout(() => {
    button.textContent = "Copy";
  }, 1500);
}
