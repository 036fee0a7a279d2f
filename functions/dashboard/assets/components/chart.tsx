/** Charts by uPlot, in the page's own colours, redrawn when the page's width or its colour scheme (light or dark) changes. */

import { type ReadonlySignal, useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import { count } from "../format.ts";
import { Card, Empty } from "./card.tsx";

export interface Series {
  readonly label: string;
  readonly color: "accent" | "second";
  readonly kind: "area" | "line" | "bars" | "dashes";
  readonly format: (value: number) => string;
}

export interface ChartOptions {
  /** `time`: the clock; `day`: day and clock. */
  readonly x: "time" | "day" | "height";
  readonly series: readonly Series[];
  /** Of the values. */
  readonly axis: (value: number) => string;
  /** Of the values, where it is fixed. */
  readonly max?: number;
  readonly emptyTitle: string;
  readonly emptyText: string;
}

export type Column = readonly (number | null)[];

/** The x values (Unix seconds or heights), then one column for each series. */
export type Columns = readonly Column[];

/** In whole pixels: uPlot multiplies the number before "px" by the screen's density, and takes the digits after a point for it. */
const FONT = "12px ui-sans-serif, system-ui, sans-serif";

interface ChartCardProps {
  title: string;
  options: ChartOptions;
  /** Undefined until they are known. */
  columns: ReadonlySignal<Columns | undefined>;
}

/** A card with a chart, and a line above it that shows the newest values, or those under the pointer. */
export function ChartCard({ title, options, columns }: ChartCardProps) {
  const pointed = useSignal<number | null>(null);
  const data = columns.value;
  const isEmpty = data !== undefined && !data.slice(1).some((column) => column.some(isNumber));
  return (
    <Card title={title} aside={<Reading options={options} data={data} at={pointed.value} />}>
      <div class="chart" role="img" aria-label={`${title}, chart`}>
        {isEmpty && <Empty title={options.emptyTitle}>{options.emptyText}</Empty>}
        {data !== undefined && !isEmpty && (
          <Plot options={options} data={data} onPoint={(at) => (pointed.value = at)} />
        )}
      </div>
    </Card>
  );
}

const isNumber = (value: unknown): value is number => typeof value === "number";

function Reading({
  options,
  data,
  at,
}: {
  options: ChartOptions;
  data: Columns | undefined;
  at: number | null;
}) {
  if (data === undefined) return <span class="reading" />;
  const index = at ?? newestWhole(data);
  const x = data[0]?.[index];
  if (!isNumber(x)) return <span class="reading" />;
  return (
    <span class="reading">
      {options.series.map((series, i) => {
        const value = data[i + 1]?.[index];
        return (
          <span key={series.label} class={`key ${series.color}`}>
            {series.label} <b>{isNumber(value) ? series.format(value) : "–"}</b>
          </span>
        );
      })}
      {at !== null && <span>{placeOf(options.x, x)}</span>}
    </span>
  );
}

function placeOf(kind: ChartOptions["x"], x: number): string {
  if (kind === "height") return `block ${count(x)}`;
  return kind === "time" ? `${clockOf(x)} UTC` : `${dayOf(x)} ${clockOf(x)} UTC`;
}

const dayOf = (unixSeconds: number): string => new Date(unixSeconds * 1000).toISOString().slice(5, 10);
const clockOf = (unixSeconds: number): string => new Date(unixSeconds * 1000).toISOString().slice(11, 16);

/** The newest index where every series has a value. A block that is not sealed yet has only some values. */
function newestWhole(data: Columns): number {
  const last = (data[0]?.length ?? 0) - 1;
  for (let i = last; i >= 0; i--) {
    if (data.every((column) => isNumber(column[i]))) return i;
  }
  return last;
}

interface PlotProps {
  options: ChartOptions;
  data: Columns;
  onPoint: (index: number | null) => void;
}

/** The canvas is made once, and again for other colours only. */
function Plot({ options, data, onPoint }: PlotProps) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot>(undefined);
  const shown = useRef(data);
  shown.current = data;
  useEffect(() => {
    const element = box.current;
    if (element === null) return;
    const draw = (): void => {
      plot.current?.destroy();
      plot.current = new uPlot(plotOptions(options, element, onPoint), plotData(shown.current), element);
    };
    draw();
    const watcher = new ResizeObserver(() => {
      const { clientWidth: width, clientHeight: height } = element;
      if (width !== plot.current?.width) plot.current?.setSize({ width, height });
    });
    watcher.observe(element);
    const scheme = matchMedia("(prefers-color-scheme: dark)");
    scheme.addEventListener("change", draw);
    return () => {
      watcher.disconnect();
      scheme.removeEventListener("change", draw);
      plot.current?.destroy();
      plot.current = undefined;
    };
  }, []);
  useEffect(() => {
    if (plot.current !== undefined) plot.current.setData(plotData(data));
  }, [data]);
  return <div class="plot" ref={box} />;
}

