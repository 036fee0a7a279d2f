/** The load generator as the bench holds it: each call is one of protocol.ts, made in the generator's process. */

import { fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { end, type Room } from "../room.ts";
import type { Calls, Connecting, Flooding, Heard, Joined, Mining, Outcome, Pacing } from "./protocol.ts";

export interface Request {
  readonly call: keyof Calls;
  readonly options: unknown;
}

export class Generator implements Calls {
  readonly #child: ReturnType<typeof fork>;

  constructor(room: Room) {
    this.#child = fork(join(import.meta.dirname, "main.ts"), { serialization: "advanced" });
    room.keep(this.#child);
  }

  /** Rejects where one client is refused, turned away or not served within a minute. */
  async connect(options: Connecting): Promise<Joined> {
    return (await this.#ask("connect", options)) as Joined;
  }

  async mine(options: Mining): Promise<void> {
    await this.#ask("mine", options);
  }

  /** Rejects where a share is refused: then it is not this that is to be measured. */
  async flood(options: Flooding): Promise<Outcome> {
    return allAccepted((await this.#ask("flood", options)) as Outcome);
  }

  /** As `flood`. */
  async pace(options: Pacing): Promise<Outcome> {
    return allAccepted((await this.#ask("pace", options)) as Outcome);
  }

  async listen(): Promise<void> {
    await this.#ask("listen", undefined);
  }

  async heard(): Promise<Heard> {
    return (await this.#ask("heard", undefined)) as Heard;
  }

  /** Ends its process, and with it all connections. */
  end(): Promise<void> {
    return end(this.#child);
  }

  async #ask(call: keyof Calls, options: unknown): Promise<unknown> {
    const ended = new AbortController();
    const over = once(this.#child, "exit", { signal: ended.signal }).then(() => {
      throw new Error(`the load generator ended during ${call}`);
    });
    over.catch(() => undefined);
    const answer = once(this.#child, "message", { signal: ended.signal });
    answer.catch(() => undefined);
    this.#child.send({ call, options } satisfies Request);
    try {
      const [{ value, error }] = await Promise.race([answer, over]);
      if (error !== undefined) throw new Error(error);
      return value;
    } finally {
      ended.abort();
    }
  }
}

function allAccepted(outcome: Outcome): Outcome {
  if (outcome.refusals.length > 0 && !outcome.isStale)
    throw new Error(
      `expected every share to be taken, but some were refused: ${outcome.refusals.join("; ")}`,
    );
  return outcome;
}
