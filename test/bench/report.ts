/** Figures as a person reads them on a terminal or in docs/performance.md, and as a program does. */

import type { Figure } from "./figures.ts";

/** The array that `--json` prints. */
export function toJson(figures: readonly Figure[]): string {
  return JSON.stringify(
    figures.map(({ name, unit, ours, peer, ratio, rounds }) => ({ name, unit, ours, peer, ratio, rounds })),
    null,
    2,
  );
}

/** Three digits that say something, and no fewer than before the point. */
export function shortNumber(value: number): string {
  if (value === 0) return "0";
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))));
  const [whole = "", part] = value.toFixed(Math.min(digits, 4)).split(".");
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ",");
  return part === undefined ? grouped : `${grouped}.${part}`;
}

const withRange = (middle: number | null, range: readonly [number, number] | null): string =>
  middle === null || range === null
    ? "–"
    : `${shortNumber(middle)} (${shortNumber(range[0])}–${shortNumber(range[1])})`;

const times = (ratio: number | null): string => (ratio === null ? "–" : `${ratio.toFixed(2)} ×`);

const HEAD = ["row", "unit", "ours: median (range)", "peer", "times as good", "rounds"];

function cells(figure: Figure): string[] {
  const { name, unit, ours, oursRange, peer, peerRange, ratio, rounds } = figure;
  return [name, unit, withRange(ours, oursRange), withRange(peer, peerRange), times(ratio), `${rounds}`];
}

/** Lines of columns. */
export function toTable(figures: readonly Figure[]): string {
  const rows = [HEAD, ...figures.map(cells)];
  const widths = HEAD.map((_, i) => Math.max(...rows.map((row) => row[i]?.length ?? 0)));
  return rows
    .map((row) =>
      row
        .map((cell, i) => cell.padEnd(widths[i] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

export function toMarkdown(figures: readonly Figure[]): string {
  const line = (row: readonly string[]): string => `| ${row.join(" | ")} |`;
  const named = (figure: Figure): string[] => {
    const [name = "", ...rest] = cells(figure);
    return [`\`${name}\`: ${figure.what}`, ...rest];
  };
  return [line(HEAD), line(HEAD.map(() => "---")), ...figures.map((figure) => line(named(figure)))].join(
    "\n",
  );
}

const BEGIN = "<!-- measured -->";
const END = "<!-- /measured -->";

/** The page with what was measured in the place that it keeps for it. Throws Error where it keeps none. */
export function fillPage(page: string, measured: string): string {
  const [before, rest] = page.split(BEGIN);
  const after = rest?.split(END)[1];
  if (before === undefined || after === undefined)
    throw new Error(`--fill: expected a page with the lines ${BEGIN} and ${END}, got one without`);
  return `${before}${BEGIN}\n${measured}\n${END}${after}`;
}
