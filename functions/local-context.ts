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
  // The longest time that a timer can wait for. With a longer one it would fire at once.
  getRemainingTimeInMillis: () => 0x7fff_ffff,
  done: () => undefined,
  fail: () => undefined,
  succeed: () => undefined,
};
