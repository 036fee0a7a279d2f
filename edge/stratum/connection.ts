/** One byte stream as lines. Its buffers are limited in both directions, and its end has a reason. */

import type { Duplex } from "node:stream";
import type { Clock } from "../../shared/clock.ts";
import { LineSplitter } from "../../shared/messages/line-splitter.ts";
import { MAX_LINE_BYTES } from "../../shared/messages/stratum.ts";
import type { FairReading } from "./fair-reading.ts";
import type { EndReason } from "./metrics.ts";
import type { StratumSettings } from "./settings.ts";

/** Lines of a connection between two of its turns (fair-reading.ts); a miner sends two or three at a time. */
const LINES_PER_TURN = 4;
/** Where no other connection waits, nobody is kept waiting: shares that are read together are hashed and written together, for less. */
const LINES_ALONE = 32;
/** How long the last lines may take to leave before the stream is torn down. */
const LINGER_MS = 5_000;

/** The first byte of every TLS connection. No line begins with it. */
const TLS_HANDSHAKE = 0x16;

/** A client that ends for one of these reasons no longer reads. */
const DEAF: ReadonlySet<EndReason> = new Set(["slow-reader", "socket-error"]);

export interface ConnectionHooks {
  /** No further line is given, and no further byte read, until the returned promise resolves. It must not reject. */
  onLine(line: string, readAtMs: number): Promise<void> | undefined;
  /** A line was too long, and no more lines will be given: end the connection. Called again for every further chunk. */
  onOversized(): void;
  /** The lines that tell the client why it is sent away; "" for none. */
  lastWords(reason: EndReason): string;
  /** Called once. */
  onEnd(reason: EndReason): void;
}

export interface ConnectionModules {
  readonly clock: Clock;
  readonly settings: StratumSettings;
  readonly fairReading: FairReading;
}

export class Connection {
  readonly #stream: Duplex;
  readonly #clock: Clock;
  readonly #settings: StratumSettings;
  readonly #fairReading: FairReading;
  readonly #hooks: ConnectionHooks;
  readonly #splitter = new LineSplitter(MAX_LINE_BYTES);
  #held: boolean = false;
  /** Lines that may be given before the next turn. If a chunk made new room, a connection whose answers come at once could go on for ever. */
  #room = LINES_PER_TURN;
  #ended: boolean = false;
  /** Lines of this turn. */
  #unwritten = "";
  #isHeard: boolean = false;
  #lastReadMs: number;
  #lastWriteMs: number;
  #lineStartedMs: number | undefined;
  /** Characters given to the stream since it last had none left, and how many of them had left it when we looked last. */
  #written = 0;
  #left = 0;
  #progressMs: number;

