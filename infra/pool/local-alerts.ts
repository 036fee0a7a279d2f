/** Delivers alerts of a pool in one process, by the function that does it on AWS. */

import { createChannels } from "../../functions/alerts/channels/channels.ts";
import { createAlertsHandler } from "../../functions/alerts/handler.ts";
import { LOCAL_CONTEXT } from "../../functions/local-context.ts";
import type { Clock } from "../../shared/clock.ts";
import type { Db } from "../../shared/db/port.ts";
import type { Logger } from "../../shared/logger.ts";
import type { Config } from "../config/schema.ts";
import { channelOptions } from "./pool-settings.ts";

/** Of one run; a stop waits for it. */
const RUN_MS = 5_000;

/** Throws CodedError `config`. */
export function localAlerts(
  { config, isDevnet }: { readonly config: Config; readonly isDevnet: boolean },
  { db, clock, logger }: { readonly db: Db; readonly clock: Clock; readonly logger: Logger },
): () => Promise<unknown> {
  const channels = createChannels(channelOptions(config, isDevnet));
  const handler = createAlertsHandler(
    { poolName: config.pool.opridentity, runMs: RUN_MS },
    { db, clock, logger, channels },
  );
  return () => handler({}, LOCAL_CONTEXT);
}
