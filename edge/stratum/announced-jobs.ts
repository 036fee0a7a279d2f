/** The job that miners are told to mine, and the oprHashes of the last jobs announced, for `mining.get_oprhash`. */

import type { Job } from "./backend.ts";

export type AnnouncedJob = Omit<Job, "freshFrom">;

/** The number of jobs whose oprHash a miner may still ask for. */
const REMEMBERED_JOBS = 16;

export class AnnouncedJobs {
  #current: AnnouncedJob | undefined;
  /** By height. */
  readonly #oprHashes = new Map<number, string>();

  /** Undefined while there is none. */
  current(): AnnouncedJob | undefined {
    return this.#current;
  }

  /** Undefined for a job that was not announced here lately. */
  oprHashOf(height: number): string | undefined {
    return this.#oprHashes.get(height);
  }

  announce(job: AnnouncedJob): void {
    this.#current = job;
    this.#oprHashes.set(job.height, job.oprHash);
    for (const height of this.#oprHashes.keys())
      if (height <= job.height - REMEMBERED_JOBS) this.#oprHashes.delete(height);
  }

  /** The current job is over. */
  end(): void {
    this.#current = undefined;
  }
}
