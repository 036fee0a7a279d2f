/**
 * Delivers what is due in the outbox of alerts, at least once: what was sent and not marked, because the process died in between, is sent again. A timer
 * runs it, by itself or on Lambda.
 */

import middy from "@middy/core";
import type { ChannelKind } from "../../shared/alerts/kinds.ts";
import { composeMessage } from "../../shared/alerts/message.ts";
import { quietUntilMs } from "../../shared/alerts/quiet-hours.ts";
import type { Clock } from "../../shared/clock.ts";
import {
  type ClaimedDestination,
  claimDestinations,
  holdAlerts,
  markDelivered,
  markFailed,
  pruneAlerts,
  releaseDestination,
  takeDue,
} from "../../shared/db/alerts.ts";
import type { Db } from "../../shared/db/port.ts";
import { coerceError } from "../../shared/errors.ts";
import type { Logger } from "../../shared/logger.ts";
import type { Channel, DeliveryOutcome } from "./channels/channel.ts";

export interface AlertsOptions {
  readonly poolName: string;
  /** No new destination is begun after it; what is left waits for the next run. */
  readonly runMs: number;
}

export interface AlertsModules {
  readonly db: Db;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly channels: Readonly<Record<ChannelKind, Channel>>;
}

export interface AlertsReport {
  readonly delivered: number;
  readonly failed: number;
}

/** Of one destination; far above what a channel takes. */
export const SEND_MS = 15_000;
/** Destinations that are sent to at a time. */
const AT_A_TIME = 16;
/** Twice what a claimed batch can take. */
const LEASE_MS = 4 * SEND_MS;
const FIRST_WAIT_MS = 60_000;
const LONGEST_WAIT_MS = 6 * 3_600_000;
/** A destination that failed for so long is paused. */
const PAUSE_AFTER_MS = 3 * 24 * 3_600_000;
const PRUNE_EVERY_MS = 3_600_000;

/** Takes any event. Rejects when the database is away: the timer comes again. */
export function createAlertsHandler(
  options: AlertsOptions,
  modules: AlertsModules,
): middy.MiddyfiedHandler<unknown, AlertsReport> {
  const { db, clock } = modules;
  let prunedMs = Number.NEGATIVE_INFINITY;
  return middy<unknown, AlertsReport>(async () => {
    const beginMs = clock.monotonicMs();
    let [delivered, failed] = [0, 0];
    while (clock.monotonicMs() - beginMs < options.runMs) {
      const claimed = await claimDestinations(db, clock.wallMs(), { most: AT_A_TIME, leaseMs: LEASE_MS });
      const outcomes = await Promise.all(claimed.map((one) => deliver(one, options, modules)));
      delivered += outcomes.filter((outcome) => outcome === "delivered").length;
      failed += outcomes.filter((outcome) => outcome === "failed").length;
      if (claimed.length < AT_A_TIME) break;
    }
    if (clock.monotonicMs() - prunedMs >= PRUNE_EVERY_MS) {
      await pruneAlerts(db, clock.wallMs());
      prunedMs = clock.monotonicMs();
    }
    return { delivered, failed };
  });
}

async function deliver(
  claimed: ClaimedDestination,
  options: AlertsOptions,
  { db, clock, logger, channels }: AlertsModules,
): Promise<"delivered" | "failed" | "nothing"> {
  const { id, user, kind, target, secret, quietFrom, quietUntil, zone } = claimed;
  const nowMs = clock.wallMs();
  if (quietFrom !== null && quietUntil !== null) {
    const untilMs = quietUntilMs({ from: quietFrom, until: quietUntil, zone }, nowMs);
    if (untilMs !== undefined) await holdAlerts(db, id, nowMs, untilMs);
  }
  const due = await takeDue(db, id, nowMs);
  if (due.length === 0) {
    await releaseDestination(db, id);
    return "nothing";
  }
  const message = composeMessage(options.poolName, user, due);
  const delivery = { destination: id, user, target, secret, message, due, nowMs };
  const outcome = await channels[kind](delivery).catch((thrown: unknown): DeliveryOutcome => {
    logger.error("A channel of alerts broke", { channel: kind, error: coerceError(thrown) });
    return { kind: "failed", words: "this went wrong on our side; the operator's log says why" };
  });
  if (outcome.kind === "delivered") {
    await markDelivered(db, id, clock.wallMs());
    return "delivered";
  }
  logger.debug("An alert could not be delivered", { channel: kind, destination: id, result: outcome.words });
  const { words, afterMs = 0, forGood = false } = outcome;
  const doubled = FIRST_WAIT_MS * 2 ** Math.min(claimed.failures, 20);
  const waitMs = Math.min(LONGEST_WAIT_MS, Math.max(doubled, afterMs));
  const pauseAfterMs = forGood ? 0 : PAUSE_AFTER_MS;
  await markFailed(db, id, { result: words, waitMs, pauseAfterMs }, clock.wallMs());
  return "failed";
}
