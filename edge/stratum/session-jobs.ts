/** What a session was told of jobs: which it mines, and that it is to stop. Each is told once, with a prefix that may mine it. */

import { encodeRequest } from "../../shared/messages/stratum.ts";
import type { Job, StratumBackend } from "./backend.ts";
import type { Outgoing } from "./conversation.ts";
import type { SessionPairs } from "./session-pairs.ts";

type Told =
  /** The session has not subscribed, and hears of no job. */
  | { readonly kind: "unsubscribed" }
  | { readonly kind: "nothing" }
  /** `freshFrom` of the job: the same job is told again only with a later one. */
  | { readonly kind: "mine" | "stop"; readonly height: number; readonly freshFrom: number };

export interface SessionJobsModules {
  readonly backend: StratumBackend;
  readonly pairs: SessionPairs;
  readonly out: Outgoing;
}

export class SessionJobs {
  readonly #modules: SessionJobsModules;
  #told: Told = { kind: "unsubscribed" };
  #isRenewing: boolean = false;

  constructor(modules: SessionJobsModules) {
    this.#modules = modules;
  }

  /** The session has subscribed. */
  get areHeard(): boolean {
    return this.#told.kind !== "unsubscribed";
  }

  /** A job was announced to the session. */
  get wasTold(): boolean {
    return this.#told.kind === "mine" || this.#told.kind === "stop";
  }

  /** The session has subscribed, and has a pair: jobs are announced to it from now on. */
  subscribed(): void {
    if (this.#told.kind === "unsubscribed") this.#told = { kind: "nothing" };
  }

  /**
   * The lines that announce a job to this session. Calling this notes that it was announced. "" if it has had this job or a later one (N2). A
   * job that goes on after a stop is announced when a new prefix is there.
   * Differs from prosper-pool: there every connection hears every announcement, and a miner that hears a job again repeats its nonces.
   */
  lines(job: Job, notifyLine?: string): string {
    if (!isNews(this.#told, job)) return "";
    const { pairs, out } = this.#modules;
    if (!pairs.isFreshFor(job)) {
      this.#renewPrefix();
      return "";
    }
    this.#told = { kind: "mine", height: job.height, freshFrom: job.freshFrom };
    pairs.mines(job.height);
    return notifyLine ?? encodeNotify(out.nextId(), job.height, job.oprHash);
  }

  /** Announces a job unless the session has had it; true when it was sent. It leaves before the next session is told. */
  announce(job: Job, notifyLine?: string): boolean {
    const lines = this.lines(job, notifyLine);
    if (lines === "") return false;
    this.#modules.out.sendNow(lines);
    return true;
  }

  /** Tells a session that mines to stop until the next job. */
  stop(): void {
    if (this.#told.kind !== "mine") return;
    const { pairs, out } = this.#modules;
    this.#told = { ...this.#told, kind: "stop" };
    pairs.stops();
    out.send(encodeRequest(out.nextId(), "mining.stop_mining", null));
  }

  /** Tells what is not told yet. The session has had everything, unless it could get no prefix for the job. */
  review(): void {
    const job = this.#modules.backend.currentJob();
    if (job === undefined) this.stop();
    else this.announce(job);
  }

  /** The job goes on after a stop: only a prefix that nobody had meanwhile may mine it. Where none can be had, the next review asks again. */
  #renewPrefix(): void {
    if (this.#isRenewing) return;
    this.#isRenewing = true;
    const { backend, pairs, out } = this.#modules;
    void pairs
      .renew()
      .then((lines) => {
        if (lines === undefined) return;
        const job = backend.currentJob();
        out.send(job === undefined ? lines : lines + this.lines(job));
      })
      .finally(() => {
        this.#isRenewing = false;
      });
  }
}

function isNews(told: Told, { height, freshFrom }: Job): boolean {
  switch (told.kind) {
    case "unsubscribed":
      return false;
    case "nothing":
      return true;
    case "mine":
    case "stop":
      return height > told.height || (height === told.height && freshFrom > told.freshFrom);
  }
}

/** A notify line; every session may get the same. */
export function encodeNotify(id: number, height: number, oprHash: string): string {
  return encodeRequest(id, "mining.notify", [String(height), oprHash, ""]);
}
