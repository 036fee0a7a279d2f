/** The program of one edge process among several: infra/pool/edge-processes.ts starts it, and tells it all that it does. */

import * as v from "valibot";
import type { Edge } from "../../edge/edge.ts";
import type { EdgeHealth } from "../../edge/health.ts";
import type { Siblings } from "../../edge/stratum/edge-backend.ts";
import { systemClock, systemRandom } from "../../shared/clock.ts";
import { loadMigrations } from "../../shared/db/migrate.ts";
import { checkSchema } from "../../shared/db/schema-check.ts";
import { CodedError, coerceError } from "../../shared/errors.ts";
import { openSharedTable, openTable } from "../../shared/hash/open-table.ts";
import type { Logger } from "../../shared/logger.ts";
import { type Auth, loginReply } from "../../shared/messages/login.ts";
import type { SightedBy } from "../../shared/messages/sighted.ts";
import type { QueueSender } from "../../shared/queue.ts";
import type { EdgeReport, EdgeStart } from "./edge-processes.ts";
import { connectFunctions } from "./fleet-edge.ts";
import { sessionsOf } from "./live.ts";
import { type LoneEdge, startLoneEdge } from "./lone-edge.ts";
import { createPoolMetrics } from "./metrics.ts";
import { openChannel } from "./process-channel.ts";
import { readReceiptKey } from "./receipt-key.ts";
import { openRenewed } from "./renewed-database.ts";
import { fromSent, toSent, verdictOf } from "./sibling-share.ts";

const metrics = createPoolMetrics();
let running: LoneEdge | undefined;
let watched: { readonly health: EdgeHealth; readonly edge: Edge } | undefined;

const parent = openChannel(
  { send: (message, callback) => process.send?.(message, callback), on: (name, fn) => process.on(name, fn) },
  {
    // What the parent sends is its own parsed configuration and this program's own types.
    start: (given) => start(given as EdgeStart),
    report,
    // Text, numbers and bigints alone: the channel carries them as they are.
    sessions: () => (watched === undefined ? [] : sessionsOf(watched.edge)),
    sightings: (by) => watched?.edge.stratum.sightings.look(by as SightedBy),
    refused: (nonce) => watched?.edge.refused.find(v.parse(v.string(), nonce)),
    metrics: () => metrics.registry.getMetricsAsJSON(),
    share: (given) => watched?.edge.desk.submit(fromSent(given, systemClock.monotonicMs())),
    async stop() {
      await running?.stop();
      setImmediate(() => process.exit(0));
    },
  },
);
const logger = parentsLogger();
// The terminal's Ctrl-C comes to all processes; when to stop, the parent says. When the parent is gone, Node ends this process.
for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(name, () => undefined);
process.on("uncaughtException", (error) => void end("a bug, please report it", error));

async function start(given: EdgeStart): Promise<{ port: number; tlsPort: number | undefined }> {
  const { config, functions, process: number, receiptKeyFile } = given;
  const receiptKey = receiptKeyFile === undefined ? undefined : await readReceiptKey(receiptKeyFile);
  running = await startLoneEdge(
    {
      ...given,
      watches: functions !== undefined && number === 1,
      retires: number === 1,
      tellsPages: functions !== undefined,
    },
    {
      ...{ clock: systemClock, random: systemRandom, logger, metrics },
      ...(given.aws && { aws: given.aws }),
      ...(receiptKey && { receiptKey }),
      openTable: (bits) => {
        const opened = { bits, logger, native: { setting: process.env["PROSPER_NATIVE"] } };
        const dir = config.app.tabledir === "" ? undefined : config.app.tabledir;
        return given.tableFile === undefined
          ? openTable({ ...opened, dir })
          : openSharedTable(given.tableFile, opened);
      },
      openDatabase: async () => {
        const db = openRenewed(config, given.databaseUrl, { aws: given.aws, clock: systemClock, logger });
        const close = () => db.close();
        await checkSchema(db, loadMigrations()).catch((error: unknown) =>
          close().then(() => Promise.reject(error)),
        );
        return { db, close };
      },
      siblings,
      connect: (onStop) =>
        functions === undefined
          ? { queue: parentsQueue, auth: parentsAuth }
          : connectFunctions(functions, onStop),
      onHealth: async (health, edge) => {
        watched = { health, edge };
      },
      onFatal: (error) => void end("the edge cannot go on", error),
      write: (line) => void process.stdout.write(line),
    },
  );
  const { edge } = running;
  return { port: edge.listening?.port ?? 0, tlsPort: edge.listeningTls?.port };
}

function report(): EdgeReport | undefined {
  if (watched === undefined) return undefined;
  const { health, edge } = watched;
  return {
    ...{ live: health.live(), ready: health.ready(), works: health.works() },
    minute: edge.minutes.minute(),
    height: edge.follower.topHeight(),
    stalledMs: edge.stall.stalledMs(),
    connections: edge.stratum.stats().connections,
    slot: edge.desk.grant()?.slot,
  };
}

const siblings: Siblings = {
  submit: (slot, share) =>
    parent
      .ask("share", { slot, share: toSent(share, systemClock.monotonicMs()) })
      // Whether it is counted nobody knows: no verdict, and the miner sends it again.
      .then(verdictOf, () => ({ kind: "unavailable" })),
};

const parentsQueue: QueueSender = {
  async send(body) {
    await parent.ask("summary", body);
  },
};

const parentsAuth: Auth = {
  authorize: async (request) => v.parse(loginReply, await parent.ask("login", request)),
};

/** One log for all processes: the parent writes it. An error is told as the parent would show it. */
function parentsLogger(): Logger {
  const log = (level: keyof Logger) => (message: string, data?: Readonly<Record<string, unknown>>) => {
    const facts = Object.entries(data ?? {}).map(([name, fact]) => [name, readable(fact)]);
    parent.ask("log", { level, message, data: Object.fromEntries(facts) }).catch(() => undefined);
  };
  return { debug: log("debug"), info: log("info"), warn: log("warn"), error: log("error") };
}

function readable(fact: unknown): unknown {
  if (!(fact instanceof Error)) return fact;
  return fact instanceof CodedError ? fact.message : fact.stack;
}

/** Hands over what it can, then ends: the parent starts another process, which recovers. */
async function end(why: string, thrown: unknown): Promise<void> {
  const problem = coerceError(thrown);
  process.exitCode = 1;
  logger.error(why, { problem });
  await running?.stop().catch(() => undefined);
  // Answers come in order: the log has the line above.
  await parent.ask("log", undefined).catch(() => undefined);
  process.exit(1);
}
