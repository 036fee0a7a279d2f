/** Every limit of the stratum server, with its default. Times are milliseconds of the monotonic clock. */

import type { VardiffSettings } from "./vardiff.ts";

export interface StratumSettings extends VardiffSettings {
  /** Shown to a miner after each login. */
  readonly welcomeMessage: string;
  /** Size of the LXR table that shares are checked with; miners are told. Undefined: nobody checks them. */
  readonly tableBits: number | undefined;
  /** Connections in all, and from one address (an IPv6 address counts by its /64). */
  readonly maxConnections: number;
  readonly maxConnectionsPerAddress: number;
  /** Addresses or CIDR ranges that are never counted by address and never banned: farms, load balancers. */
  readonly exemptAddresses: readonly string[];
  /** From the first byte of a line to its newline. */
  readonly lineDeadlineMs: number;
  /** From the connection to a successful login; also the limit for the answer to any later login. */
  readonly authorizeDeadlineMs: number;
  /** How long a client may send no line while there is a job. A line of only whitespace does not count. */
  readonly idleMs: number;
  /**
   * A logged-in session that has sent no valid share for this long, while there was a job, loses its place to others once fewer than a tenth are
   * free.
   */
  readonly sharelessMs: number;
  /** set_target is sent again after this long without a line, so that no gateway forgets the connection. */
  readonly heartbeatMs: number;
  /** A reader with more than this unsent is dropped. */
  readonly maxUnsentBytes: number;
  /** A reader that takes nothing for this long is dropped. */
  readonly stuckMs: number;
  /** Requests of one connection without an answer; further lines stay unread until one is given. A new one has four, and one more for each good share. */
  readonly maxInFlight: number;
  /** Lines of one connection: the rate that it may keep up, and how many may come at once. Further lines are left unread until their time comes. */
  readonly linesPerSecond: number;
  readonly lineBurst: number;
  /** After this many malformed lines a connection is closed and its address banned. */
  readonly malformedLimit: number;
  /** How many of the last shares count here: at most half of them may be forged or garbled. */
  readonly invalidWindow: number;
  /** How long an address (after abuse of the protocol) or a worker (after wrong shares) is sent away. */
  readonly banMs: number;
  /**
   * Shares a second of one user from one address that are looked at. The shares of five seconds may come at once. This is far above what vardiff asks
   * for.
   */
  readonly userSharesPerSecond: number;
  /**
   * The most targets that a session is given in one job, those by wish or from the console included. After that it keeps the last one until the next
   * job.
   */
  readonly retargetsPerJob: number;
  /** The most nonce prefixes that one address gets in one job; further ones are refused. */
  readonly maxPrefixesPerAddress: number;
}

export const STRATUM_DEFAULTS: StratumSettings = {
  welcomeMessage: "Welcome to Prosper pool!",
  tableBits: undefined,
  blockPeriodMs: 600_000,
  sharesPerBlock: 60,
  firstTarget: 0xffff_0000_0000_0000n,
  easiestTarget: 0xf000_0000_0000_0000n,
  maxConnections: 15_000,
  maxConnectionsPerAddress: 256,
  exemptAddresses: ["127.0.0.0/8", "::1"],
  lineDeadlineMs: 15_000,
  authorizeDeadlineMs: 20_000,
  idleMs: 600_000,
  sharelessMs: 900_000,
  heartbeatMs: 240_000,
  maxUnsentBytes: 65_536,
  stuckMs: 30_000,
  maxInFlight: 256,
  linesPerSecond: 500,
  lineBurst: 2_500,
  malformedLimit: 20,
  invalidWindow: 50,
  banMs: 180_000,
  userSharesPerSecond: 2_000,
  retargetsPerJob: 16,
  maxPrefixesPerAddress: 2_048,
};
