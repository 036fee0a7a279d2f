/** One edge as a process: the real Edge over real sockets, disk and database, its summaries over the queue. Killed at any moment. */

import { Edge } from "../../../../edge/edge.ts";
import { nodeDisk } from "../../../../edge/journal/node-disk.ts";
import { lockFolder } from "../../../../edge/lease/folder-lock.ts";
import { NO_METRICS } from "../../../../edge/stratum/metrics.ts";
import { systemClock, systemRandom } from "../../../../shared/clock.ts";
import { openPg } from "../../../../shared/db/drivers/pg.ts";
import { newestPrices } from "../../../../shared/db/prices.ts";
import { CodedError } from "../../../../shared/errors.ts";
import { createFactomd } from "../../../../shared/factom/client.ts";
import { SILENT } from "../../../../shared/logger.ts";
import { onlyVersion } from "../../../../shared/opr/assets.ts";
import { smallHasher } from "../../../support/hash/small-hasher.ts";
import { COINBASE, PAYER, partOptions, tell } from "../options.ts";
import { queueSender } from "./queue-client.ts";

const options = partOptions();
const { folder, blockMs, bits } = options;
lockFolder(folder);
const db = openPg({ url: options.databaseUrl, timeoutMs: 5_000 });
const logger = {
  ...SILENT,
  error: (message: string, data?: Record<string, unknown>) =>
    tell({ alarm: message, data: JSON.stringify(data)?.slice(0, 600) }),
};
const activations = onlyVersion(5);
const edge = await Edge.create(
  {
    folder,
    listen: { host: "127.0.0.1", port: options.port },
    // Easy shares, so that 200 miners fit beside everything else on two cores.
    stratum: {
      sharesPerBlock: Math.ceil(blockMs / options.shareEveryMs),
      firstTarget: 0xf000_0000_0000_0000n,
    },
    requireAuth: true,
    blockMs,
    cutEveryMs: 1_000,
    follow: {
      startHeight: 1000,
      pollMs: blockMs / 50,
      retryMs: blockMs / 10,
      patienceMs: blockMs,
      joblessMs: blockMs,
    },
    grade: { activations, payoutAddress: COINBASE, emaPoints: 6, cutoff: 200, blockMs },
    nextJob: {
      activations,
      payoutAddress: COINBASE,
      identity: "chaos",
      terms: { feeRate: "0.05", split: "largest-remainder", credit: "assigned" },
      staleMs: 600_000,
    },
    submit: { softmax: 25, payer: PAYER },
  },
  {
    db,
    factomd: createFactomd(
      { url: options.factomd, timeoutMs: 5_000 },
      { fetch, clock: systemClock, random: systemRandom },
    ),
    newestPrices: () => newestPrices(db),
    queue: queueSender(options.queue),
    auth: { authorize: () => Promise.reject(new CodedError("auth-away", "no passwords here")) },
    hasher: smallHasher(bits),
    disk: nodeDisk,
    clock: systemClock,
    random: systemRandom,
    logger,
    metrics: NO_METRICS,
    onBlock: () => undefined,
    onFatal: (error) => {
      tell({ fatal: error.code });
      process.exit(1);
    },
  },
);
const recovered = await edge.start(new AbortController().signal);
tell({ ready: true, port: edge.listening?.port, ...recovered });
