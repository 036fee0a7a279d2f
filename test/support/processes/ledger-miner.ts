/** A miner that keeps what became of every share it handed in, over as many connections as it takes: the other side of the pool's books. */

import { setTimeout as pause } from "node:timers/promises";
import { concat, fromHex, toHex } from "../../../shared/bytes.ts";
import { LxrKernel } from "../../../shared/hash/kernel.ts";
import { openTable } from "../../../shared/hash/open-table.ts";
import { claimRegion } from "../../../shared/hash/shared-table.ts";
import { SILENT } from "../../../shared/logger.ts";
import { type Share, StratumClient } from "../stratum-client.ts";

/** Some 256 hashes a share: enough shares without many hashes. */
const WISH = "ff00000000000000";
const NONCES = 256;
const PAUSE_MS = 250;
const COUNTER_BYTES = 4;

/** One for all miners of this process. */
export async function openKernel(bits: number): Promise<LxrKernel> {
  const table = await openTable({ bits, logger: SILENT });
  return new LxrKernel(table, claimRegion(table));
}

export interface Registration {
  readonly password: string;
  readonly invite: string;
  readonly address: string;
}

export class LedgerMiner {
  readonly user: string;
  /** Answered true, or told to be a duplicate after an answer that never came. */
  acknowledged = 0;
  /** Handed in without an answer, and its job was over when it could be asked again. */
  unknown = 0;
  readonly refusals = new Map<string, number>();
  registered = false;
  /** `host:port`; may change while it mines. */
  address: string;
  readonly #kernel: LxrKernel;
  #unanswered: Share[] = [];
  #client: StratumClient | undefined;
  #registration: Registration | undefined;
  #counter = 0;
  #isMining = true;
  #running: Promise<void> = Promise.resolve();

  constructor(user: string, address: string, kernel: LxrKernel, registration?: Registration) {
    this.user = user;
    this.address = address;
    this.#kernel = kernel;
    this.#registration = registration;
  }

  /** Resolves at the first login. */
  async start(): Promise<void> {
    await this.#connect();
    this.#running = this.#run();
  }

  /** Hands in nothing more, and asks again for every answer that never came. */
  async stop(): Promise<void> {
    this.#isMining = false;
    await this.#running;
    for (let tries = 0; this.#unanswered.length > 0 && tries < 20; tries++) {
      await this.#settle().catch(() => undefined);
      await pause(500);
    }
    this.#client?.close();
  }

  get open(): number {
    return this.#unanswered.length;
  }

  async #run(): Promise<void> {
    while (this.#isMining) {
      try {
        await this.#settle();
        await this.#mine();
      } catch {
        // The edge is gone: it will be back, or another takes its place.
        await pause(500);
      }
    }
    await pause(1_000);
  }

  async #connect(): Promise<StratumClient> {
    if (this.#client !== undefined && !this.#client.closed) return this.#client;
    const client = await StratumClient.connect(this.address);
    const { password = "", invite = "", address = "" } = this.#registration ?? {};
    const registration = password === "" ? [] : [password, invite, address];
    const answer = await client.login(this.user, ...registration);
    if (answer?.result !== true) throw new Error(`${this.user} cannot log in: ${JSON.stringify(answer)}`);
    this.#registration = undefined;
    this.registered = true;
    client.send(`${JSON.stringify({ id: 1_000_000, method: "mining.suggest_target", params: [WISH] })}\n`);
    this.#client = client;
    return client;
  }

  async #settle(): Promise<void> {
    if (this.#unanswered.length === 0) return;
    const client = await this.#connect();
    for (const share of this.#unanswered.splice(0)) {
      const answer = await client.submit(this.user, share);
      if (answer === undefined) this.#unanswered.push(share);
      else if (answer.result === true || answer.error?.message === "ErrorDuplicateShare") this.acknowledged++;
      else this.unknown++;
    }
  }

  async #mine(): Promise<void> {
    const client = await this.#connect();
    while (this.#isMining && !client.closed) {
      await pause(PAUSE_MS);
      const { job, prefix, target } = client;
      if (job === undefined) continue;
      const start = this.#counter;
      this.#counter += NONCES;
      const fixed = concat(fromHex(job.oprHash), fromHex(prefix));
      const found = this.#kernel.search({ prefix: fixed, start, suffixBytes: COUNTER_BYTES, count: NONCES });
      for (const [i, difficulty] of found.entries()) {
        if (difficulty < target) continue;
        const counter = (start + i).toString(16).padStart(2 * COUNTER_BYTES, "0");
        const nonce = `${toHex(fromHex(prefix))}${counter}`;
        const share = {
          jobId: job.id,
          oprHash: job.oprHash,
          nonce,
          target: difficulty.toString(16).padStart(16, "0"),
        };
        void client.submit(this.user, share).then((answer) => this.#book(share, answer));
      }
    }
  }

  #book(share: Share, answer: Awaited<ReturnType<StratumClient["submit"]>>): void {
    if (answer === undefined) this.#unanswered.push(share);
    else if (answer.result === true) this.acknowledged++;
    else {
      const name = answer.error?.message ?? "no reason";
      this.refusals.set(name, (this.refusals.get(name) ?? 0) + 1);
    }
  }
}
