/** The one port between the stratum server and the rest of the edge: jobs, logins, nonce prefixes and share verdicts (DESIGN.md, "The path of a share"). */

/** What miners work on now. */
export interface Job {
  /** Block height being mined; its decimal text is the job id on the wire. */
  readonly height: number;
  /** 64 lower-case hex digits. */
  readonly oprHash: string;
  /** Submission threshold as a 64-bit target: no session is assigned more than this. 0n = there is none. */
  readonly threshold: bigint;
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
 * `refused` is answered `"result":false`, on which the Go miner exits for good: give it only where it is certain.
 * `unavailable` closes the connection without an answer, and the miner comes back.
 */
export type AuthorizeVerdict =
  | {
      readonly kind: "ok";
      /** This call made the account. */
      readonly registered: boolean;
      /** What the miner's person has to know. */
      readonly notice?: string;
    }
  | { readonly kind: "refused"; readonly reason: string }
  | { readonly kind: "unavailable" };

/** Who holds a nonce prefix once its session has logged in. */
export interface Holder {
  readonly user: string;
  readonly worker: string;
}

/**
 * A submit of an authorised and subscribed session. The texts are as the miner sent them (a line is 4,096 bytes at most):
 * the backend parses them. What depends on the moment the line was read is fixed here.
 */
export interface SubmittedShare extends Holder {
  readonly sessionId: string;
  readonly remoteAddress: string;
  readonly jobId: string;
  readonly nonce: string;
  readonly oprHash: string;
  /** The difficulty the miner says it reached, hex. */
  readonly target: string;
  /** The session's target when the line was read: what the share must reach and what it is credited for. */
  readonly assigned: bigint;
  /** Monotonic milliseconds when the line was read. Lateness is judged by it. */
  readonly readAtMs: number;
  /** Prefixes this session holds or held in the current or previous job, newest first. */
  readonly prefixes: readonly number[];
}

/** Why a share is refused; each has its error code on the wire (shared/messages/stratum.ts). */
export type RefusalCode =
  /** Its job is over, not known, or none is running. */
  | "stale"
  /** This nonce was credited, or is being checked, already. */
  | "duplicate"
  /** Below the assigned target. */
  | "low-difficulty"
  /** A field does not parse, or the job id contradicts the oprHash. */
  | "malformed"
  /** The nonce does not begin with a prefix of this session. */
  | "wrong-prefix"
  /** The hash does not reach what the miner claims. */
  | "wrong-hash"
  /** No room to check or keep it now (queue, disk, lease). The nonce stays unused. */
  | "busy";

/** `accepted` means durable. `unavailable` closes the connection without an answer. */
export type ShareVerdict =
  | { readonly kind: "accepted" }
  | { readonly kind: "refused"; readonly code: RefusalCode; readonly reason: string }
  | { readonly kind: "unavailable" };

/** Implemented by the share pipeline (edge/shares) and, for `prosper stratum`, by the open backend. A rejection counts as `unavailable`. */
export interface StratumBackend {
  /** The job to announce; undefined = none yet, or mining is stopped. Answered from memory. */
  currentJob(): Job | undefined;
  /** The oprHash of a job that was announced here lately, undefined for any other. Answered from memory. */
  oprHashOf(height: number): string | undefined;
  authorize(request: AuthorizeRequest): Promise<AuthorizeVerdict>;
  /** A 32-bit nonce prefix that no other live session has; undefined when none is free (the session is closed). */
  leasePrefix(sessionId: string): number | undefined;
  /**
   * The session no longer mines with this prefix. With a holder it may have been used: the same user and worker may
   * still submit with it in the current and previous job, and nobody else gets it before those are over. Without one it is free at once.
   */
  releasePrefix(prefix: number, holder: Holder | undefined): void;
  submit(share: SubmittedShare): Promise<ShareVerdict>;
}
