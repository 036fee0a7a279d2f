/** The way of a share to its answer: it is screened, hashed, put on record and counted (docs/design.md, "The path of a share"). */

import type { ShareVerdict, SubmittedShare } from "../stratum/backend.ts";
import { Checking, type CheckingParts } from "./checking.ts";
import { type ScreenModules, screen } from "./screen.ts";
import { ShareHashing, type ShareHashingModules } from "./share-hashing.ts";
import { ShareRecords, type ShareRecordsModules } from "./share-records.ts";
import { VerdictCounts, type VerdictStats } from "./verdict-counts.ts";

export interface PipelineModules extends ScreenModules, ShareHashingModules, ShareRecordsModules {}

export class Pipeline {
  readonly #parts: CheckingParts & ScreenModules;

  constructor(modules: PipelineModules) {
    this.#parts = {
      ...modules,
      hashing: new ShareHashing(modules),
      records: new ShareRecords(modules),
      counts: new VerdictCounts(modules),
    };
  }

  /** The verdict on one share. `accepted` means that it is on disk and will be credited once. */
  submit(share: SubmittedShare): Promise<ShareVerdict> {
    const candidate = screen(share, this.#parts);
    if ("kind" in candidate) {
      this.#parts.counts.count(share, candidate);
      return Promise.resolve(candidate);
    }
    return new Promise((resolve, reject) => {
      new Checking(this.#parts, share, candidate, { resolve, reject }).begin();
    });
  }

  stats(): VerdictStats {
    return this.#parts.counts.stats();
  }
}
