/** Turns the events of accounting into counts that alarms watch. */

import type { LambdaLog, MetricName } from "../lambda-logger.ts";
import type { BooksEvent, BooksListener } from "./events.ts";

/** Counts every event of the books. */
export function countBooks(count: LambdaLog["count"]): BooksListener {
  return (event) => {
    const metrics = metricsOf(event);
    if (metrics !== undefined) count(metrics);
  };
}

function metricsOf(event: BooksEvent): Partial<Record<MetricName, number>> | undefined {
  switch (event.kind) {
    case "applied":
      return event.late ? { Applied: 1, LateWork: 1 } : { Applied: 1 };
    case "dup":
      return { Duplicates: 1 };
    case "rejected":
      return event.code === "summary-conflict" ? { Rejected: 1, Conflicts: 1 } : { Rejected: 1 };
    case "forced":
      return { ForcedSeals: 1 };
    case "overdue":
      return { OverdueSeals: 1 };
    case "sealed":
      return { SealedBlocks: 1 };
    default:
      return undefined;
  }
}
