/** The parts that every Lambda needs, made once for as long as its process lives: database, clock, random bytes, log. */

import { type Clock, type Random, systemClock, systemRandom } from "../shared/clock.ts";
import { openDataApi } from "../shared/db/drivers/data-api.ts";
import type { Db } from "../shared/db/port.ts";
import type { Logger } from "../shared/logger.ts";
import type { CommonEnvironment } from "./environment.ts";
import { createLambdaLog, type LambdaLog } from "./lambda-logger.ts";

export interface LambdaModules {
  readonly db: Db;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly count: LambdaLog["count"];
}

/** Opens no connection yet: the first statement does. `resumeMs`: how long a statement waits for a paused cluster. */
export function lambdaModules(
  env: CommonEnvironment,
  wait: { readonly resumeMs?: number } = {},
): LambdaModules {
  const log = createLambdaLog(
    { level: env.LOG_LEVEL, functionName: env.AWS_LAMBDA_FUNCTION_NAME },
    { nowMs: () => systemClock.wallMs(), write: (line) => void process.stdout.write(line) },
  );
  const db = openDataApi(
    {
      resourceArn: env.DATABASE_CLUSTER_ARN,
      secretArn: env.DATABASE_SECRET_ARN,
      database: env.DATABASE_NAME,
      ...wait,
    },
    { clock: systemClock },
  );
  return { db, clock: systemClock, random: systemRandom, ...log };
}