function plotData(columns: Columns): uPlot.AlignedData {
  const [xs = [], ...series] = columns;
  return [xs.map((x) => x ?? 0), ...series.map((column) => [...column])];
}

const color = (name: string): string =>
  getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

function plotOptions(options: ChartOptions, box: HTMLElement, onPoint: PlotProps["onPoint"]): uPlot.Options {
  const axis = { stroke: color("muted"), font: FONT, ticks: { show: false } };
  return {
    width: box.clientWidth,
    height: box.clientHeight,
    padding: [8, 22, 0, 0],
    cursor: { y: false, points: { size: 7 }, drag: { x: false, y: false } },
    legend: { show: false },
    scales: {
      x: { time: options.x !== "height", ...(options.x === "height" ? { range: heightRange } : {}) },
      y: { range: (_, __, max) => [0, options.max ?? (max > 0 ? max * 1.12 : 4)] },
    },
    axes: [
      { ...axis, grid: { show: false }, size: 26, gap: 4, space: 70, ...ticksOf(options.x) },
      {
        ...axis,
        size: (_, labels) => labelRoom(labels ?? []),
        gap: 6,
        space: 38,
        grid: { stroke: color("line"), width: 1 },
        values: (_, ticks) => ticks.map((tick) => options.axis(tick)),
      },
    ],
    series: [{}, ...options.series.map(seriesOptions)],
    hooks: { setCursor: [(u) => onPoint(u.cursor.idx ?? null)] },
  };
}

function ticksOf(x: ChartOptions["x"]): uPlot.Axis {
  if (x === "time") return { values: (_, ticks) => ticks.map(clockOf) };
  if (x === "day") return { incrs: [86_400, 2 * 86_400, 7 * 86_400], values: (_, ticks) => ticks.map(dayOf) };
  return { incrs: [1, 2, 5, 10, 20, 50, 100], values: (_, ticks) => ticks.map((tick) => count(tick)) };
}

/** Pixels for the longest of these labels. */
function labelRoom(labels: readonly string[]): number {
  return Math.max(58, 14 + 6.5 * Math.max(0, ...labels.map((label) => label.length)));
}

/** Half a bar of room at both ends. */
function heightRange(_: uPlot, min: number, max: number): [number, number] {
  return [min - 0.6, max + 0.6];
}

function seriesOptions(series: Series): uPlot.Series {
  const stroke = color(series.color);
  const shared = { label: series.label, stroke, points: { show: isLonely, size: 6, fill: stroke } };
  switch (series.kind) {
    case "bars": {
      const paths = uPlot.paths.bars?.({ size: [0.72, 26], radius: 0.15 });
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

/** Whether there is only one value. It makes no line, so it is drawn as a dot. */
function isLonely(plot: uPlot, index: number): boolean {
  return Array.from(plot.data[index] ?? []).filter(isNumber).length === 1;
}
