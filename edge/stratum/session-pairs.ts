/**
 * The pairs of nonce prefix and target that a session mines with, one after another. A prefix keeps its target for its whole life, so that every
 * other target needs another prefix (docs/design.md, "What a share is worth is fixed before it is found"; STRATUM.md, T1 and C1).
 */

import type { Clock } from "../../shared/clock.ts";
import { wholeTarget } from "../../shared/difficulty/work.ts";
import { addressKey } from "../../shared/ip-address.ts";
import type { Holder, Job, Measured, StratumBackend } from "./backend.ts";
import type { Outgoing } from "./conversation.ts";
import { HeldPair } from "./held-pair.ts";
import type { StratumMetrics } from "./metrics.ts";
import type { PrefixQuota } from "./prefix-quota.ts";
import { Retargeting, type Wanted } from "./retargeting.ts";
import type { StratumSettings } from "./settings.ts";
import { bounded } from "./vardiff.ts";

export interface SessionPairsModules {
  readonly backend: StratumBackend;
  readonly clock: Clock;
  readonly metrics: StratumMetrics;
  readonly settings: StratumSettings;
  readonly quota: PrefixQuota;
}

export class SessionPairs {
  readonly #modules: SessionPairsModules;
  readonly #remoteAddress: string;
  readonly #out: Outgoing;
  readonly #pair: HeldPair;
  readonly #retargeting: Retargeting;
  #holder: Holder | undefined;
  #trusted: boolean = false;
  /** One pair is asked for at a time. */
  #turn: Promise<unknown> = Promise.resolve();
  #isRetargeting: boolean = false;

  constructor(remoteAddress: string, modules: SessionPairsModules, out: Outgoing) {
    const { backend, settings } = modules;
    this.#remoteAddress = remoteAddress;
    this.#modules = modules;
    this.#out = out;
    this.#retargeting = new Retargeting(settings);
    const onOtherTarget = (): void => this.#retargeting.changed(this.#nowMs());
    this.#pair = new HeldPair({ backend, out, onOtherTarget });
  }

  /** The target that new shares are to reach; undefined before subscribe. */
  get target(): bigint | undefined {
    return this.#pair.grant?.target;
  }

  /** The nonce prefix that the session mines with; undefined before subscribe. */
  get prefix(): number | undefined {
    return this.#pair.grant?.prefix;
  }

