/** Nonce prefixes in the journal: each is written with its target and holder before a miner hears of it, so that its shares get the same verdict after a restart. */

import type { Logger } from "../../shared/logger.ts";
import type { Journal } from "../journal/journal.ts";
import { encodeRecord, type PrefixesRecord } from "../journal/records.ts";
import type { Grant, GrantRequest, Holder, Measured } from "../stratum/backend.ts";
import { LastTargets } from "./last-targets.ts";
import type { OpenJobs } from "./open-jobs.ts";
import type { Prefix, Prefixes } from "./prefixes.ts";
import type { Recovery } from "./recover.ts";
import { ScarcityAlarm } from "./scarcity.ts";
import { SessionRecord } from "./session-record.ts";
import type { Tallies } from "./tallies.ts";

/** The most prefixes in one record, when all are recorded again at the start of a job. */
const PREFIXES_A_RECORD = 500;

export interface DurablePrefixesModules {
  readonly prefixes: Prefixes;
  readonly jobs: OpenJobs;
  readonly journal: Journal;
  readonly tallies: Tallies;
  readonly logger: Logger;
}

export class DurablePrefixes {
  readonly #modules: DurablePrefixesModules;
  readonly #lastTargets: LastTargets;
  readonly #alarm: ScarcityAlarm;
  #order: SessionRecord | undefined;

  constructor(modules: DurablePrefixesModules, recovery: Recovery) {
    this.#modules = modules;
    this.#alarm = new ScarcityAlarm(modules);
    modules.prefixes.restore(recovery.prefixes.values());
    this.#lastTargets = new LastTargets(modules.prefixes);
    for (const restored of recovery.prefixes.values()) this.#lastTargets.given(restored);
  }

  /** From now on prefixes of this slot are given out; they begin after those of an earlier run. */
  useSlot(slot: number, { sessions }: Recovery): void {
    const { prefixes } = this.#modules;
    prefixes.useSlot(slot);
    if (sessions?.slot === slot) prefixes.continueFrom(sessions.next);
    this.#order = new SessionRecord(this.#modules, slot);
  }

  /** See StratumBackend. A prefix that cannot be put on record is told to nobody, and rests like any other that was given back. */
  async grant({ target, holder, measured }: GrantRequest): Promise<Grant | undefined> {
    const { prefixes } = this.#modules;
    const granted = prefixes.grant(target, holder, measured);
    this.#order?.advance(prefixes.next());
    this.#alarm.look();
    if (granted === undefined) return undefined;
    if (!(await this.#record([granted], false))) {
      this.release(granted.prefix);
      return undefined;
    }
    this.#lastTargets.given(granted);
    return granted;
  }

  /** See StratumBackend. */
  async claim(prefix: number, holder: Holder): Promise<boolean> {
    const { prefixes } = this.#modules;
    // In memory first: a job that begins meanwhile then records it with its holder. Nobody can send a share before the login is answered.
    prefixes.claim(prefix, holder);
    const known = prefixes.find(prefix);
    return known !== undefined && (await this.#record([known], true));
  }

  /** See StratumBackend. */
  release(prefix: number): void {
    const { prefixes, jobs } = this.#modules;
    prefixes.release(prefix, jobs.newest()?.height);
  }

  /** See StratumBackend. On record with the next job. */
  measured(prefix: number, where: Measured): void {
    this.#lastTargets.proved(prefix, where);
  }

  /** See StratumBackend. */
  lastTarget(holder: Holder, where: Measured): bigint | undefined {
    return this.#lastTargets.of(holder, where);
  }

  /** See StratumBackend. */
  areScarce(): boolean {
    return this.#modules.prefixes.isScarce();
  }

  stats(): ReturnType<Prefixes["stats"]> {
    return this.#modules.prefixes.stats();
  }

  /**
   * A job opens: records the prefixes in force and the place in their order again, because files before a job's own are freed. False: the journal
   * takes nothing now.
   */
  repeat(): Promise<boolean> {
    this.#alarm.jobOpened();
    this.noteOrder();
    return this.#record(this.#modules.prefixes.live(), true);
  }

  /** Records only the place in their order. */
  noteOrder(): void {
    this.#order?.write(this.#modules.prefixes.next());
  }

  /** False where not all of them could be written. */
  async #record(prefixes: readonly Prefix[], again: boolean): Promise<boolean> {
    const { journal, tallies } = this.#modules;
    const appends: ReturnType<Journal["append"]>[] = [];
    for (let at = 0; at < prefixes.length; at += PREFIXES_A_RECORD) {
      const entries = prefixes.slice(at, at + PREFIXES_A_RECORD).map(entryOf);
      const record = encodeRecord({ kind: "prefixes", prefixes: { prefixes: entries, again } });
      appends.push(journal.append(record, ({ segment }) => tallies.noteNewest(segment)));
    }
    return (await Promise.all(appends)).every(({ kind }) => kind === "durable");
  }
}

function entryOf({ prefix, target, holder, measured }: Prefix): PrefixesRecord["prefixes"][number] {
  const held = holder === undefined ? {} : { holder: { user: holder.user, worker: holder.worker } };
  return { prefix, target, ...held, ...(measured === undefined ? {} : { measured }) };
}
