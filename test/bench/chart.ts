/** The rows that have a peer as a chart: a bar for how many times as good as the peer, on a scale of powers of two. */

import type { Figure } from "./figures.ts";
import { shortNumber } from "./report.ts";

const TITLE = "How many times as good as the peer (ours : the peer's)";
const WIDTH = 820;
const LEFT = 250;
const RIGHT = 250;
const ROW = 24;
const TOP = 44;
const FOOT = 26;

const text = (x: number, y: number, words: string, more = ""): string =>
  `<text x="${x.toFixed(1)}" y="${y}"${more}>${words.replaceAll("&", "&amp;").replaceAll("<", "&lt;")}</text>`;

/** An SVG of its own colours, which can be read on light and dark pages. Throws Error where no row has a peer. */
export function toChart(figures: readonly Figure[], caption: string): string {
  const compared = figures.flatMap((figure) =>
    figure.ratio === null || figure.peer === null
      ? []
      : { ...figure, ratio: figure.ratio, peer: figure.peer },
  );
  if (compared.length === 0)
    throw new Error("--chart: expected rows with a peer to compare with, got none: give --peers DIR");
  const powers = compared.map(({ ratio }) => Math.log2(ratio));
  const low = Math.min(-1, Math.floor(Math.min(...powers)));
  const high = Math.max(1, Math.ceil(Math.max(...powers)));
  const at = (power: number): number => LEFT + ((power - low) / (high - low)) * (WIDTH - LEFT - RIGHT);
  const bottom = TOP + compared.length * ROW;
  const marks = Array.from({ length: high - low + 1 }, (_, i) => low + i).map((power) => {
    const x = at(power).toFixed(1);
    const label = power < 0 ? `1/${2 ** -power}` : `${2 ** power}`;
    const line = `<line x1="${x}" x2="${x}" y1="${TOP - 6}" y2="${bottom}" stroke="#888" stroke-opacity="${power === 0 ? 1 : 0.3}"/>`;
    return line + text(at(power), TOP - 12, `${label} ×`, ' text-anchor="middle"');
  });
  const bars = compared.map((figure, i) => {
    const y = TOP + i * ROW;
    const [from, to] = [at(0), at(Math.log2(figure.ratio))].toSorted((a, b) => a - b);
    const colour = figure.ratio >= 1 ? "#2a8c5a" : "#c0562b";
    const values = `${shortNumber(figure.ours)} : ${shortNumber(figure.peer)} ${figure.unit}`;
    return (
      text(LEFT - 10, y + 15, figure.name, ' text-anchor="end"') +
      `<rect x="${from?.toFixed(1)}" y="${y + 4}" width="${((to ?? 0) - (from ?? 0)).toFixed(1)}" height="${ROW - 8}" fill="${colour}"/>` +
      text(WIDTH - RIGHT + 10, y + 15, `${figure.ratio.toFixed(1)} ×  (${values})`)
    );
  });
  const height = bottom + FOOT;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif" font-size="12" fill="#777">`,
    `<title>${TITLE}</title>`,
    text(10, 16, TITLE, ' font-size="14"'),
    ...marks,
    ...bars,
    text(10, bottom + 18, caption, ' font-size="11"'),
    "</svg>",
    "",
  ].join("\n");
}
