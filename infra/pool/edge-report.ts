/** What an edge publishes each minute where its log goes to CloudWatch: the operator's figures, as lines of the log (shared/embedded-metrics.ts). */

import { monitorEventLoopDelay } from "node:perf_hooks";
import type { Edge } from "../../edge/edge.ts";
import type { EdgeHealth } from "../../edge/health.ts";
import type { Clock } from "../../shared/clock.ts";
import { type MetricUnit, metricLine } from "../../shared/embedded-metrics.ts";
import type { Logger } from "../../shared/logger.ts";
import { runEvery } from "../../shared/run-every.ts";
import type { PoolMetrics } from "./metrics.ts";

/**
 * One series of each for a stage: every edge adds a value a minute, so that the sum is the whole fleet's, the average an edge's, and the number of
 * samples how many edges report.
 */
export const EDGE_METRICS = {
  Connections: "Count",
  Miners: "Count",
  /** Acknowledged in this minute. */
  Shares: "Count",
  SharesRefused: "Count",
  /** Connections sent away in this minute because the edge is full. */
  TurnedAwayFull: "Count",
  /** The longest time in this minute that the event loop was held up. */
  EventLoopLag: "Milliseconds",
  JournalBytes: "Bytes",
  /** Summaries that the books have not confirmed. */
  Outbox: "Count",
  /** 1 while the edge may acknowledge shares, else 0. */
  LeaseHeld: "None",
  /** 1 while the follower's loops run, whatever the node answers, else 0. */
  Following: "None",
  /** Until the certificate of the TLS listener ends. */
  CertificateDays: "None",
  /** How long the entry credits last at the pace of the last day. */
  EntryCreditDays: "None",
} as const satisfies Record<string, MetricUnit>;
export type EdgeMetric = keyof typeof EDGE_METRICS;

/** Refused shares by reason: a series for each, written only where there were some. */
export const REFUSALS = "SharesRefusedBy";

const EVERY_MS = 60_000;
const LAG_RESOLUTION_MS = 20;

/** What is read of an edge. */
export interface ReportedEdge {
  readonly stratum: { stats(): Pick<ReturnType<Edge["stratum"]["stats"]>, "connections" | "miners"> };
  readonly desk: {
    stats(): { leaseHeld: boolean; journalBytes: number; outbox: { waiting: number } } | undefined;
  };
}

export interface EdgeReportModules {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Pick<PoolMetrics, "registry">;
  readonly health: Pick<EdgeHealth, "live">;
  /** Takes one line. */
  readonly write: (line: string) => void;
  /** Undefined: not known now, or of no use here. */
  readonly certificateDays: () => number | undefined;
  readonly entryCreditDays: () => number | undefined;
  readonly signal: AbortSignal;
}

/** Publishes until the signal. `stage` is the dimension. */
export async function reportEdge(
  { stage }: { readonly stage: string },
  edge: ReportedEdge,
  modules: EdgeReportModules,
): Promise<void> {
  const lag = monitorEventLoopDelay({ resolution: LAG_RESOLUTION_MS });
  lag.enable();
  const counted = new Map<string, number>();
  const run = async (): Promise<void> => {
    const read = (name: string, label: string) => growthOf(counted, modules.metrics, name, label);
    const [accepted, refused, ended] = await Promise.all([
      read("prosper_shares_accepted_total", ""),
      read("prosper_shares_refused_total", "code"),
      read("prosper_connections_ended_total", "reason"),
    ]);
    const { connections, miners } = edge.stratum.stats();
    const desk = edge.desk.stats();
    const values: Record<EdgeMetric, number | undefined> = {
      Connections: connections,
      Miners: miners,
      Shares: sum(accepted),
      SharesRefused: sum(refused),
      TurnedAwayFull: ended.get("full") ?? 0,
      EventLoopLag: lag.max / 1e6,
      JournalBytes: desk?.journalBytes,
      Outbox: desk?.outbox.waiting,
      LeaseHeld: Number(desk?.leaseHeld ?? false),
      Following: Number(modules.health.live()["follower"] === "ok"),
      CertificateDays: modules.certificateDays(),
      EntryCreditDays: modules.entryCreditDays(),
    };
    lag.reset();
    const atMs = modules.clock.wallMs();
    const known = Object.entries(EDGE_METRICS).flatMap(([name, unit]) => {
      const value = Object.entries(values).find(([other]) => other === name)?.[1];
      return value === undefined ? [] : [[name, { value, unit }] as const];
    });
    modules.write(metricLine({ atMs, dimensions: { Stage: stage }, metrics: Object.fromEntries(known) }));
    for (const [reason, value] of refused) {
      if (value === 0) continue;
      const metrics = { [REFUSALS]: { value, unit: "Count" as const } };
      modules.write(metricLine({ atMs, dimensions: { Stage: stage, Reason: reason }, metrics }));
    }
  };
  await runEvery({ name: "edge report", everyMs: EVERY_MS, run }, modules);
  lag.disable();
}

/** By label, how much a counter has grown since the last look. */
async function growthOf(
  counted: Map<string, number>,
  { registry }: Pick<PoolMetrics, "registry">,
  name: string,
  label: string,
): Promise<Map<string, number>> {
  const growth = new Map<string, number>();
  for (const { value, labels } of (await registry.getSingleMetric(name)?.get())?.values ?? []) {
    const of = String(Object.entries(labels).find(([key]) => key === label)?.[1] ?? "");
    const key = `${name} ${of}`;
    growth.set(of, value - (counted.get(key) ?? 0));
    counted.set(key, value);
  }
  return growth;
}

function sum(values: ReadonlyMap<string, number>): number {
  return [...values.values()].reduce((all, one) => all + one, 0);
}
