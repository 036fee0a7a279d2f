/** Makes elements. Text is put in as text only, so that no worker's name can become markup. */

/** @typedef {Node | string | number | null | undefined | false} Child */

/**
 * An element. `props` are its attributes, and its listeners as `onclick` and the like; one that is false or undefined is left out.
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, string | number | boolean | undefined | ((event: Event) => void)>} [props]
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function el(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (typeof value === "function") element.addEventListener(name.replace(/^on/, ""), value);
    else if (value !== false && value !== undefined)
      element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...nodes(children));
  return element;
}

/**
 * @param {Child[]} children
 * @returns {(Node | string)[]}
 */
function nodes(children) {
  return children
    .filter((child) => child !== null && child !== undefined && child !== false)
    .map((child) => (typeof child === "number" ? String(child) : child));
}

/**
 * Shows these children and no others.
 * @param {Element} parent
 * @param {...Child} children
 */
export function fill(parent, ...children) {
  parent.replaceChildren(...nodes(children));
}

/**
 * The element that every page has.
 * @param {string} selector
 * @returns {HTMLElement}
 */
export function must(selector) {
  const found = document.querySelector(selector);
  if (!(found instanceof HTMLElement)) throw new Error(`the page has no ${selector}`);
  return found;
}

/**
 * A table in a box that scrolls sideways on a narrow screen.
 * @param {{ title: string, class?: string }[]} columns
 * @param {Child[][]} rows each with one cell a column; the first is the row's heading
 * @returns {HTMLElement}
 */
export function table(columns, rows) {
  const classOf = (/** @type {number} */ i) => columns[i]?.class ?? "";
  return el(
    "div",
    { class: "scroll", tabindex: 0, role: "region", "aria-label": "table" },
    el(
      "table",
      {},
      el(
        "thead",
        {},
        el(
          "tr",
          {},
          ...columns.map((column, i) => el("th", { scope: "col", class: classOf(i) }, column.title)),
        ),
      ),
      el(
        "tbody",
        {},
        ...rows.map((cells) =>
          el(
            "tr",
            {},
            ...cells.map((cell, i) =>
              i === 0
                ? el("th", { scope: "row", class: classOf(i) }, cell)
                : el("td", { class: classOf(i) }, cell),
            ),
          ),
        ),
      ),
    ),
  );
}

/**
 * Shown where there is nothing yet.
 * @param {string} title
 * @param {Child} text
 */
export function empty(title, text) {
  return el("div", { class: "empty" }, el("b", {}, title), el("span", { class: "small" }, text));
}

/**
 * @param {string} title
 * @param {Child} aside
 * @param {...Child} children
 */
export function card(title, aside, ...children) {
  return el(
    "section",
    { class: "card" },
    el("div", { class: "card-head" }, el("h2", {}, title), aside),
    ...children,
  );
}

/**
 * One figure with its name and a line about it.
 * @param {string} name
 * @param {{ value: string, unit?: string }} figure
 * @param {Child} note
 * @param {string} [kind]
 */
export function tile(name, figure, note, kind = "") {
  return el(
    "div",
    { class: `tile ${kind}` },
    el("dt", {}, name),
    el("dd", {}, figure.value, figure.unit === undefined ? null : el("span", { class: "unit" }, figure.unit)),
    el("dd", { class: "note" }, note),
  );
}

/** @param {...HTMLElement} figures */
export function tiles(...figures) {
  return el("dl", { class: "card tiles" }, ...figures);
}
