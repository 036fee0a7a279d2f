/**
 * The job that this edge's miners mine. It is open at the share desk before the miners hear of it, it is stopped while the mining switch is off, and it
 * ends with its block (docs/design.md, "What is told and what is paid end together").
 */

import { type Clock, sleep } from "../shared/clock.ts";
import type { JobRow } from "../shared/db/jobs.ts";
import type { Submitter } from "./chain/submitter.ts";
import { MiningSwitch, type StopReason } from "./mining-switch.ts";
import type { ShareDesk } from "./shares/share-desk.ts";
import type { AnnouncedJobs } from "./stratum/announced-jobs.ts";

export interface MinedJobModules {
  readonly announced: AnnouncedJobs;
  readonly desk: ShareDesk;
  readonly submitter: Pick<Submitter, "openJob" | "offer">;
  readonly clock: Clock;
  /** The newest height that is known to be saved. */
  readonly topHeight: () => number | undefined;
  /** The miners must be told. */
  readonly onChange: () => void;
  /** The edge stops: nothing is tried again. */
  readonly stopping: AbortSignal;
}

const RETRY_MS = 1_000;
const WATCH_MS = 250;

/** A reason to stop must be away for a fortieth of a block before miners go on, 0.5 to 5 s. */
function calmMs(blockMs: number): number {
  return Math.min(5_000, Math.max(500, blockMs / 40));
}

export class MinedJob {
  readonly #modules: MinedJobModules;
  readonly #switch: MiningSwitch;
  /** When the newest height was seen, monotonic. */
  #heightSeenMs = 0;
  /** When there was last a job; undefined before the first one. */
  #endedMs: number | undefined;

  constructor(options: { readonly blockMs: number }, modules: MinedJobModules) {
    this.#modules = modules;
    this.#switch = new MiningSwitch({ calmMs: calmMs(options.blockMs) }, modules, (isOn) => {
      if (isOn) void this.#goOn().then(modules.onChange);
      else {
        modules.desk.stopJob();
        modules.onChange();
      }
    });
  }

  /** The block at `height` is saved: its job is over, and miners stop until the next one is there. */
  saved(height: number): void {
    const { announced, desk, clock, onChange } = this.#modules;
    this.#heightSeenMs = clock.monotonicMs();
    const job = announced.current();
    if (job === undefined || job.height > height) return;
    announced.end();
    this.#endedMs = this.#heightSeenMs;
    desk.endCurrentJob(this.#heightSeenMs);
    onChange();
  }

  /** The next job is there. The desk takes its shares before miners hear of it. Rejects as ShareDesk's `openJob` does. */
  async begin(job: JobRow): Promise<void> {
    const { announced, desk, submitter, topHeight, onChange } = this.#modules;
    // The submitter first: shares may come as soon as the desk takes them.
    await submitter.openJob(job);
    const recovered = await desk.openJob(
      { height: job.height, oprHash: job.oprHash, credit: job.credit, threshold: `${job.threshold}` },
      this.#heightSeenMs,
    );
    for (const share of recovered) submitter.offer(share);
    // Its block may have been saved while it was opened.
    if ((topHeight() ?? 0) >= job.height) return desk.endCurrentJob(this.#heightSeenMs);
    announced.announce(job);
    this.#switch.jobIs();
    if (this.#switch.isOn) await this.#goOn();
    else desk.stopJob();
    onChange();
  }

  /** Notes whether this reason to stop the miners applies. */
  stopFor(reason: StopReason, applies: boolean): void {
    this.#switch.set(reason, applies);
  }

  /** Runs until the edge stops: miners are not asked for work that the desk cannot keep. */
  async watchDesk(): Promise<void> {
    const { desk, clock, stopping } = this.#modules;
    while (!stopping.aborted) {
      this.stopFor("unkept", !desk.canKeep());
      await sleep(clock, WATCH_MS, stopping);
    }
  }

  /** Milliseconds without a job since the last one ended; 0 while there is one, undefined before the first. */
  withoutJobMs(): number | undefined {
    const { announced, clock } = this.#modules;
    if (announced.current() !== undefined) return 0;
    return this.#endedMs === undefined ? undefined : clock.monotonicMs() - this.#endedMs;
  }

  /** The current job is mined: for the first time, or again after a stop. */
  async #goOn(): Promise<void> {
    const { announced, desk, clock, onChange, stopping } = this.#modules;
    if ((await desk.resumeJob()) || announced.current() === undefined) return;
    clock.after(RETRY_MS, () => {
      if (this.#switch.isOn && !stopping.aborted) void this.#goOn().then(onChange);
    });
  }
}
