/** Charts by uPlot, in the page's own colours, redrawn when the page's width or its colour scheme (light or dark) changes. */

import { el, empty, fill } from "./dom.js";

/** @typedef {{ label: string, color: "accent" | "second", kind: "area" | "line" | "bars" | "dashes", format: (value: number) => string }} Series */
/**
 * @typedef {object} ChartOptions
 * @property {"time" | "height"} x
 * @property {Series[]} series
 * @property {(value: number) => string} axis of the values
 * @property {number} [max] of the values, where it is fixed
 * @property {string} emptyTitle
 * @property {string} emptyText
 */
/** @typedef {(number | null | undefined)[]} Column */

/** The package's script defines it before any module runs. */
const Plot = /** @type {{ uPlot: typeof import("uplot") }} */ (/** @type {unknown} */ (globalThis)).uPlot;
const FONT = "11.5px ui-sans-serif, system-ui, sans-serif";

/** @param {string} name */
const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

/**
 * A card's chart with a line above it that shows the newest values, or those under the pointer.
 * @param {ChartOptions} options
 * @returns {{ box: HTMLElement, reading: HTMLElement, show: (columns: Column[]) => void }}
 */
export function chart(options) {
  const box = el("div", { class: "chart" });
  const reading = el("span", { class: "reading" });
  /** @type {import("uplot") | undefined} */
  let plot;
  /** @type {Column[]} */
  let data = [];

  const read = (/** @type {number | null} */ at) => {
    const index = at ?? newestWhole(data);
    const x = data[0]?.[index];
    if (typeof x !== "number") return fill(reading);
    const when =
      options.x === "time"
        ? new Date(x * 1000).toISOString().slice(11, 16)
        : `block ${x.toLocaleString("en-US")}`;
    fill(
      reading,
      ...options.series.map((series, i) => {
        const value = data[i + 1]?.[index];
        const shown = typeof value === "number" ? series.format(value) : "–";
        return el("span", { class: `key ${series.color}` }, series.label, " ", el("b", {}, shown));
      }),
      at !== null && el("span", {}, when),
    );
  };

  const draw = () => {
    plot?.destroy();
    plot = undefined;
    const points = data[0]?.length ?? 0;
    if (points === 0 || box.clientWidth === 0) return;
    fill(box);
    plot = new Plot(plotOptions(options, box, read), /** @type {import("uplot").AlignedData} */ (data), box);
  };

  let width = 0;
  new ResizeObserver(() => {
    if (box.clientWidth === width) return;
    width = box.clientWidth;
    if (plot === undefined) draw();
    else plot.setSize({ width, height: box.clientHeight });
  }).observe(box);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);

  return {
    box,
    reading,
    show(columns) {
      const isEmpty = !columns.slice(1).some((column) => column.some((value) => typeof value === "number"));
      data = isEmpty ? [] : columns;
      if (isEmpty) {
        plot?.destroy();
        plot = undefined;
        fill(box, empty(options.emptyTitle, options.emptyText));
      } else if (plot === undefined) draw();
      else plot.setData(/** @type {import("uplot").AlignedData} */ (data));
      read(null);
    },
  };
}

/**
 * The newest index where every series has a value. A block that is not sealed yet has only some values.
 * @param {Column[]} data
 */
function newestWhole(data) {
  const last = (data[0]?.length ?? 0) - 1;
  for (let i = last; i >= 0; i--) {
    if (data.every((column) => typeof column[i] === "number")) return i;
  }
  return last;
}

/**
 * @param {ChartOptions} options
 * @param {HTMLElement} box
 * @param {(at: number | null) => void} read
 * @returns {import("uplot").Options}
 */
function plotOptions(options, box, read) {
  const line = color("line");
  const axis = { stroke: color("muted"), font: FONT, ticks: { show: false } };
  return {
    width: box.clientWidth,
    height: box.clientHeight,
    padding: [8, 22, 0, 0],
    cursor: { y: false, points: { size: 7 }, drag: { x: false, y: false } },
    legend: { show: false },
    scales: {
      x: { time: options.x === "time", ...(options.x === "height" ? { range: heightRange } : {}) },
      y: { range: (_, __, max) => [0, options.max ?? (max > 0 ? max * 1.12 : 1)] },
    },
    axes: [
      {
        ...axis,
        grid: { show: false },
        size: 26,
        gap: 4,
        space: 70,
        ...(options.x === "height"
          ? {
              incrs: [1, 2, 5, 10, 20, 50, 100],
              values: (_, ticks) => ticks.map((tick) => tick.toLocaleString("en-US")),
            }
          : { values: (_, ticks) => ticks.map((tick) => new Date(tick * 1000).toISOString().slice(11, 16)) }),
      },
      {
        ...axis,
        size: (_, labels) => labelRoom(labels ?? []),
        gap: 6,
        space: 38,
        grid: { stroke: line, width: 1 },
        values: (_, ticks) => ticks.map((tick) => options.axis(tick)),
      },
    ],
    series: [{}, ...options.series.map(seriesOptions)],
    hooks: { setCursor: [(u) => read(u.cursor.idx ?? null)] },
  };
}

/**
 * Pixels for the longest of these labels.
 * @param {readonly string[]} labels
 */
function labelRoom(labels) {
  return Math.max(58, 14 + 6.5 * Math.max(0, ...labels.map((label) => label.length)));
}

/**
 * Half a bar of room at both ends.
 * @param {import("uplot")} _
 * @param {number} min
 * @param {number} max
 * @returns {[number, number]}
 */
function heightRange(_, min, max) {
  return [min - 0.6, max + 0.6];
}

/**
 * @param {Series} series
 * @returns {import("uplot").Series}
 */
function seriesOptions(series) {
  const stroke = color(series.color);
  const shared = { label: series.label, stroke, points: { show: isLonely, size: 6, fill: stroke } };
  switch (series.kind) {
    case "bars": {
      const paths = Plot.paths.bars?.({ size: [0.72, 26], radius: 0.15 });
      return {
        ...shared,
        points: { show: false },
        width: 0,
        fill: stroke,
        ...(paths === undefined ? {} : { paths }),
      };
    }
    case "area":
      return { ...shared, width: 1.75, fill: color("accent-soft") };
    case "dashes":
      return { ...shared, width: 1.5, dash: [5, 4] };
    case "line":
      return { ...shared, width: 1.5 };
  }
}

/**
 * Whether there is only one value. It makes no line, so it is drawn as a dot.
 * @param {import("uplot")} plot
 * @param {number} index
 */
function isLonely(plot, index) {
  return Array.from(plot.data[index] ?? []).filter((value) => typeof value === "number").length === 1;
}

/**
 * A worker's last hour as a small line.
 * @param {number[]} values
 */
export function sparkline(values) {
  const width = 120;
  const height = 28;
  const top = Math.max(1, ...values);
  const step = width / Math.max(1, values.length - 1);
  const points = values.map(
    (value, i) => `${(i * step).toFixed(1)} ${(height - 2 - (value / top) * (height - 4)).toFixed(1)}`,
  );
  const svg = svgElement("svg", {
    class: "spark",
    viewBox: `0 0 ${width} ${height}`,
    preserveAspectRatio: "none",
    role: "img",
    "aria-label": "hash rate of the last hour",
  });
  if (points.length > 1) {
    svg.append(
      svgElement("path", { class: "area", d: `M0 ${height} L${points.join(" L")} L${width} ${height} Z` }),
      svgElement("path", { d: `M${points.join(" L")}` }),
    );
  }
  return svg;
}

/**
 * @param {string} tag
 * @param {Record<string, string>} attributes
 */
function svgElement(tag, attributes) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}
