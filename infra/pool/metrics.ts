/** The pool's Prometheus metrics: what the edge counts, and gauges read at each scrape. Labels are closed lists, never text from the network. */

import { type Aggregator, Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import type { EntryCredits } from "../../edge/chain/entry-credits.ts";
import type { Edge } from "../../edge/edge.ts";
import type { StratumMetrics } from "../../edge/stratum/metrics.ts";
import type { ConservationReport } from "../../functions/accounting/conservation.ts";
import type { ArchiveReport } from "../../functions/janitor/archiver.ts";
import type { SealedBlock } from "../../shared/db/seals.ts";
import { assignedWork } from "../../shared/difficulty/work.ts";
import type { Logger } from "../../shared/logger.ts";

const PEG = 100_000_000;

export interface PoolMetrics {
  readonly registry: Registry;
  readonly stratum: StratumMetrics;
  sealed(block: SealedBlock): void;
  /** Takes the result of a check whether money is conserved. */
  checked(report: ConservationReport): void;
  /** Takes how far the archive of deltas is. */
  archived(report: ArchiveReport): void;
  /** The same logger, whose errors are counted: each is something that a person has to look at. */
  counting(logger: Logger): Logger;
  /** What runs out: days of the certificate for TLS (undefined without one), the entry credits (undefined while not known; not there: another part watches them). */
  runOut(left: {
    readonly certificate: () => number | undefined;
    readonly entryCredits?: Pick<EntryCredits, "daysLeft" | "balance">;
  }): void;
  /** Gauges of a running edge. */
  watch(edge: Edge): void;
}

export function createPoolMetrics(): PoolMetrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const counter = (name: string, help: string, labelNames: string[] = []): Counter =>
    new Counter({ name: `prosper_${name}`, help, labelNames, registers: [registry] });
  const gauge = (name: string, help: string): Gauge =>
    new Gauge({ name: `prosper_${name}`, help, registers: [registry], aggregator: "first" });
  const blocks = counter("sealed_blocks_total", "Blocks whose books are closed");
  const reward = counter("reward_peg_total", "Rewards of sealed blocks, in PEG");
  const height = gauge("sealed_height", "Height of the last sealed block");
  const errors = counter("errors_total", "Errors logged: each one is something to look at");
  const books = booksGauges(gauge);
  const overdue = gauge(
    "archive_overdue_seconds",
    "How long the oldest sealed block that should be in the archive has been due; 0: none is",
  );
  overdue.set(Number.NaN);
  return {
    registry,
    stratum: stratumMetrics(counter, registry),
    sealed(block) {
      blocks.inc();
      reward.inc(Number(block.reward) / PEG);
      height.set(block.height);
    },
    checked: books,
    archived: ({ overdueSeconds }) => overdue.set(overdueSeconds),
    counting: (logger) => ({
      ...logger,
      error(message, data) {
        errors.inc();
        logger.error(message, data);
      },
    }),
    runOut: ({ certificate, entryCredits }) => {
      const day = (name: string, help: string, value: () => number | undefined): void =>
        readGauge(registry, name, { help, value: () => value() ?? Number.NaN, aggregator: "min" });
      if (entryCredits !== undefined) {
        day("entry_credit_days", "Days that the entry credits last; NaN while not known", () =>
          entryCredits.daysLeft(),
        );
        day("entry_credits", "Entry credits of the pool's address; NaN while not known", () =>
          entryCredits.balance(),
        );
      }
      if (certificate() !== undefined)
        day("certificate_days", "Days until the certificate for TLS ends", certificate);
    },
    watch: (edge) => watchEdge(edge, registry),
  };
}

/** NaN until the first check is done, which means neither an alarm nor an all-clear. */
function booksGauges(gauge: (name: string, help: string) => Gauge): PoolMetrics["checked"] {
  const conserved = gauge("books_conserved", "1 while money is conserved, 0 when the books do not agree");
  const problems = gauge("books_problems", "Disagreements found in the books");
  const checked = gauge("books_checked_timestamp_seconds", "When all books were last checked");
  for (const one of [conserved, problems, checked]) one.set(Number.NaN);
  return (report) => {
    // A block's own equation says nothing about the others, unless it fails.
    if (report.checkedMs === undefined && report.problems === 0) return;
    conserved.set(report.problems === 0 ? 1 : 0);
    problems.set(report.problems);
    if (report.checkedMs !== undefined) checked.set(report.checkedMs / 1000);
  };
}