  /**
   * Call it once. Takes the first pair, with the worker's last target if it logged in before it subscribed, otherwise with the first target. False:
   * none can be had.
   */
  async subscribe(): Promise<boolean> {
    if (this.#pair.grant !== undefined) return true;
    if (!this.#modules.quota.take(this.#remoteAddress)) return false;
    const { settings } = this.#modules;
    const last = this.#lastTarget();
    const target = last ?? bounded(settings.firstTarget, settings, this.#threshold());
    return (await this.#ask(target, last !== undefined)) !== undefined;
  }

  /**
   * The session mines for this holder from now on. Resolves to the lines that follow the answer: they tell a second pair if the worker's last target
   * is known, or if the worker is another one than before. Undefined: it cannot be put on record now.
   */
  logIn(holder: Holder, trusted: boolean): Promise<string | undefined> {
    const before = this.#holder;
    this.#holder = holder;
    this.#trusted = trusted;
    // In its turn: a prefix that was asked for before the login (for example for a job that goes on) is claimed when it has come.
    return this.#inTurn(() => this.#claim(holder, before));
  }

  /** True where the job may be mined with the present prefix. */
  isFreshFor(job: Job): boolean {
    return this.#pair.isFreshFor(job);
  }

  /** The session was told to mine at this height. */
  mines(height: number): void {
    this.#retargeting.mines(height, this.#nowMs());
  }

  /** The session was told to stop. */
  stops(): void {
    this.#retargeting.stops(this.#nowMs());
  }

  /** The miner makes its table, and cannot mine yet. */
  prepares(): void {
    this.#retargeting.prepares(this.#nowMs());
  }

  /** It has its table. */
  prepared(): void {
    this.#retargeting.prepared(this.#nowMs());
  }

  /**
   * Counts a share that reached this target, whether it was accepted or not. A share of an earlier prefix with another target says nothing about the
   * present one.
   */
  share(target: bigint, isAccepted: boolean): void {
    if (target === this.target) this.#retargeting.share(isAccepted);
    this.review();
  }

  /** Notes the target the miner asks for. */
  wish(target: bigint): void {
    this.#retargeting.wishes(target);
    this.review();
  }

  /** Retargets where it is time, and tells the miner. */
  review(): void {
    const { grant, isMeasured } = this.#pair;
    if (this.#isRetargeting || this.#holder === undefined || grant === undefined) return;
    const present = { target: grant.target, isMeasured };
    const next = this.#retargeting.wanted(present, this.#threshold(), this.#nowMs());
    if (next === undefined) this.#noteFine(isMeasured);
    if (next === undefined || !this.#mayRetarget()) return;
    this.#isRetargeting = true;
    void this.#retarget(next).finally(() => {
      this.#isRetargeting = false;
    });
  }

  /** Another prefix with the same target. Resolves to its lines, which the caller sends; undefined where none can be had. */
  renew(): Promise<string | undefined> {
    return this.#inTurn(async () => {
      const { grant, isMeasured } = this.#pair;
      return grant === undefined ? undefined : this.#ask(grant.target, isMeasured);
    });
  }

  /** Tells another prefix with the same target, and resolves to it; undefined where none can be had. Shares on their way stay good. */
  async move(): Promise<number | undefined> {
    const lines = await this.renew();
    if (lines === undefined) return undefined;
    this.#out.send(lines);
    return this.prefix;
  }

  /** Sets the operator's target, on another prefix. No limit applies, because no stranger can ask for this. False if none can be had. */
  async assign(target: bigint): Promise<boolean> {
    if (this.#pair.grant === undefined) return false;
    const lines = await this.#inTurn(() => this.#ask(wholeTarget(target), false));
    if (lines !== undefined) this.#out.send(lines);
    return lines !== undefined;
  }

  /** The line that tells the present target; "" before subscribe. */
  targetLine(): string {
    return this.#pair.targetLine();
  }

  /** The connection is gone. */
  release(): void {
    this.#pair.release();
  }

  async #claim(holder: Holder, before: Holder | undefined): Promise<string | undefined> {
    const { grant } = this.#pair;
    if (grant === undefined) return "";
    const isSame = before?.user === holder.user && before.worker === holder.worker;
    if (isSame) return "";
    if (before === undefined && !(await this.#modules.backend.claimPrefix(grant.prefix, holder)))
      return undefined;
    const last = this.#lastTarget();
    // Shares under a prefix count for the worker that it was given to. So another worker needs another prefix.
    const isNeeded = before !== undefined;
    if (!isNeeded && (last === undefined || last === grant.target)) return "";
    const lines = this.#modules.quota.take(this.#remoteAddress)
      ? await this.#ask(last ?? grant.target, last !== undefined)
      : undefined;
    return lines ?? (isNeeded ? undefined : "");
  }

  #noteFine(isMeasured: boolean): void {
    if (!isMeasured && this.#retargeting.hasProved()) this.#pair.proved(this.#where());
    this.#retargeting.isFine(this.#nowMs());
  }

  #mayRetarget(): boolean {
    const { quota, backend } = this.#modules;
    return (
      this.#retargeting.mayChange(this.#nowMs()) &&
      !backend.prefixesAreScarce() &&
      quota.take(this.#remoteAddress)
    );
  }

  async #retarget({ target, isMeasured, wish }: Wanted): Promise<void> {
    const lines = await this.#inTurn(() => this.#ask(target, isMeasured));
    if (lines === undefined) return;
    if (wish !== undefined) this.#retargeting.tookUp(wish);
    this.#modules.metrics.retargeted();
    this.#out.send(lines);
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(work);
    this.#turn = result.catch(() => undefined);
    return result;
  }

  /**
   * Asks for another pair in place of the present one. Resolves to the lines that tell it, "" for the first. Undefined: none can be had, or the
   * session is over.
   */
  #ask(target: bigint, isMeasured: boolean): Promise<string | undefined> {
    const measured = isMeasured && !this.#retargeting.followsWish ? this.#where() : undefined;
    return this.#pair.exchange({ target, holder: this.#holder, measured });
  }

  #lastTarget(): bigint | undefined {
    if (this.#holder === undefined) return undefined;
    const last = this.#modules.backend.lastTarget(this.#holder, this.#where());
    return last === undefined ? undefined : bounded(last, this.#modules.settings, this.#threshold());
  }

  #where(): Measured {
    return { address: addressKey(this.#remoteAddress), trusted: this.#trusted };
  }

  #threshold(): bigint {
    return this.#modules.backend.currentJob()?.threshold ?? 0n;
  }

  #nowMs(): number {
    return this.#modules.clock.monotonicMs();
  }
}
