/**
 * Several edges of one pool on one machine, each in a process of its own (docs/design.md, "Several processes"): started, watched, started again when
 * they end, and stopped together. This process accepts the connections and hands them on in turn (node:cluster), so that there is one port.
 */

import cluster, { type Worker } from "node:cluster";
import { once } from "node:events";
import { join } from "node:path";
import { AggregatorRegistry, type Registry } from "prom-client";
import * as v from "valibot";
import type { ShareVerdict } from "../../edge/stratum/backend.ts";
import type { Live } from "../../functions/api/live.ts";
import type { SightingsReader } from "../../functions/api/sightings.ts";
import type { AwsOptions } from "../../shared/aws/call.ts";
import { type Clock, sleep } from "../../shared/clock.ts";
import { CodedError, coerceError } from "../../shared/errors.ts";
import type { Checks, Health } from "../../shared/health.ts";
import type { Logger } from "../../shared/logger.ts";
import { loginRequest } from "../../shared/messages/login.ts";
import type { Config } from "../config/schema.ts";
import { type AskEdges, createAskEdges, refusedOfAll, sessionsOfAll, sightingsOfAll } from "./ask-edges.ts";
import type { FunctionsElsewhere } from "./fleet-edge.ts";
import { processFolder } from "./left-edges.ts";
import { type EdgeFunctions, HAND_OVER_MS } from "./lone-edge.ts";
import { type Channel, openChannel } from "./process-channel.ts";
import type { FindRefused } from "./share-history.ts";

/** What an edge process is told when it starts. */
export interface EdgeStart {
  /** From 1. */
  readonly process: number;
  readonly processes: number;
  readonly config: Config;
  readonly folder: string;
  readonly databaseUrl: string;
  /** Where the LXR table is shared; undefined: each process has its own. */
  readonly tableFile: string | undefined;
  /** Undefined: books and logins are in the parent. */
  readonly functions: FunctionsElsewhere | undefined;
  readonly cutMs?: number;
  readonly drainMs: number;
  /** Where secrets are read; undefined: nowhere. */
  readonly aws?: AwsOptions;
  /** Where the pool keeps the key that signs roots on the chain; undefined: it has none here. */
  readonly receiptKeyFile?: string;
}

export interface EdgeProcessesOptions extends Omit<EdgeStart, "process" | "processes" | "folder"> {
  /** Of the first process; those of the others are below it. */
  readonly folder: string;
}

export interface EdgeProcessesModules {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Of a pool whose books and logins are in this process. */
  readonly books?: EdgeFunctions;
}

export interface EdgeProcesses {
  /** Of all together. A process that is not well makes the whole not well; one that is being started again does so for `/healthz` alone. */
  readonly health: Health;
  /** What all know together, as far as it was told in the last second. */
  readonly live: Live;
  /** What became of connections, whichever process took them. */
  readonly sightings: SightingsReader;
  /** Whichever process refused them. */
  readonly refused: FindRefused;
  /** The metrics of all processes and of `own`, added up or as each says (infra/pool/metrics.ts). */
  metrics(own: Registry): Pick<Registry, "contentType" | "metrics">;
  /** Where miners connect, once all have started. Rejects where one cannot start; whoever called then stops the others. */
  readonly started: Promise<Ports>;
  stop(): Promise<void>;
}

/** How an edge is, at one moment. */
export interface EdgeReport {
  readonly live: Checks;
  readonly ready: Checks;
  readonly works: Checks;
  readonly minute: number | undefined;
  readonly height: number | undefined;
  readonly stalledMs: number | undefined;
  readonly connections: number;
  /** The slot it holds; undefined before it has one. */
  readonly slot: number | undefined;
}

export type Ports = v.InferOutput<typeof ports>;

const ports = v.object({ port: v.number(), tlsPort: v.optional(v.number()) });
const checks = v.record(v.string(), v.string());
const report = v.optional(
  v.object({
    ...{ live: checks, ready: checks, works: checks, connections: v.number() },
    ...{ minute: v.optional(v.number()), height: v.optional(v.number()), stalledMs: v.optional(v.number()) },
    slot: v.optional(v.number()),
  }),
);
const sibling = v.object({ slot: v.number(), share: v.unknown() });
const logged = v.optional(
  v.object({
    level: v.picklist(["debug", "info", "warn", "error"]),
    message: v.string(),
    data: v.record(v.string(), v.unknown()),
  }),
);

const PROGRAM = join(import.meta.dirname, "edge-process.ts");
const LOOK_MS = 1_000;
/** Looks without an answer after which a process is said to hang, and after which it is ended: its journal has what it promised. */
const SILENT_LOOKS = 15;
const DEAD_LOOKS = 60;
/** The wait before a process is started again: doubles with each end, up to the longest, and begins anew when one has run for so long. */
const AGAIN_MS = { first: 500, longest: 30_000, steady: 60_000 };

