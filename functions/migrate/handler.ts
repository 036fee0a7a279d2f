/** Brings the database to this version when a stack is deployed: a CloudFormation custom resource (its request and answer are AWS's form). */

import * as v from "valibot";
import type { Clock } from "../../shared/clock.ts";
import { sleep } from "../../shared/clock.ts";
import { CodedError, coerceError } from "../../shared/errors.ts";
import type { Logger } from "../../shared/logger.ts";

/** CloudFormation's request; fields that are not named here are ignored. */
const request = v.object({
  RequestType: v.picklist(["Create", "Update", "Delete"]),
  ResponseURL: v.string(),
  StackId: v.string(),
  RequestId: v.string(),
  LogicalResourceId: v.string(),
  PhysicalResourceId: v.optional(v.string()),
});

export interface MigrateModules {
  /** Rejects with `db-away` until the database takes statements. */
  readonly awake: () => Promise<unknown>;
  /** Names of the migrations it ran. Called once: what it waits for it waits for itself, and a failure is not mended by a second try. */
  readonly migrate: () => Promise<readonly string[]>;
  readonly fetch: typeof fetch;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** A paused or new cluster takes up to half a minute to answer. */
const PATIENCE_MS = 180_000;
const PAUSE_MS = 3_000;
/** CloudFormation takes an answer of at most 4 KB. */
const REASON_CHARS = 1_000;

export type MigrateHandler = (event: unknown) => Promise<void>;

/** Always answers CloudFormation, else the deployment would hang for an hour. Deleting the stack leaves the database as it is. */
export function createMigrateHandler(modules: MigrateModules): MigrateHandler {
  return async (event) => {
    const asked = parse(event);
    const failure =
      asked.RequestType === "Delete"
        ? undefined
        : await migrateWhenAwake(modules).then(
            () => undefined,
            (error: unknown) => coerceError(error),
          );
    if (failure !== undefined) modules.logger.error("The migration failed", { error: failure });
    await answer(asked, failure, modules);
  };
}

function parse(event: unknown): v.InferOutput<typeof request> {
  const parsed = v.safeParse(request, event);
  if (parsed.success) return parsed.output;
  const [issue] = parsed.issues;
  throw new CodedError(
    "cloudformation",
    `expected a request of CloudFormation's: ${v.getDotPath(issue) ?? "the event"}: ${issue.message}`,
  );
}

async function migrateWhenAwake(modules: MigrateModules): Promise<void> {
  const { clock, logger } = modules;
  const deadlineMs = clock.monotonicMs() + PATIENCE_MS;
  for (;;) {
    try {
      await modules.awake();
      break;
    } catch (thrown) {
      const isAway = thrown instanceof CodedError && thrown.code === "db-away";
      if (!isAway || clock.monotonicMs() > deadlineMs) throw thrown;
      logger.warn("The database is not there yet", { error: coerceError(thrown).message });
      await sleep(clock, PAUSE_MS);
    }
  }
  const ran = await modules.migrate();
  logger.info("The database is up to date", { ran });
}

async function answer(
  asked: v.InferOutput<typeof request>,
  failure: Error | undefined,
  modules: MigrateModules,
): Promise<void> {
  const { StackId, RequestId, LogicalResourceId } = asked;
  const body = JSON.stringify({
    Status: failure === undefined ? "SUCCESS" : "FAILED",
    Reason: failure?.message.slice(0, REASON_CHARS) ?? "",
    PhysicalResourceId: asked.PhysicalResourceId ?? "database-schema",
    ...{ StackId, RequestId, LogicalResourceId },
  });
  // The address is signed for a request without a content type.
  const reply = await modules.fetch(asked.ResponseURL, {
    method: "PUT",
    body,
    headers: { "content-type": "" },
  });
  if (!reply.ok)
    throw new CodedError("cloudformation", `CloudFormation did not take the answer: HTTP ${reply.status}`);
}
