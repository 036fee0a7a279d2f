import * as v from "valibot";
import { describe, expect, it } from "vitest";
import { EDGE_METRICS, reportEdge } from "../../../infra/pool/edge-report.ts";
import { createPoolMetrics } from "../../../infra/pool/metrics.ts";
import { SILENT } from "../../../shared/logger.ts";
import { manualClock } from "../../support/manual-clock.ts";
import { settle } from "../../support/turns.ts";

/** CloudWatch's embedded metric format: what a line of a log must be to be counted. */
const line = v.looseObject({
  _aws: v.object({
    Timestamp: v.pipe(v.number(), v.integer()),
    CloudWatchMetrics: v.tuple([
      v.object({
        Namespace: v.literal("Prosper"),
        Dimensions: v.tuple([v.array(v.string())]),
        Metrics: v.array(v.object({ Name: v.string(), Unit: v.string() })),
      }),
    ]),
  }),
});

const desk = { leaseHeld: true, journalBytes: 7, outbox: { waiting: 3 } };

describe("what an edge publishes each minute", () => {
  it("is one line that CloudWatch counts: what grew in this minute, and what is now", async () => {
    const clock = manualClock();
    const metrics = createPoolMetrics();
    const written: string[] = [];
    const stop = new AbortController();
    const running = reportEdge(
      { stage: "prod" },
      {
        stratum: { stats: () => ({ connections: 12, miners: 10, workers: 9 }) },
        desk: { stats: () => desk },
      },
      {
        ...{ clock, metrics, logger: SILENT, signal: stop.signal },
        health: { live: () => ({ follower: "ok" }) },
        write: (text) => void written.push(text),
        certificateDays: () => 41.5,
        entryCreditDays: () => undefined,
      },
    );
    await settle();
    for (let share = 0; share < 5; share++) metrics.stratum.shareAccepted(1n << 63n);
    metrics.stratum.shareRefused("duplicate");
    metrics.stratum.shareRefused("duplicate");
    metrics.stratum.connectionEnded("full");
    clock.advance(60_000);
    await settle();
    stop.abort();
    await running;

    const read = written.map((text) => v.parse(line, JSON.parse(text)));
    for (const { _aws, ...values } of read) {
      const [{ Dimensions, Metrics }] = _aws.CloudWatchMetrics;
      const named = [...Dimensions[0], ...Metrics.map(({ Name }) => Name)];
      expect(new Set(Object.keys(values))).toEqual(new Set(named));
    }
    const [first, second, refusals, ...others] = read;
    expect(others).toEqual([]);
    expect(first).toMatchObject({ Stage: "prod", Shares: 0, SharesRefused: 0, TurnedAwayFull: 0 });
    expect(second).toMatchObject({
      ...{ Stage: "prod", Connections: 12, Miners: 10, Shares: 5, SharesRefused: 2, TurnedAwayFull: 1 },
      ...{ JournalBytes: 7, Outbox: 3, LeaseHeld: 1, Following: 1, CertificateDays: 41.5 },
    });
    expect(second?.["EventLoopLag"]).toBeGreaterThanOrEqual(0);
    expect(second).not.toHaveProperty("EntryCreditDays");
    expect(refusals).toMatchObject({ Stage: "prod", Reason: "duplicate", SharesRefusedBy: 2 });
    for (const name of Object.keys(second ?? {}))
      expect(["_aws", "Stage", ...Object.keys(EDGE_METRICS)]).toContain(name);
  });
});
