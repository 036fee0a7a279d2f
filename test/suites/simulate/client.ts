/** A miner's connection to an edge, with the bundled miner's own end of it, and what it was told on it. */

import { type PoolAnswer, PoolConnection } from "../../../edge/miner/pool-connection.ts";
import { STRATUM_ERRORS } from "../../../shared/messages/stratum.ts";
import type { Chance } from "../../support/random.ts";
import type { SimEdge } from "./edge.ts";
import type { SimProcess } from "./process.ts";
import { SimLine } from "./sockets.ts";
import type { SimTime } from "./time.ts";
import { Violation } from "./violation.ts";

export interface ClientModules {
  readonly time: SimTime;
  readonly chance: Chance;
  /** Miners live in a process that nobody kills. */
  readonly process: SimProcess;
  readonly guard: (work: () => void) => void;
}

export interface ClientOptions {
  readonly edge: SimEdge;
  readonly user: string;
  readonly worker: string;
  readonly address: string;
}

export interface Job {
  readonly height: number;
  readonly oprHash: string;
}

/** What a miner needs to make a hash. */
export interface Work {
  readonly job: Job;
  readonly prefix: number;
  /** As the miner knows it: the prefix's or a harder one. */
  readonly target: bigint;
}

/** What stands for the user and worker of a share. */
export function holderOf({ user, worker }: { user: string; worker: string }): string {
  return `${user},${worker}`;
}

const WORDS: ReadonlyMap<number, string> = new Map([
  [STRATUM_ERRORS.ErrorStaleShare, "stale"],
  [STRATUM_ERRORS.ErrorDuplicateShare, "duplicate"],
  [STRATUM_ERRORS.ErrorLowDifficulty, "low-difficulty"],
  [STRATUM_ERRORS.ErrorWrongPrefix, "wrong-prefix"],
  [STRATUM_ERRORS.ErrorWrongHash, "wrong-hash"],
  [STRATUM_ERRORS.ErrorBusy, "busy"],
]);

export class Client {
  readonly edge: SimEdge;
  readonly user: string;
  readonly worker: string;
  readonly line: SimLine;
  isLoggedIn = false;
  /** Told to mine. */
  isMining = false;
  isOver = false;
  prefix: number | undefined;
  target = 0n;
  job: Job | undefined;
  /** The last job before this one, as it was mined last. */
  previous: Work | undefined;
  readonly #connection: PoolConnection;
  /** Job and prefix, as they were announced together. */
  readonly #heard = new Set<string>();

  constructor({ edge, user, worker, address }: ClientOptions, modules: ClientModules, onEnd: () => void) {
    const { time, chance, process, guard } = modules;
    this.edge = edge;
    this.user = user;
    this.worker = worker;
    this.line = new SimLine(edge.process, process, { time, chance });
    this.#connection = new PoolConnection(this.line.minerEnd, "simulated", process, {
      onPrefix: (prefix) => {
        this.prefix = prefix;
      },
      onTarget: (target) => {
        this.target = target;
      },
      onAuthorized: () => {
        this.isLoggedIn = true;
      },
      onRefused: () => this.end("refused"),
      onJob: (height, oprHash) => guard(() => this.#onJob({ height, oprHash })),
      onStop: () => {
        this.isMining = false;
      },
      onEnd: () => {
        this.isOver = true;
        onEnd();
      },
      ...{ onMessage: () => undefined, onReconnect: () => undefined },
    });
    edge.connect(this.line, address);
  }

  /** What it is told to mine. */
  get present(): Work | undefined {
    return this.isMining ? this.#work() : undefined;
  }

  /** Subscribes and logs in. */
  greet(password: string): void {
    const { user, worker } = this;
    this.#connection.greet({ user, worker, password, invite: "", payoutAddress: "" });
  }

  /** Takes a prefix as nobody. */
  subscribe(): void {
    void this.#connection.request("mining.subscribe", ["simulated"]).then((answer) => {
      const id = /"type":"mining.set_nonce","id":"(\d+)"/.exec(JSON.stringify(answer?.result ?? ""))?.[1];
      if (id !== undefined) this.prefix = Number(id);
    });
  }

  /** Logs in after it subscribed as nobody. */
  logIn(password: string): void {
    void this.#connection.request("mining.authorize", [holderOf(this), password]).then((answer) => {
      if (answer?.result === true) this.isLoggedIn = true;
    });
  }

  wish(target: bigint): void {
    this.#connection.tell("mining.suggest_target", [target.toString(16)]);
  }

  /** What the pool says of a share, in one word; "unanswered" where the connection ended first. */
  async submit(jobId: string, nonce: string, oprHash: string, target: bigint): Promise<string> {
    const params = [this.user, jobId, nonce, oprHash, target.toString(16)];
    return wordOf(await this.#connection.request("mining.submit", params));
  }

  end(reason: string): void {
    this.#connection.end(reason);
  }

  #work(): Work | undefined {
    const { job, prefix, target } = this;
    return job === undefined || prefix === undefined ? undefined : { job, prefix, target };
  }

  /** A miner counts its nonces from zero at each notify, so that the same job may come again only with another prefix. */
  #onJob(job: Job): void {
    const heard = `${job.height} ${this.prefix}`;
    if (this.#heard.has(heard)) throw new Violation(`N2: job ${heard} was announced twice with one prefix`);
    this.#heard.add(heard);
    if (this.job?.height !== job.height) this.previous = this.#work();
    this.job = job;
    this.isMining = true;
  }
}

function wordOf(answer: PoolAnswer | undefined): string {
  if (answer === undefined) return "unanswered";
  if (answer.result === true) return "accepted";
  return WORDS.get(answer.error?.code ?? 0) ?? `error ${answer.error?.code}`;
}
