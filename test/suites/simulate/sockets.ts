/** Sockets between miners and edges: bytes in order, late, cut anywhere; a cut line takes with it what was on its way, and either end hears of it later. */

import { Duplex } from "node:stream";
import type { Chance } from "../../support/random.ts";
import type { SimProcess } from "./process.ts";
import type { SimTime } from "./time.ts";

export interface SocketModules {
  readonly time: SimTime;
  readonly chance: Chance;
}

/** How long an end may not know that its line is cut. */
const UNKNOWING_MS = 8_000;

/** What lies between two ends. */
export class SimLine {
  readonly edgeEnd: SimSocket;
  readonly minerEnd: SimSocket;
  isCut = false;
  readonly #modules: SocketModules;

  constructor(edge: SimProcess, miner: SimProcess, modules: SocketModules) {
    this.#modules = modules;
    this.edgeEnd = new SimSocket(this, edge, modules);
    this.minerEnd = new SimSocket(this, miner, modules);
    this.edgeEnd.peer = this.minerEnd;
    this.minerEnd.peer = this.edgeEnd;
  }

  /** Nothing more arrives at either end; each learns of it for itself. */
  cut(): void {
    if (this.isCut) return;
    this.isCut = true;
    const { time, chance } = this.#modules;
    for (const end of [this.edgeEnd, this.minerEnd])
      time.after(chance.between(0, UNKNOWING_MS), () => end.fail());
  }
}

/** One end, as a process holds it: what arrives while the process is paused is there when it goes on. */
export class SimSocket extends Duplex {
  peer: SimSocket | undefined;
  /** Does not read: what arrives is kept until it does, and its sender waits. */
  isStuck = false;
  readonly #line: SimLine;
  readonly #process: SimProcess;
  readonly #modules: SocketModules;
  #lastArrivalMs = 0;
  #arrived: { readonly piece: Uint8Array; readonly taken: () => void }[] = [];
  #isFull = false;

  constructor(line: SimLine, process: SimProcess, modules: SocketModules) {
    super({ allowHalfOpen: false });
    this.#line = line;
    this.#process = process;
    this.#modules = modules;
  }

  override _read(): void {
    this.#isFull = false;
    this.flow();
  }

  override _write(chunk: Uint8Array, _encoding: string, done: () => void): void {
    const pieces = this.#split(chunk);
    for (const [index, piece] of pieces.entries()) {
      const isLast = index === pieces.length - 1;
      this.#later((peer) =>
        peer.#arrive(piece, isLast ? () => this.#process.deliver(done) : () => undefined),
      );
    }
  }

  override _final(done: () => void): void {
    this.#later((peer) => peer.#finish());
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#later((peer) => peer.#finish());
    done(error);
  }

  /** Hands on what has arrived, as far as it is read. */
  flow(): void {
    while (!this.isStuck && !this.#isFull && !this.destroyed) {
      const next = this.#arrived.shift();
      if (next === undefined) return;
      this.#isFull = !this.push(next.piece);
      next.taken();
    }
  }

  /** The line is cut, and this end has noticed. */
  fail(): void {
    this.#process.deliver(() => this.destroy(new Error("the simulated line was cut")));
  }

  #arrive(piece: Uint8Array, taken: () => void): void {
    this.#process.deliver(() => {
      this.#arrived.push({ piece, taken });
      this.flow();
    });
  }

  #finish(): void {
    this.#process.deliver(() => {
      if (!this.destroyed && !this.readableEnded) this.push(null);
    });
  }

  /** In the order of the calls, unless the line is cut meanwhile. */
  #later(then: (peer: SimSocket) => void): void {
    const { time, chance } = this.#modules;
    this.#lastArrivalMs = Math.max(this.#lastArrivalMs, time.nowMs + chance.between(0.2, 15));
    time.after(this.#lastArrivalMs - time.nowMs, () => {
      if (!this.#line.isCut && this.peer !== undefined) then(this.peer);
    });
  }

  #split(chunk: Uint8Array): Uint8Array[] {
    const { chance } = this.#modules;
    if (chunk.length < 2 || !chance.hit(0.2)) return [chunk];
    const at = chance.whole(1, chunk.length - 1);
    return [chunk.subarray(0, at), chunk.subarray(at)];
  }
}