interface Seat {
  readonly process: number;
  worker: Worker | undefined;
  channel: Channel | undefined;
  /** It takes miners. */
  isUp: boolean;
  report: EdgeReport | undefined;
  /** The slot it held last: the process that is started again takes it again. */
  slot: number | undefined;
  /** Looks since its last answer. */
  silent: number;
}

/** Returns at once; `started` tells when miners can connect. */
export function startEdgeProcesses(
  options: EdgeProcessesOptions,
  modules: EdgeProcessesModules,
): EdgeProcesses {
  const { clock, logger } = modules;
  const { processes } = options.config.stratum;
  const stopping = new AbortController();
  const seats = Array.from({ length: processes }, (_, i): Seat => {
    const nothing = { worker: undefined, channel: undefined, report: undefined, slot: undefined };
    return { process: i + 1, ...nothing, isUp: false, silent: 0 };
  });
  // Of this process's flags what concerns memory only: a test runner or a launcher has others.
  const execArgv = process.execArgv.filter((flag) => flag.startsWith("--max-"));
  cluster.setupPrimary({ exec: PROGRAM, args: [], execArgv, serialization: "advanced" });
  const first = seats.map((seat) => startSeat(seat, seats, options, modules));
  const started = Promise.all(first.map(({ ready }) => ready)).then(([found]) => found ?? { port: 0 });
  started.catch(() => undefined);
  // Where one cannot start, the caller is told and stops them all.
  const kept = started.then(
    () =>
      Promise.all(
        seats.map((seat, i) =>
          keep(seat, first[i]?.ended, { seats, options, modules, signal: stopping.signal }),
        ),
      ),
    () => undefined,
  );
  const ask = createAskEdges(seats, clock);
  const looking = look(seats, { clock, logger, signal: stopping.signal });
  return {
    health: healthOf(seats),
    live: liveOf(seats, ask),
    sightings: sightingsOfAll(ask),
    refused: refusedOfAll(ask),
    metrics: (own) => metricsOf(own, ask),
    started,
    async stop() {
      stopping.abort();
      await Promise.all(seats.map((seat) => stopSeat(seat, options.drainMs, clock)));
      await Promise.all([kept, looking]);
    },
  };
}

/** Starts the seat's process. `ready` rejects where it cannot start; `ended` never rejects. */
function startSeat(
  seat: Seat,
  seats: readonly Seat[],
  options: EdgeProcessesOptions,
  { logger, books }: EdgeProcessesModules,
): { ready: Promise<Ports>; ended: Promise<Readonly<Record<string, unknown>>> } {
  const { process } = seat;
  const worker = cluster.fork();
  const channel = openChannel(
    {
      send: (message, callback) => worker.send(message as object, callback),
      on: (name, fn) => worker.on(name, fn),
    },
    {
      log(value) {
        const line = v.parse(logged, value);
        if (line !== undefined) logger[line.level](line.message, { process, ...line.data });
      },
      summary: (body) => books?.queue.send(v.parse(v.string(), body)),
      share: (given) => judge(seats, v.parse(sibling, given)),
      login: (request) => books?.auth.authorize(v.parse(loginRequest, request)),
    },
  );
  Object.assign(seat, { worker, channel, isUp: false, report: undefined, silent: 0 });
  const ended = once(worker, "exit").then(([code, signal]) => {
    Object.assign(seat, { worker: undefined, channel: undefined, isUp: false, report: undefined });
    channel.close();
    return { process, code, signal };
  });
  const { folder, ...rest } = options;
  const start: EdgeStart = {
    ...{ ...rest, process, processes: options.config.stratum.processes },
    folder: processFolder(folder, process),
  };
  const begun = once(worker, "online").then(async () => {
    const found = v.parse(ports, await channel.ask("start", start));
    await learn(seat, channel);
    seat.isUp = true;
    return found;
  });
  const early = ended.then(({ code, signal }): never => {
    const how = `edge process ${process} ended (${signal ?? `exit code ${code}`}) before it took miners`;
    throw new CodedError("edge-process", `${how}: see what it wrote above`);
  });
  const ready = Promise.race([begun, early]);
  // The other of the two fails later, when nobody waits for it.
  for (const one of [begun, early]) one.catch(() => undefined);
  ready.catch(() => worker.process.kill("SIGKILL"));
  return { ready, ended };
}

/** Starts the seat's process again whenever it has ended, until `signal` aborts. */
async function keep(
  seat: Seat,
  firstEnd: Promise<Readonly<Record<string, unknown>>> | undefined,
  {
    seats,
    options,
    modules,
    signal,
  }: {
    seats: readonly Seat[];
    options: EdgeProcessesOptions;
    modules: EdgeProcessesModules;
    signal: AbortSignal;
  },
): Promise<void> {
  const { clock, logger } = modules;
  let ended = firstEnd;
  let waitMs = AGAIN_MS.first;
  for (;;) {
    const sinceMs = clock.monotonicMs();
    const how = await ended;
    if (signal.aborted) return;
    if (clock.monotonicMs() - sinceMs > AGAIN_MS.steady) waitMs = AGAIN_MS.first;
    logger.error("an edge process ended: it is started again", { ...how, inMs: waitMs });
    await sleep(clock, waitMs, signal);
    if (signal.aborted) return;
    waitMs = Math.min(2 * waitMs, AGAIN_MS.longest);
    const again = startSeat(seat, seats, options, modules);
    again.ready.then(
      () => logger.info("the edge process runs again", { process: seat.process }),
      (problem: unknown) =>
        logger.error("the edge process did not start", {
          process: seat.process,
          problem: coerceError(problem),
        }),
    );
    ended = again.ended;
  }
}

