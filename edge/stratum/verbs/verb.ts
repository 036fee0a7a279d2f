/** What a verb is: it gets parameters and returns the lines of its answer. */

import type { StratumId } from "../../../shared/messages/stratum.ts";
import type { StratumSession } from "../session.ts";

/** A request whose parameters are strings. */
export interface Call {
  readonly id: StratumId;
  readonly params: readonly string[];
  readonly readAtMs: number;
}

/** The lines to send, "" for none; "closed" when the session was ended instead of answered. */
export type VerbAnswer = string | "closed";

export interface Verb {
  /** With fewer parameters the answer is error 32602. */
  readonly minParams: number;
  /** Changes what later lines mean: runs after all earlier requests are answered, and holds back the later ones. */
  readonly barrier: boolean;
  /** Its answer does not wait for the answers to earlier requests. */
  readonly isAnsweredAtOnce?: boolean;
  run(session: StratumSession, call: Call): VerbAnswer | Promise<VerbAnswer>;
}
