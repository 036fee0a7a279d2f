/** The poll function: the same middy handler for a scheduled Lambda and for the process that has everything in it. */

import middy from "@middy/core";
import { coerceError } from "../../shared/errors.ts";
import { LOCAL_CONTEXT } from "../local-context.ts";
import { type PollModules, type PollOptions, poll } from "./poll.ts";

/** What a caller needs to know of a poll. */
export interface PollSummary {
  readonly kind: "priced" | "unchanged" | "unpriced";
  /** Assets without a price. */
  readonly missing: readonly string[];
}

export type PollHandler = middy.MiddyfiedHandler<unknown, PollSummary>;

/** Takes any event (a schedule's has nothing of use); throws CodedErrors of the database after logging them. */
export function createPollHandler(options: PollOptions, modules: PollModules): PollHandler {
  return middy<unknown, PollSummary>(async () => {
    const result = await poll(options, modules);
    return { kind: result.kind, missing: result.kind === "unpriced" ? result.missing : [] };
  }).onError((request) => {
    modules.logger.error("poll failed", { error: coerceError(request.error).message });
    throw coerceError(request.error);
  });
}

/** The poll function for a timer in the same process. */
export function createLocalPoll(handler: PollHandler): () => Promise<PollSummary> {
  return () => handler({}, LOCAL_CONTEXT);
}
