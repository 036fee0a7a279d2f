/** CloudWatch's embedded metric format: a line of a log that CloudWatch also counts. Functions and edges publish by it, without a call of their own. */

export const METRIC_NAMESPACE = "Prosper";

export type MetricUnit = "Count" | "Milliseconds" | "Seconds" | "Bytes" | "None";

export interface MetricLine {
  /** Unix milliseconds. */
  readonly atMs: number;
  /** Name → value: together they make one series. Closed lists, never text from the network. */
  readonly dimensions: Readonly<Record<string, string>>;
  readonly metrics: Readonly<Record<string, { readonly value: number; readonly unit: MetricUnit }>>;
}

/** One line of JSON with its newline. Numbers that are not finite are left out, since CloudWatch would refuse the line. */
export function metricLine({ atMs, dimensions, metrics }: MetricLine): string {
  const finite = Object.entries(metrics).filter(([, { value }]) => Number.isFinite(value));
  const directive = {
    Namespace: METRIC_NAMESPACE,
    Dimensions: [Object.keys(dimensions)],
    Metrics: finite.map(([Name, { unit }]) => ({ Name, Unit: unit })),
  };
  return `${JSON.stringify({
    _aws: { Timestamp: Math.round(atMs), CloudWatchMetrics: [directive] },
    ...dimensions,
    ...Object.fromEntries(finite.map(([name, { value }]) => [name, value])),
  })}\n`;
}