/** From what no miner notices to what a miner would call broken. */
const ANSWER_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];

function stratumMetrics(
  counter: (name: string, help: string, labels?: string[]) => Counter,
  registry: Registry,
): StratumMetrics {
  const opened = counter("connections_opened_total", "Connections taken");
  const ended = counter("connections_ended_total", "Connections ended or turned away", ["reason"]);
  const lines = counter("lines_total", "Lines read from miners");
  const refusedLines = counter("lines_refused_total", "Lines answered with a protocol error", ["error"]);
  const logins = counter("logins_total", "Logins answered", ["answer"]);
  const accepted = counter("shares_accepted_total", "Shares acknowledged: on disk");
  const work = counter(
    "work_hashes_total",
    "Hashes that the acknowledged shares stand for: its rate is the pool's hash rate",
  );
  const refused = counter("shares_refused_total", "Shares refused", ["code"]);
  const answered = new Histogram({
    ...{ name: "prosper_share_answer_seconds", help: "From a share's line to its answer" },
    ...{ buckets: ANSWER_SECONDS, registers: [registry] },
  });
  const retargets = counter("retargets_total", "Targets changed by vardiff");
  const notified = counter("notifies_total", "Jobs announced, one a session");
  return {
    connectionOpened: () => opened.inc(),
    connectionEnded: (reason) => ended.inc({ reason }),
    lineRead: () => lines.inc(),
    lineRefused: (error) => refusedLines.inc({ error }),
    loginAnswered: (answer) => logins.inc({ answer }),
    shareAccepted(target) {
      accepted.inc();
      work.inc(Number(assignedWork(target)));
    },
    shareAnswered: (afterMs) => answered.observe(afterMs / 1000),
    shareRefused: (code) => refused.inc({ code }),
    retargeted: () => retargets.inc(),
    notified: (sessions) => notified.inc(sessions),
  };
}

/** Each gauge is read when Prometheus asks. */
function watchEdge(edge: Edge, registry: Registry): void {
  const read: Record<string, [help: string, value: () => number, aggregator?: Aggregator]> = {
    connections: ["Open stratum connections", () => edge.stratum.stats().connections],
    miners: ["Sessions that mine", () => edge.stratum.stats().miners],
    workers: ["Different workers that mine", () => edge.stratum.stats().workers],
    chain_height: ["Top height of the chain", () => edge.follower.topHeight() ?? 0, "max"],
    chain_stalled_seconds: [
      "Seconds without a block, once three block periods have passed so; else 0",
      () => (edge.stall.stalledMs() ?? 0) / 1000,
      "max",
    ],
    job_height: ["Height being mined; 0 while there is no job", () => edge.job?.height ?? 0, "max"],
    lease_held: [
      "1 while this edge may acknowledge shares",
      () => Number(edge.desk.stats()?.leaseHeld ?? false),
      "min",
    ],
    journal_bytes: ["Bytes of the share journal", () => edge.desk.stats()?.journalBytes ?? 0],
    outbox_messages: [
      "Summaries that the books have not confirmed",
      () => edge.desk.stats()?.outbox.waiting ?? 0,
    ],
    submissions_pending: ["Entries on their way to factomd", () => edge.submitter.stats().pending],
  };
  for (const [name, [help, value, aggregator = "sum"]] of Object.entries(read))
    readGauge(registry, name, { help, value, aggregator });
}

/** `aggregator`: how several processes' values become one (infra/pool/edge-processes.ts). */
function readGauge(
  registry: Registry,
  name: string,
  { help, value, aggregator }: { help: string; value: () => number; aggregator: Aggregator },
): void {
  new Gauge({
    name: `prosper_${name}`,
    help,
    registers: [registry],
    aggregator,
    collect() {
      this.set(value());
    },
  });
}
