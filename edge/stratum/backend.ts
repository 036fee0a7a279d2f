/** The one port between the stratum server and the rest of the edge: jobs, logins, nonce prefixes and share verdicts (docs/design.md, "The path of a share"). */

/** What miners work on now. */
export interface Job {
  /** Block height being mined; its decimal text is the job id on the wire. */
  readonly height: number;
  /** 64 lower-case hex digits. */
  readonly oprHash: string;
  /** Submission threshold as a 64-bit target: no session is assigned more than this. 0n = there is none. */
  readonly threshold: bigint;
  /** Only prefixes of this serial or a later one may mine it: others were held while it was stopped. */
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

/** Where a pace was seen: at this address (addressKey), by a session with the worker's password (`trusted`) or without. */
export interface Measured {
  readonly address: string;
  readonly trusted: boolean;
}

/** A nonce prefix with the target of its whole life. */
export interface Grant {
  /** 32 bits. */
  readonly prefix: number;
  readonly target: bigint;
  /** In the order in which they are given out. */
  readonly serial: number;
}

export interface GrantRequest {
  readonly target: bigint;
  /** Undefined before the login: `claimPrefix` follows. */
  readonly holder: Holder | undefined;
  /** Where the target follows from 20 accepted shares or more of this worker; a wish is no measurement. */
  readonly measured: Measured | undefined;
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
  /** Monotonic milliseconds when the line was read. Lateness is judged by it. */
  readonly readAtMs: number;
}

/** Why a share is refused; each has its error code on the wire (shared/messages/stratum.ts). */
export type RefusalCode =
  /** Its job is over or not known, or it was found after a stop. */
  | "stale"
  /** This nonce was credited, or is being checked, already. */
  | "duplicate"
  /** Below the target of its prefix. */
  | "low-difficulty"
  /** A field does not parse, or the job id contradicts the oprHash. */
  | "malformed"
  /** The nonce does not begin with a prefix of this user. */
  | "wrong-prefix"
  /** The prefix is of another edge's slot: only that one knows which of its nonces were taken. */
  | "other-edge"
  /** The hash does not reach what the miner claims. */
  | "wrong-hash"
  /** No room to check or keep it now (queue, disk, lease). The nonce stays unused. */
  | "busy";

/**
 * `accepted` means durable, credited for `target`. `hit`: the share claims to reach this target of its prefix, and shows its miner's pace though it is refused.
 * `unavailable` closes the connection without an answer.
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
  /** A prefix that nobody could know before and no other live session has, on record before this resolves; undefined: none can be had now. */
  grantPrefix(request: GrantRequest): Promise<Grant | undefined>;
  /** Who mines with a prefix that was given out before the login. False: that cannot be put on record now. */
  claimPrefix(prefix: number, holder: Holder): Promise<boolean>;
  /**
   * The session no longer mines with this prefix: its user may still submit with it in the jobs of its time, and nobody else gets it before
   * those are over.
   */
  releasePrefix(prefix: number): void;
  /** The prefix's target has proved right for its worker. */
  measuredPrefix(prefix: number, measured: Measured): void;
  /** The target that proved right for this worker last, as far as a session from there may know. */
  lastTarget(holder: Holder, where: Measured): bigint | undefined;
  /** True while few prefixes are free: ask for one only where it is needed. */
  prefixesAreScarce(): boolean;
  submit(share: SubmittedShare): Promise<ShareVerdict>;
}