  constructor(stream: Duplex, modules: ConnectionModules, hooks: ConnectionHooks) {
    this.#stream = stream;
    this.#clock = modules.clock;
    this.#settings = modules.settings;
    this.#fairReading = modules.fairReading;
    this.#hooks = hooks;
    const now = modules.clock.monotonicMs();
    this.#lastReadMs = now;
    this.#lastWriteMs = now;
    this.#progressMs = now;
    stream.on("data", (chunk: Uint8Array) => this.#receive(chunk));
    stream.on("end", () => this.end("client-closed"));
    stream.on("close", () => this.end("client-closed"));
    stream.on("error", () => this.end("socket-error"));
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** When a line was last sent to the client. */
  get lastWriteMs(): number {
    return this.#lastWriteMs;
  }

  /** Sends whole lines; those of one turn leave together. Ends the connection when its reader is too far behind. */
  send(text: string): void {
    if (this.#ended || text === "") return;
    this.#lastWriteMs = this.#clock.monotonicMs();
    if (this.#unwritten === "") process.nextTick(() => this.flush());
    this.#unwritten += text;
    if (this.#stream.writableLength + this.#unwritten.length > this.#settings.maxUnsentBytes)
      this.end("slow-reader");
  }

  /** Sends whole lines, and with them what waits for the end of the turn. */
  sendNow(text: string): void {
    if (this.#ended) return;
    this.#lastWriteMs = this.#clock.monotonicMs();
    this.#unwritten += text;
    if (this.#stream.writableLength + this.#unwritten.length > this.#settings.maxUnsentBytes)
      this.end("slow-reader");
    else this.flush();
  }

  /** Writes what waits for the end of the turn. */
  flush(): void {
    const text = this.#unwritten;
    if (text === "") return;
    this.#unwritten = "";
    if (this.#written === 0) this.#progressMs = this.#clock.monotonicMs();
    this.#written += text.length;
    // Without a callback: what the system takes at once, nearly always all of it, then costs neither a closure nor a turn of its own.
    this.#stream.write(text);
    if (this.#stream.writableLength === 0) this.#written = this.#left = 0;
  }

  /** Sends what is queued (not to a slow reader), closes, and reports the first reason given. */
  end(reason: EndReason): void {
    if (this.#ended) return;
    if (!DEAF.has(reason)) this.send(this.#hooks.lastWords(reason));
    // If the reader is slow, sending the last words may already have ended the connection.
    if (this.#ended) return;
    this.#ended = true;
    if (DEAF.has(reason)) {
      this.#unwritten = "";
      this.#stream.destroy();
    } else {
      this.flush();
      const linger = this.#clock.after(LINGER_MS, () => this.#stream.destroy());
      this.#stream.on("close", () => linger.stop());
      this.#stream.resume();
      this.#stream.end(() => this.#stream.destroy());
    }
    this.#hooks.onEnd(reason);
  }

  /** The deadline that has passed, if any. */
  overdue(nowMs: number): EndReason | undefined {
    const { lineDeadlineMs } = this.#settings;
    if (this.#isStuck(nowMs)) return "slow-reader";
    // While lines are held back nothing is read, and the client is not to blame.
    if (!this.#held && this.#lineStartedMs !== undefined && nowMs - this.#lineStartedMs >= lineDeadlineMs)
      return "line-deadline";
    return undefined;
  }

  /** Nothing of what waits has left for `stuckMs`. */
  #isStuck(nowMs: number): boolean {
    const { writableLength } = this.#stream;
    if (writableLength === 0) this.#written = this.#left = 0;
    if (this.#written === 0) return false;
    const left = this.#written - writableLength;
    if (left > this.#left) this.#progressMs = nowMs;
    this.#left = left;
    return nowMs - this.#progressMs >= this.#settings.stuckMs;
  }

  #receive(chunk: Uint8Array): void {
    if (this.#ended) return;
    if (!this.#isHeard && chunk[0] === TLS_HANDSHAKE) {
      this.end("tls-hello");
      return;
    }
    this.#isHeard = true;
    this.#lastReadMs = this.#clock.monotonicMs();
    this.#lineStartedMs ??= this.#lastReadMs;
    // Others may have come since it was alone.
    this.#room = Math.min(this.#room, LINES_PER_TURN);
    this.#splitter.push(chunk);
    this.#pump();
  }

  /**
   * Gives out lines until one must be waited for or the turn is over. All whole lines are from the last chunk, because no further chunk is read
   * before they are given out.
   */
  #pump(): void {
    while (!this.#held && !this.#ended) {
      if (this.#room === 0) {
        this.#waitForTurn();
        return;
      }
      const line = this.#splitter.next();
      if (line === undefined) {
        this.#lineStartedMs = this.#splitter.pendingBytes > 0 ? this.#lineStartedMs : undefined;
        if (this.#splitter.oversized) this.#hooks.onOversized();
        return;
      }
      this.#lineStartedMs = this.#lastReadMs;
      this.#room -= 1;
      const wait = this.#hooks.onLine(line, this.#lastReadMs);
      if (wait !== undefined) this.#hold(wait);
    }
  }

  #hold(wait: Promise<void>): void {
    this.#held = true;
    this.#stream.pause();
    void wait.then(() => this.#goOn());
  }

  #waitForTurn(): void {
    this.#held = true;
    this.#stream.pause();
    this.#fairReading.next((isAlone) => {
      this.#room = isAlone ? LINES_ALONE : LINES_PER_TURN;
      this.#goOn();
    });
  }

  #goOn(): void {
    this.#held = false;
    this.#pump();
    if (!this.#held && !this.#ended) this.#stream.resume();
  }
}
