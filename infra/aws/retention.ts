/** How long logs are kept: each log group says so, or it would keep them for ever. */

import { RetentionDays } from "aws-cdk-lib/aws-logs";
import type { Stage } from "./stages.ts";

const RETENTION: Readonly<Record<Stage["logDays"], RetentionDays>> = {
  7: RetentionDays.ONE_WEEK,
  30: RetentionDays.ONE_MONTH,
  90: RetentionDays.THREE_MONTHS,
  365: RetentionDays.ONE_YEAR,
};

export function logRetention(days: Stage["logDays"]): RetentionDays {
  return RETENTION[days];
}
