/** The accounting function: summaries from SQS, or from the queue in this process, into the books; then it seals what is ready. */

import middy from "@middy/core";
import partialBatchFailure from "@middy/sqs-partial-batch-failure";
import type { Context, SQSBatchResponse, SQSEvent, SQSRecord } from "aws-lambda";
import * as v from "valibot";
import { CodedError, coerceError } from "../../shared/errors.ts";
import type { ApplyModules } from "./apply.ts";
import { applyMessages, isAway } from "./batch.ts";
import type { Sealer } from "./sealer.ts";
import { isGivenUp } from "./set-aside.ts";

export interface AccountingModules extends ApplyModules {
  readonly sealer: Sealer;
  /** Puts a body among the dead letters. Without it a message that fails is left to the queue, which counts its tries itself. */
  readonly setAside?: (body: string) => Promise<void>;
}

const response = v.object({ batchItemFailures: v.array(v.object({ itemIdentifier: v.string() })) });

export type AccountingHandler = (event: SQSEvent, context: Context) => Promise<SQSBatchResponse>;

/**
 * The Lambda handler. It reports each message that failed, but for those that it has set aside. When the database is away, the messages are not at fault: it rejects, so that
 * the whole batch comes again; where it has set poison aside it reports the others, or the poison would come again with them. When a seal fails, the messages still count as
 * applied: the next run seals.
 */
export function createAccountingHandler(modules: AccountingModules): AccountingHandler {
  const handler = middy<SQSEvent>()
    .use(partialBatchFailure({ logger: (reason) => report(reason, modules) }))
    .onError((request) => {
      if (isAway(request.error)) throw request.error;
    })
    .handler((event: SQSEvent) => applyBatch(event, modules));
  // The middleware has replaced the settled results by the response that SQS wants.
  return async (event, context) => v.parse(response, await handler(event, context));
}

async function applyBatch(
  event: SQSEvent,
  modules: AccountingModules,
): Promise<PromiseSettledResult<void>[]> {
  const bodies = event.Records.map((record) => record.body);
  const applied = await applyMessages(bodies, modules);
  const results = await Promise.all(applied.map((result, i) => setAside(result, event.Records[i], modules)));
  const away = results.find((result) => result.status === "rejected" && isAway(result.reason));
  if (away?.status === "rejected") {
    if (results.every((result, i) => result === applied[i])) throw coerceError(away.reason);
  } else if (applied.some((result) => result.status === "fulfilled")) {
    await modules.sealer.run().catch((error: unknown) => {
      modules.logger.error("Sealing failed; the next message or timer tries again", {
        error: coerceError(error),
      });
    });
  }
  return results;
}

/** The result of a message that is no longer the queue's to deliver. */
async function setAside(
  result: PromiseSettledResult<void>,
  record: SQSRecord | undefined,
  modules: AccountingModules,
): Promise<PromiseSettledResult<void>> {
  if (result.status === "fulfilled" || record === undefined || modules.setAside === undefined) return result;
  if (!isGivenUp(result.reason, record)) return result;
  try {
    await modules.setAside(record.body);
  } catch (error) {
    modules.logger.warn("A message could not be put among the dead letters; it comes again", {
      error: coerceError(error).message,
    });
    return result;
  }
  report(result.reason, modules);
  return { status: "fulfilled", value: undefined };
}

function report(reason: unknown, modules: AccountingModules): void {
  const error = coerceError(reason);
  if (isAway(error)) {
    modules.logger.warn("A message comes again: the database is away", { error: error.message });
    return;
  }
  const code = error instanceof CodedError ? error.code : "unexpected";
  modules.logger.error("A summary message cannot be applied", { code, error });
  modules.onEvent?.({ kind: "rejected", code });
}
