/** A share desk that has what its edge tells its miners noted: which prefixes, and when to mine what. */

import type { JobRecord } from "../../../edge/journal/records.ts";
import type { AcceptedShare } from "../../../edge/shares/accepted-share.ts";
import type { ShareDeskModules, ShareDeskOptions } from "../../../edge/shares/interface.ts";
import { ShareDesk } from "../../../edge/shares/share-desk.ts";
import type {
  Grant,
  GrantRequest,
  Holder,
  ShareVerdict,
  SubmittedShare,
} from "../../../edge/stratum/backend.ts";
import { holderOf } from "./client.ts";
import { THRESHOLD } from "./hits.ts";
import type { SimProcess } from "./process.ts";
import type { ToldLedger } from "./told.ts";

export interface ToldDeskWitness {
  readonly told: ToldLedger;
  readonly process: SimProcess;
  /** The height that its miners are told of. */
  readonly announced: () => number | undefined;
  /** A session was given this prefix. */
  readonly onGranted: (prefix: number) => void;
  readonly guard: (work: () => void) => void;
  /** The edge takes a share. */
  readonly onAccept: () => void;
}

export class ToldDesk extends ShareDesk {
  /** Prefixes that sessions hold. */
  readonly held = new Set<number>();
  readonly #edgeId: string;
  readonly #witness: ToldDeskWitness;

  constructor(options: ShareDeskOptions, modules: ShareDeskModules, witness: ToldDeskWitness) {
    super(options, modules);
    this.#edgeId = options.edgeId;
    this.#witness = witness;
  }

  /** Its threshold is of the desk's knowledge alone: miners are assigned targets above it too. */
  override async openJob(job: JobRecord, seenAtMs?: number): Promise<readonly AcceptedShare[]> {
    const recovered = await super.openJob({ ...job, threshold: `${THRESHOLD}` }, seenAtMs);
    if (this.freshFrom() !== undefined) this.#witness.told.mines(this.#edgeId, job.height);
    return recovered;
  }

  override endCurrentJob(seenAtMs?: number): void {
    super.endCurrentJob(seenAtMs);
    this.#witness.told.stops(this.#edgeId);
  }

  override stopJob(atMs?: number): void {
    super.stopJob(atMs);
    this.#witness.told.stops(this.#edgeId);
  }

  override async resumeJob(): Promise<boolean> {
    const { told, announced } = this.#witness;
    const resumption = told.resumption();
    const wasStopped = this.freshFrom() === undefined;
    const isResumed = await super.resumeJob();
    const job = announced();
    if (isResumed && wasStopped && job !== undefined) told.mines(this.#edgeId, job, resumption);
    return isResumed;
  }

  override async grantPrefix(request: GrantRequest): Promise<Grant | undefined> {
    const { told, process, guard, onGranted } = this.#witness;
    const serial = told.asked();
    const granted = await super.grantPrefix(request);
    if (granted === undefined || !process.alive) return granted;
    const { prefix, target } = granted;
    const holder = request.holder === undefined ? undefined : holderOf(request.holder);
    guard(() => {
      told.granted(this.#edgeId, prefix, { target, holder, serial });
      onGranted(prefix);
    });
    this.held.add(prefix);
    return granted;
  }

  override async claimPrefix(prefix: number, holder: Holder): Promise<boolean> {
    const isClaimed = await super.claimPrefix(prefix, holder);
    if (isClaimed) this.#witness.told.claimed(this.#edgeId, prefix, holderOf(holder));
    return isClaimed;
  }

  override releasePrefix(prefix: number): void {
    this.held.delete(prefix);
    this.#witness.told.released(this.#edgeId, prefix, this.stats()?.currentJob);
    super.releasePrefix(prefix);
  }

  override async submit(share: SubmittedShare): Promise<ShareVerdict> {
    const verdict = await super.submit(share);
    if (verdict.kind === "accepted" && this.#witness.process.alive) this.#witness.onAccept();
    return verdict;
  }
}
