/** A pool's alerts for tests: destinations, rigs that change their state, and a deliverer on a clock of one's own. */

import type { ChannelOptions } from "../../functions/alerts/channels/channels.ts";
import { createChannels } from "../../functions/alerts/channels/channels.ts";
import { type AlertsReport, createAlertsHandler } from "../../functions/alerts/handler.ts";
import { LOCAL_CONTEXT } from "../../functions/local-context.ts";
import type { Clock } from "../../shared/clock.ts";
import { addDestination, type NewDestination } from "../../shared/db/alert-destinations.ts";
import { type Db, json, sql } from "../../shared/db/port.ts";
import type { WorkerState } from "../../shared/db/worker-states.ts";
import { SILENT } from "../../shared/logger.ts";

export const CHANNELS: ChannelOptions = {
  ...{
    smtp: "",
    from: "pool@example.com",
    telegram: "https://api.telegram.org",
    allowPrivate: true,
    timeoutMs: 2_000,
  },
};

/** A confirmed destination that is told everything of rigs. */
export async function destinationOf(
  db: Db,
  of: Partial<NewDestination> & Pick<NewDestination, "user" | "target">,
): Promise<bigint> {
  const events = ["offline", "low", "recovered"] as const;
  const id = await addDestination(
    db,
    { kind: "webhook", secret: "whsec_c2VjcmV0", events, everyMinutes: 60, quiet: null, ...of },
    null,
  );
  if (id === undefined) throw new Error("there are too many destinations");
  return id;
}

/** As the janitor's judging writes it: all in one statement. */
export async function rigsBecame(
  db: Db,
  user: string,
  workers: readonly string[],
  state: WorkerState,
  atMs: number,
): Promise<void> {
  await db.execute(sql`INSERT INTO worker_changes (user_name, worker, at, state, since)
    SELECT ${user}::text, w, to_timestamp(${atMs}::float8 / 1000), ${state}::text, to_timestamp(${atMs - 300_000}::float8 / 1000)
    FROM jsonb_array_elements_text(${json(workers)}::jsonb) w`);
}

export function deliverer(
  db: Db,
  clock: Clock,
  change: Partial<ChannelOptions> = {},
): () => Promise<AlertsReport> {
  const channels = createChannels({ ...CHANNELS, ...change });
  const handler = createAlertsHandler(
    { poolName: "Pool", runMs: 10_000 },
    { db, clock, logger: SILENT, channels },
  );
  return () => handler({}, LOCAL_CONTEXT);
}
