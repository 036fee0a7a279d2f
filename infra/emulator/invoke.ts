/** Invokes a function at the emulator. Its API needs no signed requests. */

import { CodedError } from "../../shared/errors.ts";

const TIMEOUT_MS = 60_000;

/** The answer's text. Throws CodedError `invoke` where the function failed. */
export async function invoke(endpoint: string, functionName: string, event: unknown): Promise<string> {
  const reply = await fetch(`${endpoint}/2015-03-31/functions/${functionName}/invocations`, {
    method: "POST",
    body: JSON.stringify(event),
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  const text = await reply.text();
  if (!reply.ok || reply.headers.has("x-amz-function-error"))
    throw new CodedError("invoke", `${functionName} failed: ${text.slice(0, 500)}`);
  return text;
}
