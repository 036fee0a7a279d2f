/** What the load generator is asked to do, and what it answers. It is a process of its own, so that its work is not the server's, nor the bench's. */

export interface Connecting {
  readonly port: number;
  readonly clients: number;
  readonly user: string;
  /** Sent with the first login, to register: password, invite and payout address. */
  readonly registration: readonly string[];
  /** The target to wish for (hex); undefined: what the server tells is taken. */
  readonly wish: string | undefined;
  /** Logins under way at a time; below any server's backlog. 100 unless given. */
  readonly opening?: number;
}

/** What it took until every client was subscribed and logged in and had a job. */
export interface Joined {
  readonly seconds: number;
  /** The generator's own CPU time, in percent of one core. */
  readonly cpuPercent: number;
}

export interface Mining {
  readonly bits: number;
  /** Shares of each client. */
  readonly each: number;
}

export interface Flooding {
  /** Shares of a client that wait for their answer, at most. */
  readonly inFlight: number;
}

export interface Pacing {
  /** Shares of all clients together. */
  readonly perSecond: number;
}

/** What came of the shares that were made before. */
export interface Outcome {
  readonly accepted: number;
  /** The first refusals, as they came. */
  readonly refusals: readonly string[];
  readonly seconds: number;
  /** The job ended meanwhile: the outcome is worth nothing. */
  readonly isStale: boolean;
  /** The generator's own CPU time, in percent of one core. */
  readonly cpuPercent: number;
  /** Milliseconds to each answer, where the shares were paced. */
  readonly waits: readonly number[];
}

/** When each client heard of the job, in milliseconds of the machine's monotonic clock. */
export type Heard = readonly number[];

export interface Calls {
  connect(options: Connecting): Promise<Joined>;
  mine(options: Mining): Promise<void>;
  flood(options: Flooding): Promise<Outcome>;
  pace(options: Pacing): Promise<Outcome>;
  /** From now on. */
  listen(): Promise<void>;
  heard(): Promise<Heard>;
}

/** The same in every process of the machine. */
export const machineMs = (): number => Number(process.hrtime.bigint()) / 1e6;
