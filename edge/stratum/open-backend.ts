/** A backend that needs nothing else: every name may log in, jobs are set by hand, shares are checked and forgotten. For `prosper stratum` and the replay of transcripts. */

import { bytesToU64, concat, fromHex } from "../../shared/bytes.ts";
import type { Clock, Random } from "../../shared/clock.ts";
import type { Hasher } from "../../shared/hash/hasher.ts";
import type { Logger } from "../../shared/logger.ts";
import { LastTargets } from "../shares/last-targets.ts";
import { OpenJobs, runFrom } from "../shares/open-jobs.ts";
import { keyedOrder } from "../shares/prefix-order.ts";
import { Prefixes } from "../shares/prefixes.ts";
import { ScarcityAlarm } from "../shares/scarcity.ts";
import { refused, screen } from "../shares/screen.ts";
import { SeenNonces } from "../shares/seen.ts";
import type {
  AuthorizeRequest,
  AuthorizeVerdict,
  Grant,
  GrantRequest,
  Holder,
  Job,
  Measured,
  ShareVerdict,
  StratumBackend,
  SubmittedShare,
} from "./backend.ts";

/** How many nonces of a job are remembered; above that, shares are refused as busy. */
const MAX_SEEN = 1_000_000;

export interface OpenBackendOptions {
  /** How long after a stop, or a new job, shares of the one before are taken. */
  readonly lateMs: number;
}

export interface OpenBackendModules {
  /** If missing, the miners' claims are believed. */
  readonly hasher: Hasher | undefined;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Gives out the nonce prefixes; if missing, those of a random slot are used. */
  readonly prefixes?: Prefixes;
}

export class OpenBackend implements StratumBackend {
  readonly #modules: OpenBackendModules;
  readonly #jobs: OpenJobs;
  readonly #prefixes: Prefixes;
  readonly #lastTargets: LastTargets;
  readonly #alarm: ScarcityAlarm;

  constructor(options: OpenBackendOptions, modules: OpenBackendModules) {
    const { random } = modules;
    this.#modules = modules;
    this.#jobs = new OpenJobs(options.lateMs);
    this.#prefixes = modules.prefixes ?? new Prefixes({ order: keyedOrder(random(32)) });
    this.#lastTargets = new LastTargets(this.#prefixes);
    this.#alarm = new ScarcityAlarm({ prefixes: this.#prefixes, logger: modules.logger });
    const [high = 0, low = 0] = random(2);
    this.#prefixes.useSlot(((high << 8) | low) & 0xfff);
  }

  /** False, and nothing changes, unless the height is above the current one. */
  setJob(height: number, oprHash: string): boolean {
    const { clock, random } = this.#modules;
    const current = this.#jobs.current();
    if (current !== undefined && height <= current.height) return false;
    this.#jobs.end(clock.monotonicMs(), this.#prefixes.lastSerial());
    for (const { height: over } of this.#jobs.takeOver(clock.monotonicMs())) this.#prefixes.jobOver(over);
    this.#prefixes.jobOpens(height);
    this.#alarm.jobOpened();
    this.#jobs.open({
      ...{ height, oprHash, credit: "assigned", runs: [runFrom(0)], inFlight: 0 },
      oprHashBytes: fromHex(oprHash, "oprHash"),
      seen: new SeenNonces(random(16), MAX_SEEN),
    });
    return true;
  }

  /** Miners must stop, because the block is being saved. Call `jobChanged` of the server after it. */
  stop(): void {
    this.#jobs.stop(this.#modules.clock.monotonicMs(), this.#prefixes.lastSerial());
  }

  /** The block was not being saved: the job goes on. Call `jobChanged` of the server after it. */
  resume(): void {
    this.#jobs.resume(this.#modules.clock.monotonicMs(), this.#prefixes.lastSerial() + 1);
  }

  currentJob(): Job | undefined {
    const job = this.#jobs.current();
    const freshFrom = this.#jobs.freshFrom();
    if (job === undefined || freshFrom === undefined) return undefined;
    return { height: job.height, oprHash: job.oprHash, threshold: 0n, freshFrom };
  }

  oprHashOf(height: number): string | undefined {
    return this.#jobs.live().find((job) => job.height === height)?.oprHash;
  }

  authorize(_request: AuthorizeRequest): Promise<AuthorizeVerdict> {
    return Promise.resolve({ kind: "ok", registered: false });
  }

  async grantPrefix({ target, holder, measured }: GrantRequest): Promise<Grant | undefined> {
    const granted = this.#prefixes.grant(target, holder, measured);
    if (granted !== undefined) this.#lastTargets.given(granted);
    this.#alarm.look();
    return granted;
  }

  async claimPrefix(prefix: number, holder: Holder): Promise<boolean> {
    this.#prefixes.claim(prefix, holder);
    return true;
  }

  releasePrefix(prefix: number): void {
    this.#prefixes.release(prefix, this.#jobs.newest()?.height);
  }

  measuredPrefix(prefix: number, measured: Measured): void {
    this.#lastTargets.proved(prefix, measured);
  }

  lastTarget(holder: Holder, where: Measured): bigint | undefined {
    return this.#lastTargets.of(holder, where);
  }

  prefixesAreScarce(): boolean {
    return this.#prefixes.isScarce();
  }

  async submit(share: SubmittedShare): Promise<ShareVerdict> {
    const candidate = screen(share, { jobs: this.#jobs, prefixes: this.#prefixes });
    if ("kind" in candidate) return candidate;
    const { job, nonce, claimed, target } = candidate;
    const { hasher } = this.#modules;
    if (hasher?.canAcceptWork() === false) {
      job.seen.release(nonce.bytes);
      return refused("busy", "too many shares at once, the nonce stays unused", target);
    }
    if (hasher !== undefined) {
      const [hash] = await hasher.hash([concat(job.oprHashBytes, nonce.bytes)]);
      if (hash === undefined || bytesToU64(hash) !== claimed) {
        job.seen.release(nonce.bytes);
        return refused("wrong-hash", "the hash does not reach the claimed target");
      }
    }
    job.seen.credit(nonce.bytes);
    return { kind: "accepted", target };
  }
}
