/** A miner of the chaos run that wants more than its hashes are worth: it keeps hits, wishes, sends where the target suits, and hashes on after the stop. */

import { connect } from "node:net";
import { PoolConnection } from "../../../../edge/miner/pool-connection.ts";
import { bytesToU64, concat, fromHex, toHex, u32ToBytes } from "../../../../shared/bytes.ts";
import { sleep, systemClock } from "../../../../shared/clock.ts";
import { HASH_SPACE } from "../../../../shared/difficulty/target.ts";
import { targetOfWork } from "../../../../shared/difficulty/work.ts";
import type { Hasher } from "../../../../shared/hash/hasher.ts";
import type { Chance } from "../../../support/random.ts";

interface Job {
  readonly height: number;
  readonly oprHash: string;
}

interface Hit {
  readonly job: Job;
  readonly nonce: Uint8Array;
  readonly reached: bigint;
}

export interface CheatModules {
  readonly hasher: Hasher;
  readonly chance: Chance;
  readonly ports: readonly number[];
  readonly everyMs: number;
  readonly isOver: () => boolean;
}

const HASHES = 128;
const EASIEST = targetOfWork(16n);
const KEPT = 500;

export class Cheat {
  readonly user: string;
  readonly worker: string;
  /** Hashes while told to mine, or for as long after it as shares may be late. */
  made = 0;
  readonly #modules: CheatModules;
  #hits: Hit[] = [];
  #job: Job | undefined;
  #stoppedMs = Number.POSITIVE_INFINITY;
  #prefix: number | undefined;
  #target = 0n;
  #counter = 0;
  /** Of the job that was stopped last: its late time. */
  static readonly LATE_MS = 1_500;

  constructor(user: string, worker: string, modules: CheatModules) {
    this.user = user;
    this.worker = worker;
    this.#modules = modules;
  }

  async run(): Promise<void> {
    while (!this.#modules.isOver()) {
      await this.#live();
      await sleep(systemClock, this.#modules.chance.between(50, 400));
    }
  }

  async #live(): Promise<void> {
    const { chance, ports, everyMs, isOver } = this.#modules;
    let isOpen = true;
    let isAuthorized = false;
    const connection = new PoolConnection(
      connect({ host: "127.0.0.1", port: chance.pick(ports), noDelay: true }),
      "chaos-cheat",
      { clock: systemClock },
      {
        onPrefix: (prefix) => {
          this.#prefix = prefix;
          this.#counter = 0;
        },
        onAuthorized: () => {
          isAuthorized = true;
        },
        onJob: (height, oprHash) => {
          this.#job = { height, oprHash };
          this.#stoppedMs = Number.POSITIVE_INFINITY;
          this.#counter = 0;
        },
        onTarget: (target) => {
          this.#target = target;
        },
        onStop: () => {
          this.#stoppedMs = performance.now();
        },
        onEnd: () => {
          isOpen = false;
        },
        ...{ onRefused: () => undefined, onMessage: () => undefined, onReconnect: () => undefined },
      },
    );
    connection.greet({ user: this.user, worker: this.worker, password: "", invite: "", payoutAddress: "" });
    while (isOpen && !isOver()) {
      await sleep(systemClock, chance.between(0.5, 1.5) * everyMs);
      if (!isAuthorized) continue;
      await this.#hash();
      if (chance.hit(0.2))
        connection.tell("mining.suggest_target", [
          targetOfWork(1n << BigInt(chance.whole(4, 9))).toString(16),
        ]);
      this.#send(connection);
      if (chance.hit(0.03)) connection.end("it was unlucky");
    }
    connection.end("over");
  }

  async #hash(): Promise<void> {
    const [job, prefix] = [this.#job, this.#prefix];
    if (job === undefined || prefix === undefined) return;
    const nonces = Array.from({ length: HASHES }, () =>
      concat(u32ToBytes(prefix), u32ToBytes(this.#counter++)),
    );
    if (performance.now() - this.#stoppedMs < Cheat.LATE_MS || this.#stoppedMs === Number.POSITIVE_INFINITY)
      this.made += HASHES;
    const head = fromHex(job.oprHash);
    const hashes = await this.#modules.hasher.hash(nonces.map((nonce) => concat(head, nonce)));
    for (const [index, hash] of hashes.entries()) {
      const [nonce, reached] = [nonces[index], bytesToU64(hash)];
      if (nonce !== undefined && reached >= EASIEST) this.#hits.push({ job, nonce, reached });
    }
    this.#hits = this.#hits.slice(-KEPT);
  }

  /** Those that reach the present target and not much more; all that are left once it is stopped. */
  #send(connection: PoolConnection): void {
    const worth = HASH_SPACE / (HASH_SPACE - this.#target);
    const isLast = this.#stoppedMs !== Number.POSITIVE_INFINITY;
    const chosen = this.#hits.filter(({ reached }) => {
      const luck = HASH_SPACE / (HASH_SPACE - reached);
      return isLast || (luck >= worth && luck < 4n * worth);
    });
    for (const { job, nonce, reached } of chosen.slice(-20))
      void connection.request("mining.submit", [
        this.user,
        `${job.height}`,
        toHex(nonce),
        job.oprHash,
        reached.toString(16),
      ]);
    const sent = new Set(chosen.slice(-20));
    this.#hits = this.#hits.filter((hit) => !sent.has(hit));
  }
}
