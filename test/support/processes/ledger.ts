/** A user's mining over as many connections as it takes, and what became of each share: what the pool's books are compared with. */

import { setTimeout as pause } from "node:timers/promises";
import type { Line, Share, StratumClient } from "../stratum-client.ts";
import { until } from "../until.ts";
import { start } from "./prosper.ts";

/** LXR hashes by `prosper hash`, one process for all of them. */
export class Hasher {
  readonly #running = start(["hash", "--bits", "16"]);
  #turn: Promise<unknown> = Promise.resolve();

  /** One question after the other: answers come in that order, and without a mark of whose they are. */
  hash(inputs: readonly string[]): Promise<string[]> {
    const turn = this.#turn.then(() => this.#hash(inputs));
    this.#turn = turn;
    return turn;
  }

  async #hash(inputs: readonly string[]): Promise<string[]> {
    this.#running.process.stdin?.write(`${inputs.join("\n")}\n`);
    const length = inputs.length * 65;
    await until(`${inputs.length} hashes`, () => this.#running.stdout().length >= length, { everyMs: 2 });
    return this.#running.takeStdout(length).trimEnd().split("\n");
  }

  close(): void {
    this.#running.process.stdin?.end();
  }
}

/** One user's mining over as many connections as it takes, and what became of each share. */
export class Ledger {
  readonly user: string;
  /** Answered true, or refused as a duplicate after an answer that never came: in the pool's hands. */
  readonly acknowledged: Share[] = [];
  /** Sent, and the connection ended before the answer. */
  unanswered: Share[] = [];
  /** Unanswered, and it can no longer be found out. */
  readonly unknown: Share[] = [];
  readonly refusals: (Line["error"] & object)[] = [];
  /** While it is set, what is found waits here instead of being sent. */
  held: Share[] | undefined;
  readonly #hasher: Hasher;
  #nonce = 0;

  constructor(user: string, hasher: Hasher) {
    this.user = user;
    this.#hasher = hasher;
  }

  /** Mines until `enough`, or until the connection ends; resolves when each share has its answer, or has lost its connection. */
  async mine(client: StratumClient, enough: () => boolean): Promise<void> {
    const answers: Promise<void>[] = [];
    while (!enough() && !client.closed) {
      const { job, prefix } = client;
      if (job === undefined) {
        // Maintenance is the longest wait.
        await until("a job", () => client.job !== undefined || client.closed, { withinMs: 120_000 });
        continue;
      }
      const nonces = Array.from(
        { length: 4096 },
        () => prefix + (this.#nonce++).toString(16).padStart(8, "0"),
      );
      const hashes = await this.#hasher.hash(nonces.map((nonce) => job.oprHash + nonce));
      for (const [i, nonce] of nonces.entries()) {
        const target = hashes[i]?.slice(0, 16) ?? "";
        if (BigInt(`0x${target}`) < client.target) continue;
        const share = { jobId: job.id, oprHash: job.oprHash, nonce, target };
        if (this.held === undefined) answers.push(this.#submit(client, share));
        else this.held.push(share);
      }
      // Leaves the cores to the pool.
      await pause(20);
    }
    await Promise.all(answers);
  }

  /** Sends what was held, all at once, and holds nothing more; resolves when each has its answer. */
  async release(client: StratumClient): Promise<void> {
    const shares = this.held ?? [];
    this.held = undefined;
    await Promise.all(shares.map((share) => this.#submit(client, share)));
  }

  /**
   * Sends again what was never answered. True or "duplicate" says that it counts once; "low difficulty", which a share is told that is no
   * duplicate, that it does not count; anything else leaves it unknown.
   */
  async settle(client: StratumClient): Promise<void> {
    const open = this.unanswered;
    this.unanswered = [];
    const answers = await Promise.all(open.map((share) => client.submit(this.user, share)));
    for (const [i, share] of open.entries()) {
      const answer = answers[i];
      const refusal = answer?.error?.message;
      if (answer === undefined) this.unanswered.push(share);
      else if (answer.result === true || refusal === "ErrorDuplicateShare") this.acknowledged.push(share);
      else if (refusal !== "ErrorLowDifficulty") this.unknown.push(share);
    }
  }

  async #submit(client: StratumClient, share: Share): Promise<void> {
    this.#book(share, await client.submit(this.user, share));
  }

  #book(share: Share, answer: Line | undefined): void {
    if (answer === undefined) this.unanswered.push(share);
    else if (answer.result === true) this.acknowledged.push(share);
    else if (answer.error !== undefined) this.refusals.push(answer.error);
  }
}
