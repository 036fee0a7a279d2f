/** Why a client is sent away, in words that its operator can act on; sent as `client.show_message` before the connection closes. */

import { MAX_LINE_BYTES } from "../../shared/messages/stratum.ts";
import type { EndReason } from "./metrics.ts";
import type { StratumSettings } from "./settings.ts";

/** What to do about shares of which none is right. */
export function wrongTableWords(bits: number | undefined): string {
  return `this pool's table has ${bits} bits: start the miner with --bits ${bits} (the Go miner: LXRBITSIZE=${bits})`;
}

/** Undefined if the client no longer reads, if it should only come back, or if the protocol wants no answer. */
export function goodbyeMessage(reason: EndReason, settings: StratumSettings): string | undefined {
  const seconds = (ms: number): string => `${Math.round(ms / 1000)} s`;
  switch (reason) {
    case "full":
      return "the pool's server is full: connect again in a while";
    case "address-full":
      return `more than ${settings.maxConnectionsPerAddress} connections from your address: a larger farm asks the pool's operator to exempt it`;
    case "banned":
      return `your address is sent away for up to ${seconds(settings.banMs)}: too much that came from it was not this protocol`;
    case "oversized-line":
      return `a line has at most ${MAX_LINE_BYTES} bytes`;
    case "malformed-lines":
      return `${settings.malformedLimit} lines were no requests; your address is sent away for ${seconds(settings.banMs)}`;
    case "invalid-shares":
      return `more than half of ${settings.invalidWindow} shares were wrong: check this machine; it may come back in ${seconds(settings.banMs)}`;
    case "wrong-table":
      return `${wrongTableWords(settings.tableBits)}; it may come back in ${seconds(settings.banMs)}`;
    case "worker-paused":
      return `this worker was sent away because its shares were wrong; it may come back within ${seconds(settings.banMs)}`;
    case "line-deadline":
      return `a line has to come whole within ${seconds(settings.lineDeadlineMs)}`;
    case "authorize-deadline":
      return `log in within ${seconds(settings.authorizeDeadlineMs)}`;
    case "idle":
      return `no line was heard from you for ${seconds(settings.idleMs)}`;
    case "shareless":
      return `the pool's places are short, and no valid share came from you for ${seconds(settings.sharelessMs)}`;
    case "tls-hello":
      return "this port does not speak TLS: connect without it, or to the pool's port for TLS";
    // Nobody hears it on the connection.
    case "tls-failed":
      return "this port speaks TLS only, and no TLS handshake was made: give --tls, or use the pool's port without TLS; a miner that checks certificates may not believe this one";
    case "no-prefix":
      return "no nonce prefix is free: connect again in a while";
    // It was told in words of its own.
    case "barred":
    case "client-closed":
    case "shutdown":
    // Closed without an answer (E5).
    case "no-verdict":
    case "socket-error":
    case "slow-reader":
    case "proxy-header":
      return undefined;
  }
}

/** What the page is told that the line was copied from: also what the client itself is not. */
export function pageWords(reason: EndReason, settings: StratumSettings): string | undefined {
  switch (reason) {
    case "no-verdict":
      return "the pool could not answer at that moment: the miner comes back by itself";
    case "slow-reader":
      return "the miner did not read what the pool sent";
    case "shutdown":
      return "the pool restarts: the miner comes back by itself";
    case "socket-error":
      return "the connection broke: the miner comes back by itself";
    default:
      return goodbyeMessage(reason, settings);
  }
}
