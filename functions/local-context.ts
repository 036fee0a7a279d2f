/** The Lambda context of a handler that is called in its own process: no deadline, no ARN. */

import type { Context } from "aws-lambda";

export const LOCAL_CONTEXT: Context = {
  callbackWaitsForEmptyEventLoop: false,
  functionName: "local",
  functionVersion: "local",
  invokedFunctionArn: "local",
  memoryLimitInMB: "0",
  awsRequestId: "local",
  logGroupName: "local",
  logStreamName: "local",
  // Longer than any timer can wait for would fire at once, so this is the longest there is.
  getRemainingTimeInMillis: () => 0x7fff_ffff,
  done: () => undefined,
  fail: () => undefined,
  succeed: () => undefined,
};
