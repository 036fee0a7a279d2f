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

/** Lines of columns, and below them how what was measured at several sizes grows. */
export function toTable(figures: readonly Figure[]): string {
  const growth = growthRows(figures);
  const table = columns([HEAD, ...figures.map(cells)]);
  return growth.length === 0 ? table : `${table}\n\n${columns([GROWTH_HEAD, ...growth])}`;
}

function columns(rows: readonly string[][]): string {
  const widths = rows[0]?.map((_, i) => Math.max(...rows.map((row) => row[i]?.length ?? 0))) ?? [];
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
  const growth = growthRows(figures);
  const named = (figure: Figure): string[] => {
    const [name = "", ...rest] = cells(figure);
    return [`\`${name}\`: ${figure.what}`, ...rest];
  };
  const table = markdownTable(HEAD, figures.map(named));
  return growth.length === 0 ? table : `${table}\n\n${markdownTable(GROWTH_HEAD, growth)}`;
}

function markdownTable(head: readonly string[], rows: readonly string[][]): string {
  const line = (row: readonly string[]): string => `| ${row.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

const GROWTH_HEAD = ["growth of", "unit", "size: median (times that of the first size)"];

/** A row for each family that was measured at more than one size. */
function growthRows(figures: readonly Figure[]): string[][] {
  const families = Map.groupBy(figures, ({ growth }) => growth?.of);
  return [...families].flatMap(([of, members]) => {
    const [first, ...rest] = members.toSorted((a, b) => (a.growth?.size ?? 0) - (b.growth?.size ?? 0));
    if (of === undefined || first === undefined || rest.length === 0) return [];
    const point = ({ growth, ours }: Figure): string =>
      `${growth?.size.toLocaleString("en")}: ${shortNumber(ours)}`;
    const points = rest.map((one) => `${point(one)} (${shortNumber(one.ours / first.ours)} ×)`);
    return [[of, first.unit, [point(first), ...points].join("; ")]];
  });
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
