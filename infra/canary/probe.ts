/**
 * One look at the pool from outside, as a miner sees it: connect, log in, get a job, find one share, be answered, and find it in the books. The share is
 * of the easiest target there is, so it costs a handful of hashes and is worth as little.
 */

import type { Duplex } from "node:stream";
import type { Dial, PoolAddress } from "../../edge/miner/dial.ts";
import { PoolConnection } from "../../edge/miner/pool-connection.ts";
import { bytesToU64, concat, fromHex, toHex, u32ToBytes } from "../../shared/bytes.ts";
import { type Clock, type Random, sleep } from "../../shared/clock.ts";
import type { Probe, ProbeStep } from "../../shared/db/canary.ts";
import { coerceError } from "../../shared/errors.ts";
import type { NonceSearch } from "../../shared/hash/hasher.ts";
import { formatTarget } from "../../shared/messages/stratum.ts";

export interface ProbeOptions {
  readonly address: PoolAddress;
  readonly user: string;
  readonly worker: string;
  /** Whether it may find a share for the job of this height: false ends the look at the job. */
  readonly mayMine: (height: number) => boolean;
  /** For all of it. */
  readonly timeoutMs: number;
}

export interface ProbeModules {
  readonly clock: Clock;
  readonly random: Random;
  readonly dial: Dial;
  /** Without one no share is looked for. */
  readonly hasher?: NonceSearch | undefined;
  /** Shares of the user's worker for a job that the books have. */
  readonly booked: (height: number) => Promise<number>;
}

const BATCH = 64;
/** Between two batches: the processor is the pool's. */
const PAUSE_MS = 10;
const LOOK_MS = 250;
const AGENT = "prosper-canary/1";
/** Anything: the pool bounds it by the easiest target that it gives. */
const EASIEST = "0000000000000000";

/** Never rejects: what went wrong is in the probe, with the step at which it did. */
export async function probe(options: ProbeOptions, modules: ProbeModules): Promise<Probe> {
  const { clock } = modules;
  const seen: Seen = { atMs: clock.wallMs(), step: "connect", times: {}, height: undefined };
  const late = new AbortController();
  const deadline = clock.after(options.timeoutMs, () => late.abort());
  let stream: Duplex | undefined;
  try {
    const beganMs = clock.monotonicMs();
    stream = await orLate(modules.dial(options.address), late.signal);
    seen.times.connect = clock.monotonicMs() - beganMs;
    await talk(stream, seen, { options, modules, late: late.signal });
    return finished(seen, null, "");
  } catch (thrown) {
    return finished(seen, seen.step, coerceError(thrown).message);
  } finally {
    deadline.stop();
    stream?.destroy();
  }
}

/** How far it is. */
interface Seen {
  readonly atMs: number;
  step: ProbeStep;
  readonly times: Partial<Record<"connect" | "login" | "job" | "answer" | "row", number>>;
  height: number | undefined;
}

interface Job {
  readonly height: number;
  readonly oprHash: string;
}

interface Talk {
  readonly options: ProbeOptions;
  readonly modules: ProbeModules;
  readonly late: AbortSignal;
}

async function talk(stream: Duplex, seen: Seen, { options, modules, late }: Talk): Promise<void> {
  const { clock, hasher, booked } = modules;
  const authorized = Promise.withResolvers<void>();
  const told = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<never>();
  for (const { promise } of [authorized, told, ended]) promise.catch(() => undefined);
  const heard: Heard = { job: undefined, prefix: undefined, target: undefined };
  const connection = new PoolConnection(stream, AGENT, modules, {
    onAuthorized: () => authorized.resolve(),
    onRefused: (reason) => ended.reject(new Error(`the login was refused: ${reason}`)),
    onJob: (height, oprHash) => {
      heard.job = { height, oprHash };
      told.resolve();
    },
    onPrefix: (prefix) => {
      heard.prefix = prefix;
    },
    onTarget: (target) => {
      heard.target = target;
    },
    onStop: () => {
      heard.job = undefined;
    },
    onMessage: () => undefined,
    onReconnect: () => ended.reject(new Error("the pool asked to connect again")),
    onEnd: (reason) => ended.reject(new Error(reason)),
  });
  const within = <T>(promise: Promise<T>): Promise<T> => Promise.race([orLate(promise, late), ended.promise]);
  const timed = async <T>(step: "login" | "job" | "answer" | "row", wait: () => Promise<T>): Promise<T> => {
    seen.step = step;
    const beganMs = clock.monotonicMs();
    const result = await within(wait());
    seen.times[step] = clock.monotonicMs() - beganMs;
    return result;
  };
  await timed("login", () => {
    const { user, worker } = options;
    connection.greet({ user, worker, password: "", invite: "", payoutAddress: "" });
    return authorized.promise;
  });
  await timed("job", () => told.promise);
  seen.height = heard.job?.height;
  if (hasher === undefined || seen.height === undefined || !options.mayMine(seen.height)) return;
  seen.step = "share";
  connection.tell("mining.suggest_target", [EASIEST]);
  const share = await within(findShare(heard, { hasher, modules, late }));
  seen.height = share.job.height;
  const before = await within(booked(share.job.height));
  const answer = await timed("answer", () =>
    connection.request("mining.submit", [
      ...[options.user, String(share.job.height), share.nonce, share.job.oprHash],
      formatTarget(share.reached),
    ]),
  );
  if (answer?.result !== true)
    throw new Error(`the share was refused: ${answer?.error?.message ?? "no answer"}`);
  await timed("row", async () => {
    while (!late.aborted && (await booked(share.job.height)) <= before) await sleep(clock, LOOK_MS, late);
  });
}

interface Heard {
  job: Job | undefined;
  prefix: number | undefined;
  target: bigint | undefined;
}

async function findShare(
  heard: Heard,
  { hasher, modules, late }: { hasher: NonceSearch; modules: ProbeModules; late: AbortSignal },
): Promise<{ readonly job: Job; readonly nonce: string; readonly reached: bigint }> {
  const { clock, random } = modules;
  // Looks of one job may be given the same prefix: the same nonce twice would be a duplicate.
  let counter = Number(bytesToU64(random(8)) & 0x7fff_ffffn);
  while (!late.aborted) {
    const { job, prefix, target } = heard;
    if (job !== undefined && prefix !== undefined && target !== undefined) {
      const begun = counter;
      counter += BATCH;
      const fixed = concat(fromHex(job.oprHash, "oprHash"), u32ToBytes(prefix));
      const difficulties = await hasher.search({ prefix: fixed, start: begun, suffixBytes: 4, count: BATCH });
      const at = difficulties.findIndex((difficulty) => difficulty >= target);
      const reached = difficulties[at];
      if (reached !== undefined)
        return { job, nonce: toHex(concat(u32ToBytes(prefix), u32ToBytes(begun + at))), reached };
    }
    await sleep(clock, PAUSE_MS, late);
  }
  throw new Error(LATE);
}

const LATE = "it took too long";

function orLate<T>(promise: Promise<T>, late: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    late.addEventListener("abort", () => reject(new Error(LATE)), { once: true });
    promise.then(resolve, reject);
  });
}

function finished({ atMs, times, height }: Seen, failedAt: ProbeStep | null, words: string): Probe {
  const ms = (value: number | undefined): number | null =>
    value === undefined ? null : Math.round(value * 10) / 10;
  return {
    ...{ atMs, failedAt, words, height: height ?? null },
    ...{ connectMs: ms(times.connect), loginMs: ms(times.login), jobMs: ms(times.job) },
    ...{ answerMs: ms(times.answer), rowMs: ms(times.row) },
  };
}
