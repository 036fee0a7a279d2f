/**
 * The backend of an edge. It passes the stratum server's questions on: to the logins, to the announced jobs and, for prefixes and shares, to the share
 * desk. A submit goes on in edge/shares/share-desk.ts and edge/shares/pipeline.ts (docs/design.md, "The path of a share").
 */

import type { ShareDesk } from "../shares/share-desk.ts";
import type { AnnouncedJobs } from "./announced-jobs.ts";
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

export interface EdgeBackendModules {
  readonly announced: AnnouncedJobs;
  readonly desk: ShareDesk;
  readonly logins: Pick<StratumBackend, "authorize">;
  readonly siblings?: Siblings;
}

/** The other edge processes of this machine (docs/design.md, "Several processes"). */
export interface Siblings {
  /** Judges a share in the process that gave its prefix out: only that one knows which of its nonces were taken. Undefined: none of them has that slot. */
  submit(slot: number, share: SubmittedShare): Promise<ShareVerdict | undefined>;
}

/** A nonce begins with its slot: 12 bits, in hex. */
const SLOT_DIGITS = 3;

export class EdgeBackend implements StratumBackend {
  readonly #modules: EdgeBackendModules;

  constructor(modules: EdgeBackendModules) {
    this.#modules = modules;
  }

  /** Undefined while the desk takes no shares of the job. */
  currentJob(): Job | undefined {
    const job = this.#modules.announced.current();
    const freshFrom = this.#modules.desk.freshFrom();
    if (job === undefined || freshFrom === undefined) return undefined;
    return { height: job.height, oprHash: job.oprHash, threshold: job.threshold, freshFrom };
  }

  oprHashOf(height: number): string | undefined {
    return this.#modules.announced.oprHashOf(height);
  }

  authorize(request: AuthorizeRequest): Promise<AuthorizeVerdict> {
    return this.#modules.logins.authorize(request);
  }

  grantPrefix(request: GrantRequest): Promise<Grant | undefined> {
    return this.#modules.desk.grantPrefix(request);
  }

  claimPrefix(prefix: number, holder: Holder): Promise<boolean> {
    return this.#modules.desk.claimPrefix(prefix, holder);
  }

  releasePrefix(prefix: number): void {
    this.#modules.desk.releasePrefix(prefix);
  }

  measuredPrefix(prefix: number, measured: Measured): void {
    this.#modules.desk.measuredPrefix(prefix, measured);
  }

  lastTarget(holder: Holder, where: Measured): bigint | undefined {
    return this.#modules.desk.lastTarget(holder, where);
  }

  prefixesAreScarce(): boolean {
    return this.#modules.desk.prefixesAreScarce();
  }

  /** A miner that lost its connection to another process sends here what it found under that one's prefix. */
  submit(share: SubmittedShare): Promise<ShareVerdict> {
    const { desk, siblings } = this.#modules;
    if (siblings === undefined) return desk.submit(share);
    const slot = Number.parseInt(share.nonce.slice(0, SLOT_DIGITS), 16);
    if (Number.isNaN(slot) || slot === desk.grant()?.slot) return desk.submit(share);
    return siblings.submit(slot, share).then((verdict) => verdict ?? desk.submit(share));
  }
}
