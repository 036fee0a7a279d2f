/** A list that is fetched page by page, by a button at its end. */

import { ApiError, get, showTrouble } from "../api.js";
import { card, el, fill, must } from "../dom.js";
import { drawShell } from "../shell.js";

/**
 * Draws a whole page with one list.
 * @template Row
 * @param {object} options
 * @param {string} options.title
 * @param {string} options.about
 * @param {string} options.path without a query
 * @param {string} [options.query] put before the paging
 * @param {(answer: Record<string, unknown>) => readonly Row[]} options.rowsOf
 * @param {(rows: readonly Row[]) => Node} options.draw
 * @param {Node} [options.aside]
 */
export function drawPagedList(options) {
  const list = el("div", {}, el("div", { class: "empty loading" }, "…"));
  const more = el("button", { type: "button", hidden: true, onclick: () => void load() }, "Show more");
  /** @type {Row[]} */
  const rows = [];
  let before = "";

  const load = async () => {
    more.disabled = true;
    try {
      const answer = /** @type {Record<string, unknown> & { next: number | null }} */ (
        await get(`${options.path}?${options.query ?? ""}limit=100${before}`)
      );
      rows.push(...options.rowsOf(answer));
      before = `&before=${answer.next}`;
      more.hidden = answer.next === null;
      fill(list, options.draw(rows));
      showTrouble(null);
    } catch (error) {
      if (error instanceof ApiError && error.status === 401) location.assign("/login");
      showTrouble(
        error instanceof ApiError
          ? `This list could not be read: ${error.message}.`
          : "This list could not be drawn.",
      );
      more.hidden = false;
    }
    more.disabled = false;
  };

  fill(
    must("main"),
    el(
      "div",
      { class: "page-head" },
      el("div", {}, el("h1", {}, options.title), el("p", { class: "muted" }, options.about)),
      options.aside,
    ),
    card("", null, list, el("div", { class: "more" }, more)),
  );
  void drawShell();
  void load();
}
