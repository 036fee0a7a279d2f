/** The bills as they stand in docs/aws.md and in the README. */

import { COLUMNS } from "./bill.ts";
import type { SizeBills } from "./sizes.ts";

export const BEGIN = "<!-- cost: written by `npm run cost -- --write` -->";
export const END = "<!-- cost: end -->";

/** Whole dollars; a total to its three leading digits, since nobody knows it better. */
export function dollars(usd: number, digits?: number): string {
  const rounded = digits === undefined ? Math.round(usd) : Number(usd.toPrecision(digits));
  return rounded.toLocaleString("en-US", { maximumFractionDigits: 0 });
}

export function fullTable(bills: readonly SizeBills[]): string {
  const head = ["size", "edges (tasks)", ...COLUMNS, "**a month**", "idle", "off", "with a year of books"];
  const rows = bills.map(({ size, edges, month, idle, off, yearLater }) => [
    ...[size.title, edges],
    ...COLUMNS.map((column) => dollars(month[column])),
    `**$${dollars(month.total, 3)}**`,
    ...[idle, off, yearLater].map(({ total }) => `$${dollars(total, 3)}`),
  ]);
  return table(head, rows);
}

export function shortTable(bills: readonly SizeBills[]): string {
  return table(
    ["size", "edges", "a month", "off"],
    bills.map(({ size, edges, month, off }) => [
      ...[size.title.replace(/ \(by.*| \(stage.*/, ""), edges.replace(/,.*/, "")],
      ...[month, off].map(({ total }) => `$${dollars(total, 3)}`),
    ]),
  );
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => "---"), ...rows].map((row) => `| ${row.join(" | ")} |`).join("\n");
}

/** `page` with `text` between the two marks. Throws where the page has none. */
export function placed(page: string, text: string): string {
  const [begin, end] = [page.indexOf(BEGIN), page.indexOf(END)];
  if (begin < 0 || end < begin) throw new Error(`the page has no ${BEGIN} … ${END}`);
  return `${page.slice(0, begin + BEGIN.length)}\n${text}\n${page.slice(end)}`;
}
