/**
 * The nonce prefix that a session mines with, and its target: a prefix keeps its target for its whole life, so every other target is another prefix
 * (DESIGN.md, "What a share is worth is fixed before it is found"; STRATUM.md, T1 and C1).
 */

import type { Clock } from "../../shared/clock.ts";
import { wholeTarget } from "../../shared/difficulty/work.ts";
import { addressKey } from "../../shared/ip-address.ts";
import { encodeRequest, formatTarget } from "../../shared/messages/stratum.ts";
import type { Grant, Holder, Job, Measured, StratumBackend } from "./backend.ts";
import type { StratumMetrics } from "./metrics.ts";
import type { PrefixQuota } from "./prefix-quota.ts";
import type { StratumSettings } from "./settings.ts";
import {
  bounded,
  freshPace,
  isMeasured,
  isOld,
  type Pace,
  paused,
  type Retarget,
  resumed,
  retargetEveryMs,
  wantedTarget,
  withShare,
} from "./vardiff.ts";

export interface SessionPrefixModules {
  readonly backend: StratumBackend;
  readonly clock: Clock;
  readonly metrics: StratumMetrics;
  readonly settings: StratumSettings;
  readonly quota: PrefixQuota;
}

export interface SessionPrefixHooks {
  readonly remoteAddress: string;
  /** The connection is gone: what arrives for it is given back. */
  isEnded(): boolean;
  nextId(): number;
  /** Lines that change prefix and target, in one write. */
  send(lines: string): void;
}

/** `wish`: what the miner asked for, where this follows it. */
type Wanted = Retarget & { readonly wish?: bigint | undefined };

export class SessionPrefix {
  readonly #modules: SessionPrefixModules;
  readonly #hooks: SessionPrefixHooks;
  #grant: Grant | undefined;
  #holder: Holder | undefined;
  #trusted: boolean = false;
  #pace: Pace = freshPace(undefined);
  /** What the miner asked for: taken up once, in either direction; after that vardiff does not go below it. */
  #wish: bigint | undefined;
  /** The wish has not been taken up yet. */
  #isWishOpen: boolean = false;
  #isMeasuredNoted: boolean = false;
  #height = -1;
  #retargetsInJob = 0;
  #retargetedMs = Number.NEGATIVE_INFINITY;
  /** One prefix is asked for at a time. */
  #turn: Promise<unknown> = Promise.resolve();
  #isRetargeting: boolean = false;
  #isReleased: boolean = false;

  constructor(modules: SessionPrefixModules, hooks: SessionPrefixHooks) {
    this.#modules = modules;
    this.#hooks = hooks;
  }

  /** Undefined before subscribe. */
  get target(): bigint | undefined {
    return this.#grant?.target;
  }

  get prefix(): number | undefined {
    return this.#grant?.prefix;
  }

