/** What only the edge knows at this moment; the API has it where both run in one process. */

/** Every figure is answered from memory, of this process or of the edge's own. */
export interface Live {
  /** 0 to 9; undefined while factomd cannot be asked. */
  minute(): number | undefined;
  /** Of the newest graded block; undefined before the first. */
  height(): number | undefined;
  /** Time since the last block, once three block periods have passed without one; undefined while blocks come. */
  stalledMs(): number | undefined;
  /** Open stratum connections. */
  connections(): number;
  submitSync?(): SubmitSync;
  sessions?(): Promise<readonly StratumConnection[]>;
}

/** The minute keeper's state, as `api.SubmitSync` tells it. */
export interface SubmitSync {
  /** Shares are taken. */
  readonly submitting: boolean;
  readonly submitHeight: number;
  readonly syncing: boolean;
  /** Directory block height at the last minute that was not 0. */
  readonly lastNonZeroHeight: number;
}

/** One stratum connection, for the operator's list. */
export interface StratumConnection {
  readonly id: string;
  readonly user: string | null;
  readonly worker: string | null;
  /** What the client called itself. */
  readonly agent: string;
  readonly address: string;
  readonly subscribed: boolean;
  readonly authorized: boolean;
  readonly target: bigint | null;
  readonly noncePrefix: number | null;
}
