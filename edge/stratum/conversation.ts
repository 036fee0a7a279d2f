/**
 * One miner's line in both directions: lines come in, answers go out in the order of the requests. It also ends the connection. Other parts know who
 * the miner is and what it mines.
 */

import type { Duplex } from "node:stream";
import type { Clock, Random } from "../../shared/clock.ts";
import { encodeRequest } from "../../shared/messages/stratum.ts";
import { Connection } from "./connection.ts";
import type { FairReading } from "./fair-reading.ts";
import { goodbyeMessage } from "./goodbye-messages.ts";
import type { EndReason } from "./metrics.ts";
import { ReplyQueue } from "./replies.ts";
import { SessionLimits } from "./session-limits.ts";
import type { StratumSettings } from "./settings.ts";

export interface ConversationModules {
  readonly clock: Clock;
  readonly random: Random;
  readonly settings: StratumSettings;
  readonly fairReading: FairReading;
}

export interface ConversationHooks {
  /** While the returned promise is pending no further line is given. It must not reject. */
  onLine(line: string, readAtMs: number): Promise<void> | undefined;
  /** Called once. */
  onEnd(reason: EndReason): void;
}

/** What the parts of a session need if they send requests of their own. */
export interface Outgoing {
  /** A request id: 31 random bits. */
  nextId(): number;
  /** Whole lines; those of one turn of the event loop leave together. */
  send(lines: string): void;
  /** Whole lines, and with them what waits for the end of the turn. */
  sendNow(lines: string): void;
}

export class Conversation implements Outgoing {
  readonly replies: ReplyQueue;
  readonly limits: SessionLimits;
  readonly #random: Random;
  readonly #settings: StratumSettings;
  readonly #connection: Connection;
  /** `last-answers`: no further line is read, but requests from before are still answered. */
  #life: "open" | "last-answers" | "ended" = "open";

  constructor(stream: Duplex, modules: ConversationModules, hooks: ConversationHooks) {
    const { clock, random, settings } = modules;
    this.#random = random;
    this.#settings = settings;
    this.limits = new SessionLimits(settings, clock.monotonicMs());
    this.replies = new ReplyQueue((text) => this.#connection.send(text));
    this.#connection = new Connection(stream, modules, {
      onLine: (line, readAtMs) => (this.#life === "open" ? hooks.onLine(line, readAtMs) : undefined),
      onOversized: () => this.endAfterAnswers("oversized-line"),
      lastWords: (reason) => this.#lastWords(reason),
      onEnd: (reason) => {
        this.#life = "ended";
        hooks.onEnd(reason);
      },
    });
  }

  get ended(): boolean {
    return this.#life === "ended";
  }

  /** When a line was last sent to the client. */
  get lastWriteMs(): number {
    return this.#connection.lastWriteMs;
  }

  send(lines: string): void {
    this.#connection.send(lines);
  }

  sendNow(lines: string): void {
    this.#connection.sendNow(lines);
  }

  /** Sends a request of the server's own, at once. */
  push(method: string, params: readonly string[] | null): void {
    this.send(encodeRequest(this.nextId(), method, params));
  }

  nextId(): number {
    return requestId(this.#random);
  }

  /** Closes when the queued lines have been sent. */
  end(reason: EndReason): void {
    this.#connection.end(reason);
  }

  /** Reads no further line and closes when every earlier request has its answer. */
  endAfterAnswers(reason: EndReason): void {
    if (this.#life !== "open") return;
    this.#life = "last-answers";
    void this.replies.below(1).then(() => this.end(reason));
  }

  /** The deadline of reading or writing that has passed, if any. */
  overdue(nowMs: number): EndReason | undefined {
    return this.#connection.overdue(nowMs);
  }

  #lastWords(reason: EndReason): string {
    const words = goodbyeMessage(reason, this.#settings);
    return words === undefined ? "" : encodeRequest(this.nextId(), "client.show_message", [words]);
  }
}

/** The id of a request of the server's own: 31 random bits. */
export function requestId(random: Random): number {
  const [a = 0, b = 0, c = 0, d = 0] = random(4);
  return ((a & 0x7f) << 24) | (b << 16) | (c << 8) | d;
}
