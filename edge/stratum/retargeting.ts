/**
 * Which target a session should get next, and whether it may get it now. This depends on its pace (vardiff.ts), its miner's wish, the submission
 * threshold, and how often targets may change. Pure bookkeeping; times are passed in.
 */

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

/** `wish`: the miner's wish, if this target follows it. */
export type Wanted = Retarget & { readonly wish?: bigint | undefined };

/** The miner's wish for a target. It is followed once, whether harder or easier; after that vardiff does not go below it. */
type Wish =
  | { readonly kind: "none" }
  | { readonly kind: "open"; readonly target: bigint }
  | { readonly kind: "taken-up"; readonly target: bigint };

export class Retargeting {
  readonly #settings: StratumSettings;
  /** What was seen at the present target. */
  #pace: Pace = freshPace(undefined);
  #wish: Wish = { kind: "none" };
  #height = -1;
  /** It was told to mine. */
  #isMining: boolean = false;
  /** It cannot mine before it has its table. */
  #isPreparing: boolean = false;
  #changesInJob = 0;
  #changedMs = Number.NEGATIVE_INFINITY;

  constructor(settings: StratumSettings) {
    this.#settings = settings;
  }

  /** The session mines at its miner's wish, so that its targets do not show its pace. */
  get followsWish(): boolean {
    return this.#wish.kind !== "none";
  }

  /** The session was told to mine at this height. */
  mines(height: number, nowMs: number): void {
    if (height !== this.#height) this.#changesInJob = 0;
    this.#height = height;
    this.#isMining = true;
    this.#goOn(nowMs);
  }

  /** The session was told to stop. */
  stops(nowMs: number): void {
    this.#isMining = false;
    this.#pace = paused(this.#pace, nowMs);
  }

  /** The miner makes its table: that it finds nothing shows no pace. */
  prepares(nowMs: number): void {
    this.#isPreparing = true;
    this.#pace = paused(this.#pace, nowMs);
  }

  /** The miner has its table. */
  prepared(nowMs: number): void {
    this.#isPreparing = false;
    this.#goOn(nowMs);
  }

  /** Counts a share that reached the present target, whether it was accepted or not. */
  share(isAccepted: boolean): void {
    this.#pace = withShare(this.#pace, isAccepted);
  }

  /** Notes the target the miner asks for. */
  wishes(target: bigint): void {
    this.#wish = { kind: "open", target };
  }

  /**
   * The target that the session should have instead of its present one; undefined: the present one is right. `isMeasured`: it has proved right for
   * its worker. `threshold`: 0n if there is none.
   */
  wanted({ target, isMeasured: measured }: Retarget, threshold: bigint, nowMs: number): Wanted | undefined {
    const within = (wanted: bigint): bigint => bounded(wanted, this.#settings, threshold);
    const differs = (wanted: Wanted): Wanted | undefined => (wanted.target === target ? undefined : wanted);
    // A target above the threshold hides entries that could win.
    if (threshold > 0n && target > threshold) return { target: within(threshold), isMeasured: measured };
    const asked = this.#wish;
    const wish = asked.kind === "none" ? undefined : within(asked.target);
    if (asked.kind !== "none" && wish !== undefined && (asked.kind === "open" || target < wish))
      return differs({ target: wish, isMeasured: false, wish: asked.target });
    const paced = wantedTarget(this.#pace, target, this.#settings, nowMs);
    if (paced === undefined) return undefined;
    const wanted = within(paced.target);
    return differs({
      target: wish === undefined || wanted > wish ? wanted : wish,
      isMeasured: paced.isMeasured,
    });
  }

  /** True if the changes in this job are few enough, and the last one is long enough ago, for another one. */
  mayChange(nowMs: number): boolean {
    return (
      this.#changesInJob < this.#settings.retargetsPerJob &&
      nowMs - this.#changedMs >= retargetEveryMs(this.#settings)
    );
  }

  /** The session has another target from here on. */
  changed(nowMs: number): void {
    this.#pace = this.#freshPace(nowMs);
    this.#changesInJob += 1;
    this.#changedMs = nowMs;
  }

  /** The session has the target of this wish. If the miner has sent another wish meanwhile, that one is still to be followed. */
  tookUp(wish: bigint): void {
    if (this.#wish.kind === "open" && this.#wish.target === wish)
      this.#wish = { kind: "taken-up", target: wish };
  }

  /** The present target has proved right, with 20 or more accepted shares, and did not come from a wish. */
  hasProved(): boolean {
    return !this.followsWish && isMeasured(this.#pace);
  }

  /** The present target is as it should be. */
  isFine(nowMs: number): void {
    if (this.#wish.kind === "open") this.tookUp(this.#wish.target);
    if (isOld(this.#pace, this.#settings, nowMs)) this.#pace = this.#freshPace(nowMs);
  }

  #goOn(nowMs: number): void {
    if (this.#isMining && !this.#isPreparing) this.#pace = resumed(this.#pace, nowMs);
  }

  #freshPace(nowMs: number): Pace {
    return freshPace(this.#pace.sinceMs === undefined ? undefined : nowMs);
  }
}
