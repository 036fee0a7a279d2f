/** The prices in the record being mined, and where each comes from. */

import { card, el, empty } from "../dom.js";
import { ago, count, usd } from "../format.js";

/** @import { JobView, PriceView } from "../../../api/views/views.ts" */

/** How many prices are shown at once. The rest opens on demand, and stays open when the card is drawn again. */
const SHOWN = 24;
let isOpen = false;

/** @param {JobView | null} job */
export function pricesCard(job) {
  if (job === null)
    return card(
      "Prices in the current record",
      null,
      empty("No record yet", "It is made when prices and the last block are in."),
    );
  const shown = job.prices.slice(0, SHOWN);
  const rest = job.prices.slice(SHOWN);
  return card(
    "Prices in the current record",
    el("span", { class: "reading" }, `${job.prices.length} assets in USD, of ${ago(job.pricesAt)}`),
    el("div", { class: "prices" }, ...shown.map(priceOf)),
    rest.length > 0 &&
      el(
        "details",
        { class: "more-prices", open: isOpen, ontoggle: (event) => remember(event.currentTarget) },
        el("summary", {}, `${rest.length} more`),
        el("div", { class: "prices" }, ...rest.map(priceOf)),
      ),
    el(
      "p",
      { class: "small muted record" },
      el("a", { href: "/api/pool/quotes" }, "Every quote behind them"),
      `. Record of block ${count(job.height)}, version ${job.version}: `,
      el("code", { class: "name" }, job.oprHash),
    ),
  );
}

/** @param {EventTarget | null} details */
function remember(details) {
  if (details instanceof HTMLDetailsElement && details.isConnected) isOpen = details.open;
}

/** @param {PriceView} price */
function priceOf(price) {
  const { text, kind } = originOf(price);
  return el(
    "div",
    { class: "price" },
    el("b", {}, price.asset),
    el("span", { title: `${Number(price.price) / 1e8} USD` }, usd(price.price)),
    el("small", { class: kind, title: text }, text),
  );
}

/**
 * @param {PriceView} price
 * @returns {{ text: string, kind: string }}
 */
function originOf(price) {
  const rests = price.closed ? "closed · " : "";
  switch (price.basis) {
    case "quotes":
      return {
        text: `${rests}${price.source ?? "quotes"} · ${price.single ? "alone, as allowed" : agreeing(price.agreeing)}`,
        kind: "",
      };
    case "thin":
      return {
        text: `${rests}${price.source ?? "quotes"} · ${agreeing(price.agreeing)}, thin`,
        kind: "warn",
      };
    case "last-good":
      return { text: `last good price, ${ago(price.pricedAt)}`, kind: "warn" };
    case "carried":
      return { text: "carried from the last block", kind: "" };
    case "fixed":
      return { text: "fixed by the operator", kind: "" };
    case "zero":
      return { text: "no price in this version", kind: "" };
    case null:
      return { text: "", kind: "" };
  }
}

/** @param {number} sources */
function agreeing(sources) {
  return sources === 1 ? "alone" : `${sources} agree`;
}