  /** Once: the first prefix, with the first target, or with the worker's last one where it has logged in before it subscribed. False: none can be had. */
  async subscribe(): Promise<boolean> {
    if (this.#grant !== undefined) return true;
    if (!this.#modules.quota.take(this.#hooks.remoteAddress)) return false;
    const { settings } = this.#modules;
    const last = this.#lastTarget();
    const target = last ?? bounded(settings.firstTarget, settings, this.#threshold());
    return (await this.#ask(target, last !== undefined)) !== undefined;
  }

  /**
   * The session mines for this holder from now on. Resolves to the lines that follow the answer: a second prefix where the worker's last target is
   * known, or where the worker is another than before. Undefined: it cannot be put on record now.
   */
  login(holder: Holder, trusted: boolean): Promise<string | undefined> {
    const before = this.#holder;
    this.#holder = holder;
    this.#trusted = trusted;
    // In its turn: a prefix that was asked for before the login, as for a job that goes on, is claimed when it is there.
    return this.#inTurn(() => this.#logIn(holder, before));
  }

  async #logIn(holder: Holder, before: Holder | undefined): Promise<string | undefined> {
    const grant = this.#grant;
    if (grant === undefined) return "";
    const isSame = before?.user === holder.user && before.worker === holder.worker;
    if (isSame) return "";
    if (before === undefined && !(await this.#modules.backend.claimPrefix(grant.prefix, holder)))
      return undefined;
    const last = this.#lastTarget();
    // What is found under a prefix counts for the worker that it was given to: another worker needs another.
    const isNeeded = before !== undefined;
    if (!isNeeded && (last === undefined || last === grant.target)) return "";
    const lines = this.#modules.quota.take(this.#hooks.remoteAddress)
      ? await this.#ask(last ?? grant.target, last !== undefined)
      : undefined;
    return lines ?? (isNeeded ? undefined : "");
  }

  /** True where the job may be mined with the present prefix. */
  isFreshFor({ freshFrom }: Job): boolean {
    return this.#grant !== undefined && this.#grant.serial >= freshFrom;
  }

  /** The job was announced to the session. */
  heard({ height }: Job): void {
    if (height !== this.#height) this.#retargetsInJob = 0;
    this.#height = height;
    this.#pace = resumed(this.#pace, this.#nowMs());
  }

  /** The session was told to stop. */
  stopped(): void {
    this.#pace = paused(this.#pace, this.#nowMs());
  }

  /** A share that reached this target, whatever became of it. One of an earlier prefix says nothing of the present target. */
  share(target: bigint, isAccepted: boolean): void {
    if (target === this.#grant?.target) this.#pace = withShare(this.#pace, isAccepted);
  }

  /** Notes the target the miner asks for. */
  wish(target: bigint): void {
    this.#wish = target;
    this.#isWishOpen = true;
  }

  /** Retargets where it is time, and tells the miner. */
  review(): void {
    if (this.#isRetargeting || this.#holder === undefined || this.#grant === undefined) return;
    const next = this.#wanted(this.#grant);
    if (next === undefined) this.#noteFine(this.#grant);
    if (next === undefined || !this.#mayRetarget()) return;
    this.#isRetargeting = true;
    void this.#retarget(next).finally(() => {
      this.#isRetargeting = false;
    });
  }

  /** Another prefix with the same target. Resolves to its lines; undefined where none can be had. */
  renew(): Promise<string | undefined> {
    return this.#inTurn(async () => {
      const grant = this.#grant;
      return grant === undefined ? undefined : this.#ask(grant.target, this.#isMeasuredNoted);
    });
  }

  /** A target set by the operator's hand, on another prefix: not limited, since no stranger can ask for it. False where none can be had. */
  async assign(target: bigint): Promise<boolean> {
    if (this.#grant === undefined) return false;
    const lines = await this.#inTurn(() => this.#ask(wholeTarget(target), false));
    if (lines !== undefined) this.#hooks.send(lines);
    return lines !== undefined;
  }

  /** The line that tells the present target; "" before subscribe. */
  targetLine(): string {
    return this.#grant === undefined ? "" : this.#targetLine(this.#grant.target);
  }

  /** The session is over. */
  release(): void {
    this.#isReleased = true;
    if (this.#grant !== undefined) this.#modules.backend.releasePrefix(this.#grant.prefix);
    this.#grant = undefined;
  }

  #wanted({ target }: Grant): Wanted | undefined {
    const { settings } = this.#modules;
    const threshold = this.#threshold();
    const within = (wanted: bigint): bigint => bounded(wanted, settings, threshold);
    const differs = (wanted: Wanted): Wanted | undefined => (wanted.target === target ? undefined : wanted);
    // Above the threshold entries that could win are hidden.
    if (threshold > 0n && target > threshold)
      return { target: within(threshold), isMeasured: this.#isMeasuredNoted };
    const wish = this.#wish === undefined ? undefined : within(this.#wish);
    if (wish !== undefined && (this.#isWishOpen || target < wish))
      return differs({ target: wish, isMeasured: false, wish: this.#wish });
    const paced = wantedTarget(this.#pace, target, settings, this.#nowMs());
    if (paced === undefined) return undefined;
    const wanted = within(paced.target);
    return differs({
      target: wish === undefined || wanted > wish ? wanted : wish,
      isMeasured: paced.isMeasured,
    });
  }

  /** The present target is as it should be. */
  #noteFine({ prefix }: Grant): void {
    this.#isWishOpen = false;
    if (!this.#isMeasuredNoted && this.#wish === undefined && isMeasured(this.#pace)) {
      this.#isMeasuredNoted = true;
      this.#modules.backend.measuredPrefix(prefix, this.#where());
    }
    if (isOld(this.#pace, this.#modules.settings, this.#nowMs())) this.#pace = freshPace(this.#since());
  }

  #mayRetarget(): boolean {
    const { settings, quota, backend } = this.#modules;
    return (
      this.#retargetsInJob < settings.retargetsPerJob &&
      this.#nowMs() - this.#retargetedMs >= retargetEveryMs(settings) &&
      !backend.prefixesAreScarce() &&
      quota.take(this.#hooks.remoteAddress)
    );
  }

  async #retarget({ target, isMeasured: measured, wish }: Wanted): Promise<void> {
    const lines = await this.#inTurn(() => this.#ask(target, measured));
    if (lines === undefined) return;
    // Another wish that came meanwhile is still to be taken up.
    if (wish !== undefined && wish === this.#wish) this.#isWishOpen = false;
    this.#modules.metrics.retargeted();
    this.#hooks.send(lines);
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(work);
    this.#turn = result.catch(() => undefined);
    return result;
  }

  /** Takes a new prefix in place of the present one; the lines that tell it, "" for the first. Undefined: there is none, or the session is over. */
  async #ask(target: bigint, isMeasuredTarget: boolean): Promise<string | undefined> {
    const { backend } = this.#modules;
    const measured = isMeasuredTarget && this.#wish === undefined ? this.#where() : undefined;
    const granted = await backend.grantPrefix({ target, holder: this.#holder, measured });
    if (granted === undefined) return undefined;
    if (this.#isReleased || this.#hooks.isEnded()) {
      backend.releasePrefix(granted.prefix);
      return undefined;
    }
    const before = this.#grant;
    this.#grant = granted;
    this.#isMeasuredNoted = measured !== undefined;
    if (before === undefined) return "";
    backend.releasePrefix(before.prefix);
    if (before.target !== target) {
      this.#pace = freshPace(this.#since());
      this.#retargetsInJob += 1;
      this.#retargetedMs = this.#nowMs();
    }
    return this.#changeLines(before.target, granted);
  }

  /** A harder target first, an easier one last: in between the miner sends nothing that its prefix's target would not take. */
  #changeLines(before: bigint, { prefix, target }: Grant): string {
    const nonceLine = encodeRequest(this.#hooks.nextId(), "mining.set_nonce", [String(prefix)]);
    if (target === before) return nonceLine;
    const targetLine = this.#targetLine(target);
    return target > before ? targetLine + nonceLine : nonceLine + targetLine;
  }

  #targetLine(target: bigint): string {
    return encodeRequest(this.#hooks.nextId(), "mining.set_target", [formatTarget(target)]);
  }

  #lastTarget(): bigint | undefined {
    if (this.#holder === undefined) return undefined;
    const last = this.#modules.backend.lastTarget(this.#holder, this.#where());
    return last === undefined ? undefined : bounded(last, this.#modules.settings, this.#threshold());
  }

  #where(): Measured {
    return { address: addressKey(this.#hooks.remoteAddress), trusted: this.#trusted };
  }

  #threshold(): bigint {
    return this.#modules.backend.currentJob()?.threshold ?? 0n;
  }

  #since(): number | undefined {
    return this.#pace.sinceMs === undefined ? undefined : this.#nowMs();
  }

  #nowMs(): number {
    return this.#modules.clock.monotonicMs();
  }
}
