/** What the stratum server counts. Names and reasons are closed lists: a label never holds text from the network. */

import type { RefusalCode } from "../../shared/messages/refusals.ts";

/** Why a connection ended or was not taken. */
export type EndReason =
  | "client-closed"
  | "socket-error"
  | "shutdown"
  | "full"
  | "address-full"
  | "banned"
  /** By the operator. */
  | "barred"
  | "oversized-line"
  | "malformed-lines"
  | "invalid-shares"
  /** The same, where no share of the session was ever right: it hashes with a table of another size. */
  | "wrong-table"
  | "line-deadline"
  | "authorize-deadline"
  | "idle"
  /** No valid share for a long time, while places were short. */
  | "shareless"
  | "slow-reader"
  | "no-verdict"
  | "no-prefix"
  /** The login is for a worker that was sent away a moment ago because of its shares. */
  | "worker-paused"
  /** The header of the PROXY protocol is missing, malformed or late. */
  | "proxy-header"
  /** TLS is spoken to a plain port. */
  | "tls-hello"
  /** No TLS handshake was made, or not in time. */
  | "tls-failed";

/** Counters only ever grow. */
export interface StratumMetrics {
  connectionOpened(): void;
  connectionEnded(reason: EndReason): void;
  lineRead(): void;
  /** A line answered with a protocol error, by the error's name. */
  lineRefused(error: string): void;
  loginAnswered(answer: "ok" | "registered" | "refused" | "unavailable"): void;
  /** `target`: the one it was taken for. */
  shareAccepted(target: bigint): void;
  shareRefused(code: RefusalCode | "not-subscribed" | "too-fast"): void;
  /** From the line that was read to its answer, where a share was judged. */
  shareAnswered(afterMs: number): void;
  retargeted(): void;
  notified(sessions: number): void;
}

const nothing = (): void => undefined;

/** For tests and `prosper stratum`: counts nothing. */
export const NO_METRICS: StratumMetrics = {
  connectionOpened: nothing,
  connectionEnded: nothing,
  lineRead: nothing,
  lineRefused: nothing,
  loginAnswered: nothing,
  shareAccepted: nothing,
  shareRefused: nothing,
  shareAnswered: nothing,
  retargeted: nothing,
  notified: nothing,
};