/** The verdict of the process that holds the slot; undefined: none does. */
function judge(seats: readonly Seat[], { slot, share }: v.InferOutput<typeof sibling>): unknown {
  const seat = seats.find((one) => one.slot === slot);
  if (seat === undefined || (seat.isUp && seat.channel !== undefined))
    return seat?.channel?.ask("share", share);
  const reason = "the process that gave this prefix out is being started: send the share again";
  return { kind: "refused", code: "busy", reason } satisfies ShareVerdict;
}

async function stopSeat(seat: Seat, drainMs: number, clock: Clock): Promise<void> {
  const { worker, channel } = seat;
  if (worker === undefined || channel === undefined) return;
  const gone = once(worker, "exit");
  const patience = new AbortController();
  // One that has not started has nothing to hand over.
  if (!seat.isUp) worker.process.kill("SIGKILL");
  channel.ask("stop").catch(() => undefined);
  void sleep(clock, drainMs + HAND_OVER_MS + 5_000, patience.signal).then(() => {
    if (!patience.signal.aborted) worker.process.kill("SIGKILL");
  });
  await gone;
  patience.abort();
}

/** Asks the process how it is. */
async function learn(seat: Seat, channel: Channel): Promise<void> {
  const { success, output } = v.safeParse(report, await channel.ask("report"));
  if (seat.channel !== channel) return;
  if (success) seat.report = output as EdgeReport | undefined;
  seat.slot = seat.report?.slot ?? seat.slot;
  seat.silent = 0;
}

/** Asks each process how it is. One that has not answered for a minute is ended: it hangs, and another mends it. */
async function look(
  seats: readonly Seat[],
  { clock, logger, signal }: { clock: Clock; logger: Logger; signal: AbortSignal },
): Promise<void> {
  while (!signal.aborted) {
    for (const seat of seats) {
      const { channel, worker, process } = seat;
      if (channel === undefined) continue;
      seat.silent += 1;
      if (seat.silent === DEAD_LOOKS && seat.isUp) {
        logger.error("an edge process does not answer: it is ended", { process });
        worker?.process.kill("SIGKILL");
      }
      learn(seat, channel).catch(() => undefined);
    }
    await sleep(clock, LOOK_MS, signal);
  }
}

function healthOf(seats: readonly Seat[]): Health {
  /** Of the processes that run: the first one that is not well, by its number. */
  const all = (kind: "live" | "ready" | "works"): Record<string, string> => {
    const merged: Record<string, string> = {};
    for (const { process, report, silent } of seats) {
      const told = { ...report?.[kind], processes: silent < SILENT_LOOKS ? "ok" : "it does not answer" };
      for (const [name, state] of Object.entries(told))
        if (state === "ok") merged[name] ??= "ok";
        else if ((merged[name] ?? "ok") === "ok") merged[name] = `process ${process}: ${state}`;
    }
    return merged;
  };
  const away = (): Seat | undefined => seats.find(({ isUp }) => !isUp);
  return {
    // A process that is away is started again by this one: to restart the whole would cost the others their miners.
    live: () => all("live"),
    ready() {
      const states = all("ready");
      // Miners may come while one process takes them.
      const takes = seats.some(({ isUp, report }) => isUp && report?.ready["miners"] === "ok");
      return { ...states, miners: takes ? "ok" : (states["miners"] ?? "starting") };
    },
    works() {
      const gone = away();
      const states = all("works");
      return gone === undefined
        ? states
        : { ...states, processes: `process ${gone.process}: it is being started` };
    },
  };
}

function liveOf(seats: readonly Seat[], ask: AskEdges): Live {
  const of = (key: "minute" | "height" | "stalledMs"): number[] =>
    seats.flatMap(({ report }) => report?.[key] ?? []);
  const last = (values: number[]): number | undefined =>
    values.length === 0 ? undefined : Math.max(...values);
  return {
    minute: () => last(of("minute")),
    height: () => last(of("height")),
    stalledMs: () => last(of("stalledMs")),
    connections: () => seats.reduce((sum, { report }) => sum + (report?.connections ?? 0), 0),
    sessions: () => sessionsOfAll(ask),
  };
}

function metricsOf(own: Registry, ask: AskEdges): Pick<Registry, "contentType" | "metrics"> {
  return {
    contentType: own.contentType,
    async metrics() {
      const known = (await ask("metrics")).filter(
        (one): one is object => typeof one === "object" && one !== null,
      );
      return AggregatorRegistry.aggregate([await own.getMetricsAsJSON(), ...known]).metrics();
    },
  };
}
