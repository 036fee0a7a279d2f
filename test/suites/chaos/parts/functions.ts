/** The functions as one process that polls the queue, as Lambda does: accounting, sealer, janitor, prices. Killed at any moment. */

import type { SQSRecord } from "aws-lambda";
import { createAccountingHandler } from "../../../../functions/accounting/handler.ts";
import { createSealer } from "../../../../functions/accounting/sealer.ts";
import { createJanitorHandler } from "../../../../functions/janitor/handler.ts";
import { LOCAL_CONTEXT } from "../../../../functions/local-context.ts";
import { createLocalPoll, createPollHandler } from "../../../../functions/poll/handler.ts";
import { createSourceCache } from "../../../../functions/poll/source-cache.ts";
import { loadConfig } from "../../../../infra/config/load.ts";
import { pollOptions } from "../../../../infra/pool/pool-settings.ts";
import { sleep, systemClock, systemRandom } from "../../../../shared/clock.ts";
import { openPg } from "../../../../shared/db/drivers/pg.ts";
import { countWithholding } from "../../../../shared/db/withholding.ts";
import { coerceError } from "../../../../shared/errors.ts";
import { SILENT } from "../../../../shared/logger.ts";
import { onlyVersion } from "../../../../shared/opr/assets.ts";
import { partOptions, tell } from "../options.ts";
import { type Received, receive, remove } from "./queue-client.ts";

const options = partOptions();
const db = openPg({ url: options.databaseUrl, timeoutMs: 5_000 });
const logger = {
  ...SILENT,
  error: (message: string, data?: Record<string, unknown>) =>
    tell({ alarm: message, data: JSON.stringify(data, plain)?.slice(0, 600) }),
};
/** So few names that some are booked with the rest. */
const workerLimits = { inJob: 3, newInDay: 2 };
const modules = { db, clock: systemClock, random: systemRandom, logger, workerLimits };
const sealer = createSealer(
  { deadlineMs: Math.max(3 * options.blockMs, 30_000) },
  { ...modules, onEvent: (event) => void (event.kind === "forced" && tell({ forced: event.height })) },
);
const handler = createAccountingHandler({
  ...modules,
  sealer,
  onEvent: (event) => void (event.kind === "rejected" && tell({ rejected: event.code })),
});
const janitor = createJanitorHandler(
  { epochGraceMs: options.blockMs, keepMinutesMs: 3_600_000 },
  { ...modules, sealer, judge: () => countWithholding(db) },
);
const config = loadConfig("", { required: false });
const prices = createLocalPoll(
  createPollHandler(
    {
      ...pollOptions({ ...config, oracledatasources: { fixedusd: 0, devnet: 1 } }, { devnet: options.feed }),
      cacheMs: options.blockMs / 4,
      activations: onlyVersion(5),
    },
    { ...modules, logger: SILENT, fetch, cache: createSourceCache() },
  ),
);

async function forever(everyMs: number, work: () => Promise<unknown>): Promise<never> {
  for (;;) {
    await work().catch((error: unknown) => logger.debug("failed", { error: coerceError(error) }));
    await sleep(systemClock, everyMs);
  }
}

async function consume(): Promise<void> {
  const batch = await receive(options.queue);
  if (batch.length === 0) return void (await sleep(systemClock, 50));
  const { batchItemFailures } = await handler({ Records: batch.map(toRecord) }, LOCAL_CONTEXT);
  const failed = new Set(batchItemFailures.map(({ itemIdentifier }) => itemIdentifier));
  await remove(
    options.queue,
    batch.map(({ id }) => id).filter((id) => !failed.has(id)),
  );
}

function toRecord({ id, body }: Received): SQSRecord {
  return {
    ...{ messageId: id, receiptHandle: id, body, messageAttributes: {}, md5OfBody: "" },
    ...{ eventSource: "aws:sqs", eventSourceARN: "arn:aws:sqs:local:0:summaries", awsRegion: "local" },
    attributes: {
      ApproximateReceiveCount: "1",
      SentTimestamp: "0",
      SenderId: "edge",
      ApproximateFirstReceiveTimestamp: "0",
    },
  };
}

function plain(_key: string, value: unknown): unknown {
  if (typeof value === "bigint") return `${value}`;
  return value instanceof Error ? { ...value, message: value.message } : value;
}

tell({ ready: true });
await Promise.all([
  forever(1, consume),
  forever(1, consume),
  forever(1_000, () => sealer.run()),
  forever(options.blockMs, () => janitor({}, LOCAL_CONTEXT)),
  forever(Math.min(2_000, options.blockMs / 4), prices),
]);
