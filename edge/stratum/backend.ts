/** The one port between the stratum server and the rest of the edge: jobs, logins, nonce prefixes and share verdicts (docs/design.md, "The path of a share"). */

import type { RefusalCode } from "../../shared/messages/refusals.ts";

/** What miners work on now. */
export interface Job {
  /** Block height being mined; its decimal text is the job id on the wire. */
  readonly height: number;
  /** 64 lower-case hex digits. */
  readonly oprHash: string;
  /** Submission threshold as a 64-bit target: no session is assigned more than this. 0n = there is none. */
  readonly threshold: bigint;
  /** Only prefixes of this serial or a later one may mine the job: older ones were held while it was stopped. */
  readonly freshFrom: number;
}

/** A `mining.authorize` whose names have the right form. Empty strings stand for parameters that were not sent. */
export interface AuthorizeRequest {
  readonly user: string;
  readonly worker: string;
  readonly password: string;
  readonly invite: string;
  readonly payoutAddress: string;
  readonly remoteAddress: string;
  /** What the client called itself in `mining.subscribe`; "" before that. */
  readonly agent: string;
}

/**
 * `refused` is answered `"result":false`, and the Go miner then exits for good: return it only when it is certain.
 * `unavailable` closes the connection without an answer, and the miner comes back.
 */
export type AuthorizeVerdict =
  | {
      readonly kind: "ok";
      /** This call made the account. */
      readonly registered: boolean;
      /** A text that the person behind the miner has to know. */
      readonly notice?: string;
    }
  | { readonly kind: "refused"; readonly reason: string }
  | { readonly kind: "unavailable" };

/** Who holds a nonce prefix once its session has logged in. */
export interface Holder {
  readonly user: string;
  readonly worker: string;
}

/** Where a pace was measured: at this address (addressKey), by a session with the worker's password (`trusted`) or without it. */
export interface Measured {
  readonly address: string;
  readonly trusted: boolean;
}

/** A nonce prefix with the target of its whole life. */
export interface Grant {
  /** 32 bits. */
  readonly prefix: number;
  readonly target: bigint;
  /** Its number in the order of giving out. */
  readonly serial: number;
}

export interface GrantRequest {
  readonly target: bigint;
  /** Undefined before the login: `claimPrefix` follows. */
  readonly holder: Holder | undefined;
  /**
   * Where the target was measured, if it follows from 20 or more accepted shares of this worker. A target that the miner wished for is not measured.
   */
  readonly measured: Measured | undefined;
}

/**
 * A submit of an authorised and subscribed session. The texts are as the miner sent them (a line has at most 4,096 bytes); the backend parses
 * them. All that depends on the moment when the line was read is fixed here.
 */
export interface SubmittedShare extends Holder {
  readonly sessionId: string;
  readonly remoteAddress: string;
  readonly jobId: string;
  readonly nonce: string;
  readonly oprHash: string;
  /** The difficulty the miner says it reached, hex. */
  readonly target: string;
  /** Monotonic milliseconds when the line was read. Lateness is judged by it. */
  readonly readAtMs: number;
}

/**
 * `accepted`: the share is durable and credited for `target`. `hit`: the share is refused, but it claims to reach this target of its prefix, and so
 * shows its miner's pace. `unavailable` closes the connection without an answer.
 */
export type ShareVerdict =
  | { readonly kind: "accepted"; readonly target: bigint }
  | { readonly kind: "refused"; readonly code: RefusalCode; readonly reason: string; readonly hit?: bigint }
  | { readonly kind: "unavailable" };

/** An edge has an EdgeBackend (edge-backend.ts), `prosper stratum` an OpenBackend (open-backend.ts). A rejection counts as `unavailable`. */
export interface StratumBackend {
  /** The job to announce; undefined = none yet, or mining is stopped. Answered from memory. */
  currentJob(): Job | undefined;
  /** The oprHash of a job that was announced here lately, undefined for any other. Answered from memory. */
  oprHashOf(height: number): string | undefined;
  authorize(request: AuthorizeRequest): Promise<AuthorizeVerdict>;
  /**
   * Gives out a prefix that nobody could know before and that no other live session has. It is on record before this resolves. Undefined: none can be
   * had now.
   */
  grantPrefix(request: GrantRequest): Promise<Grant | undefined>;
  /** Who mines with a prefix that was given out before the login. False: that cannot be put on record now. */
  claimPrefix(prefix: number, holder: Holder): Promise<boolean>;
  /**
   * The session no longer mines with this prefix. Its user may still submit with it in the jobs in which it was held, and nobody else gets it before
   * those jobs are over.
   */
  releasePrefix(prefix: number): void;
  /** The prefix's target has proved right for its worker. */
  measuredPrefix(prefix: number, measured: Measured): void;
  /** The target that last proved right for this worker, if a session from there may know it. */
  lastTarget(holder: Holder, where: Measured): bigint | undefined;
  /** True while few prefixes are free: ask for one only where it is needed. */
  prefixesAreScarce(): boolean;
  submit(share: SubmittedShare): Promise<ShareVerdict>;
}
