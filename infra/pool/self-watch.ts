/**
 * A pool that looks at itself: the doctor's checks on a schedule, what is red told to administrators by the outbox of alerts, and a heartbeat to the
 * outside, which is the only one that can tell that this process or the database is gone.
 */

import type { Doctor } from "../../functions/api/doctor.ts";
import { type Clock, sleep } from "../../shared/clock.ts";
import { listCheckStates, tellChecks } from "../../shared/db/check-alerts.ts";
import type { Db } from "../../shared/db/port.ts";
import type { Logger } from "../../shared/logger.ts";
import { runEvery } from "../../shared/run-every.ts";
import type { Config } from "../config/schema.ts";
import { nextStates, type WatchedState, watched } from "../doctor/check-states.ts";
import { CHECKS } from "../doctor/doctor.ts";
import { createHeartbeat, type Wellness } from "./heartbeat.ts";
import { channelOptions } from "./pool-settings.ts";

/** A doctor that has not ended a look for so many of its times is a red finding of its own. */
const STUCK_LOOKS = 5;

export interface SelfWatchModules {
  readonly db: Db;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly doctor: Doctor;
}

/** Resolves once `signal` aborts and what is under way has ended. Throws CodedError `config`. */
export async function watchSelf(
  { config, isDevnet }: { readonly config: Config; readonly isDevnet: boolean },
  modules: SelfWatchModules & { readonly signal: AbortSignal },
): Promise<void> {
  const { checkevery, heartbeaturl, heartbeatevery } = config.alerts;
  if (checkevery === 0) return;
  const { clock, signal } = modules;
  const watch = new SelfWatch(checkevery, modules);
  // A start has other work, and a pool that has just begun is not in order yet.
  await sleep(clock, checkevery, signal);
  const looking = runEvery(
    { name: "doctor", everyMs: checkevery, isLeft: true, run: () => watch.look() },
    modules,
  );
  const beats = [];
  if (heartbeaturl !== "") {
    const { allowPrivate, timeoutMs } = channelOptions(config, isDevnet);
    const beat = createHeartbeat(
      { url: heartbeaturl, allowPrivate, timeoutMs },
      { ...modules, wellness: watch.wellness },
    );
    beats.push(runEvery({ name: "heartbeat", everyMs: heartbeatevery, isLeft: true, run: beat }, modules));
  }
  await Promise.all([looking, ...beats]);
}

/** How the checks stand, of one look after the other. */
export class SelfWatch {
  readonly #everyMs: number;
  readonly #modules: SelfWatchModules;
  #states: readonly WatchedState[] = [];
  #isRemembered = false;
  #seenMs: number | undefined;
  #lookedAt: number;

  constructor(everyMs: number, modules: SelfWatchModules) {
    this.#everyMs = everyMs;
    this.#modules = modules;
    this.#lookedAt = modules.clock.monotonicMs();
  }

  /** Looks once. Rejects while the database is away: how the checks stand is known all the same, and told when it is back. */
  async look(): Promise<void> {
    const { db, clock, doctor } = this.#modules;
    const { atMs, findings } = await doctor.onTime();
    if (atMs === undefined || atMs === this.#seenMs) return;
    this.#seenMs = atMs;
    this.#lookedAt = clock.monotonicMs();
    const remembered = this.#isRemembered ? undefined : await this.#remember();
    this.#states = nextStates(remembered ?? this.#states, { findings, checks: CHECKS, nowMs: atMs });
    await tellChecks(db, this.#states, clock.wallMs());
  }

  /** What was red before this process began is not told as new. Undefined while the database is away. */
  async #remember(): Promise<readonly WatchedState[] | undefined> {
    const states = await listCheckStates(this.#modules.db).catch(() => undefined);
    if (states === undefined) return undefined;
    this.#isRemembered = true;
    return this.#states.length > 0 ? undefined : states.map(watched);
  }

  /** By what is urgent alone: a backup that is old must not hide that the pool is gone. */
  readonly wellness: Wellness = () => {
    const idleMs = this.#modules.clock.monotonicMs() - this.#lookedAt;
    if (idleMs > STUCK_LOOKS * this.#everyMs)
      return { isWell: false, why: `the doctor has not looked for ${Math.round(idleMs / 1000)} s` };
    if (this.#seenMs === undefined) return undefined;
    const reds = this.#states.filter(({ isRed, urgent }) => isRed && urgent);
    if (reds.length === 0) return { isWell: true };
    return { isWell: false, why: reds.map(({ name, said, mend }) => `${name}: ${said}. ${mend}`).join("\n") };
  };
}
