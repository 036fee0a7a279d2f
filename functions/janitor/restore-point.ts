/** How old the latest moment is that the database can be restored to, as RDS says: backups that have stopped are seen before one is needed. */

import { type AwsOptions, callAws } from "../../shared/aws/call.ts";
import type { Clock } from "../../shared/clock.ts";
import { CodedError, coerceError } from "../../shared/errors.ts";
import type { Logger } from "../../shared/logger.ts";

export interface RestoreWatchOptions extends AwsOptions {
  /** ARN of the cluster. */
  readonly cluster: string;
  readonly everyMs: number;
}

export interface RestoreWatchModules {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Is told the age, in whole seconds. */
  readonly onAge: (seconds: number) => void;
}

const VERSION = "2014-10-31";

/** To be called at each run: asks at the first, and then so often. A failure is warned of and leaves a gap, for which the alarm rings. */
export function createRestoreWatch(
  options: RestoreWatchOptions,
  { clock, logger, onAge }: RestoreWatchModules,
): () => Promise<void> {
  let askedMs = Number.NEGATIVE_INFINITY;
  return async () => {
    if (clock.monotonicMs() - askedMs < options.everyMs) return;
    askedMs = clock.monotonicMs();
    try {
      const atMs = await latestRestorableMs(options);
      onAge(Math.max(0, Math.round((clock.wallMs() - atMs) / 1000)));
    } catch (thrown) {
      logger.warn("The latest time that the database can be restored to is not known", {
        error: coerceError(thrown).message,
      });
    }
  };
}

async function latestRestorableMs({ cluster, ...aws }: RestoreWatchOptions): Promise<number> {
  const answer = await callAws(aws, {
    service: "rds",
    headers: { "content-type": "application/x-www-form-urlencoded" },
    body: `${new URLSearchParams({ Action: "DescribeDBClusters", Version: VERSION, DBClusterIdentifier: cluster })}`,
  });
  const atMs = Date.parse(/<LatestRestorableTime>([^<]+)<\/LatestRestorableTime>/.exec(answer)?.[1] ?? "");
  if (Number.isNaN(atMs))
    throw new CodedError("aws-refused", "rds: expected a LatestRestorableTime of the cluster, got none");
  return atMs;
}
