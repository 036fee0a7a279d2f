/** One connection of a player's, by the bundled miner's own end of it, and what it was told. */

import { PoolConnection } from "../../../edge/miner/pool-connection.ts";
import { fromHex, toHex, u32ToBytes } from "../../../shared/bytes.ts";
import type { Clock } from "../../../shared/clock.ts";
import { assignedWork, targetOfWork } from "../../../shared/difficulty/work.ts";
import { type Pool, socketPair } from "./pool.ts";

export interface Job {
  readonly height: number;
  readonly oprHash: string;
  readonly oprHashBytes: Uint8Array;
}

/** A nonce that reaches the easiest target at least. */
export interface Hit {
  readonly job: Job;
  readonly prefix: number;
  readonly counter: number;
  readonly reached: bigint;
  /** Hashes that a share at what it reaches takes. */
  readonly luck: bigint;
}

/** The bundled miner's end takes no more at once. */
const MOST_IN_FLIGHT = 200;

export interface SessionOptions {
  readonly user: string;
  readonly worker: string;
  readonly address: string;
  /** As nobody: the login follows later or never. */
  readonly isAnonymous?: boolean;
}

export class PlayerSession {
  readonly pool: Pool;
  readonly user: string;
  prefix: number | undefined;
  target = 0n;
  job: Job | undefined;
  isMining = false;
  isLoggedIn = false;
  isOver = false;
  /** Verdicts, by their word. */
  readonly words = new Map<string, number>();
  #queue: Hit[] = [];
  #inFlight = 0;
  readonly #worker: string;
  readonly #connection: PoolConnection;

  constructor(pool: Pool, options: SessionOptions, clock: Clock) {
    const { user, worker, address, isAnonymous = false } = options;
    this.pool = pool;
    this.user = user;
    this.#worker = worker;
    const [ours, theirs] = socketPair();
    this.#connection = new PoolConnection(
      ours,
      "player",
      { clock },
      {
        onPrefix: (prefix) => {
          this.prefix = prefix;
        },
        onTarget: (target) => {
          this.target = target;
        },
        onAuthorized: () => {
          this.isLoggedIn = true;
        },
        onJob: (height, oprHash) => {
          this.job = { height, oprHash, oprHashBytes: fromHex(oprHash) };
          this.isMining = true;
        },
        onStop: () => {
          this.isMining = false;
        },
        onEnd: () => {
          this.#queue = [];
          this.isOver = true;
          this.isMining = false;
        },
        ...{ onRefused: () => undefined, onMessage: () => undefined, onReconnect: () => undefined },
      },
    );
    pool.connect(theirs, address);
    if (isAnonymous) this.#subscribe();
    else this.#connection.greet({ user, worker, password: "", invite: "", payoutAddress: "" });
  }

  /** Hashes a share that its target asks for. */
  get worth(): bigint {
    return assignedWork(this.target);
  }

  wish(hashes: bigint): void {
    this.#connection.tell("mining.suggest_target", [targetOfWork(hashes).toString(16)]);
  }

  logIn(): void {
    void this.#connection.request("mining.authorize", [`${this.user},${this.#worker}`, ""]).then((answer) => {
      this.isLoggedIn = answer?.result === true;
    });
  }

  /** Sends a share when its turn comes. */
  send(hit: Hit): void {
    this.#queue.push(hit);
    this.#sendNext();
  }

  /** Shares without an answer. */
  get waiting(): number {
    return this.#inFlight + this.#queue.length;
  }

  end(): void {
    this.#connection.end("the player goes");
  }

  #sendNext(): void {
    while (this.#inFlight < MOST_IN_FLIGHT) {
      const hit = this.#queue.shift();
      if (hit === undefined) return;
      void this.#submit(hit);
    }
  }

  async #submit({ prefix, counter, job, reached }: Hit): Promise<void> {
    this.#inFlight += 1;
    const nonce = toHex(u32ToBytes(prefix)) + toHex(u32ToBytes(counter));
    const params = [this.user, String(job.height), nonce, job.oprHash, reached.toString(16)];
    const answer = await this.#connection.request("mining.submit", params);
    this.#inFlight -= 1;
    const refused = answer?.error?.message ?? "unanswered";
    const word = answer?.result === true ? "accepted" : refused;
    this.words.set(word, (this.words.get(word) ?? 0) + 1);
    this.#sendNext();
  }

  #subscribe(): void {
    void this.#connection.request("mining.subscribe", ["player"]).then((answer) => {
      const id = /"type":"mining.set_nonce","id":"(\d+)"/.exec(JSON.stringify(answer?.result ?? ""))?.[1];
      if (id !== undefined) this.prefix = Number(id);
    });
  }
}
