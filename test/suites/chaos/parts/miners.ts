/**
 * 200 miners in one process: each finds real shares, sends them, keeps what it was told, comes back when its edge dies, and then sends
 * again what it was told before and what it was never told. Prints its sums every second and its whole log at the end.
 */

import { connect } from "node:net";
import { PoolConnection } from "../../../../edge/miner/pool-connection.ts";
import { bytesToU64, concat, fromHex, toHex, u32ToBytes } from "../../../../shared/bytes.ts";
import { sleep, systemClock } from "../../../../shared/clock.ts";
import { assignedWork } from "../../../../shared/difficulty/work.ts";
import { smallHasher } from "../../../support/hash/small-hasher.ts";
import { Chance } from "../../../support/random.ts";
import { partOptions, tell, USERS } from "../options.ts";
import { Cheat } from "./cheat.ts";

/** Beside the honest ones: who wants more than its hashes are worth. */
const CHEATS = 12;
const options = partOptions();
const hasher = smallHasher(options.bits);
const chance = new Chance(options.seed);
let isOver = false;

/** A share and what came of it: told `true`, told `duplicate` (it had been counted before), refused otherwise, or no answer. */
interface Share {
  readonly job: number;
  readonly oprHash: string;
  readonly nonce: Uint8Array;
  readonly difficulty: bigint;
  /** Of the target of its prefix: what it is credited with, whatever target is in force when it is sent. */
  readonly work: bigint;
  state: "accepted" | "counted" | "refused" | "unknown";
}

const totals = { acked: 0, refused: 0, unknown: 0, replays: 0, replaysTaken: 0, connects: 0 };
const refusals = new Map<string, number>();
const problems: string[] = [];
const acknowledgedMs: number[] = [];

interface Sums {
  readonly user: string;
  readonly worker: string;
  readonly job: number;
  readonly sure: number;
  readonly unsure: number;
  readonly sureWork: number;
  readonly unsureWork: number;
}

function workOf(shares: readonly Share[]): bigint {
  return shares.reduce((sum, { work }) => sum + work, 0n);
}

class Miner {
  readonly #user: string;
  readonly #worker: string;
  readonly #shares: Share[] = [];
  #connection: PoolConnection | undefined;
  #prefix = 0;
  #target = 0n;
  #job: { height: number; oprHash: string } | undefined;
  #counter = 0;

  constructor(user: string, worker: string) {
    this.#user = user;
    this.#worker = worker;
  }

  async run(): Promise<void> {
    while (!isOver) {
      await this.#live();
      await sleep(systemClock, chance.between(50, 400));
    }
  }

  /** Shares, and their work, by job: how many were acknowledged or known to be counted, and how many may be counted besides. */
  sums(): Sums[] {
    const jobs = Map.groupBy(this.#shares, ({ job }) => job);
    return [...jobs].map(([job, shares]) => {
      const sure = shares.filter(({ state }) => state === "accepted" || state === "counted");
      const unsure = shares.filter(({ state }) => state === "unknown");
      return {
        ...{ user: this.#user, worker: this.#worker, job, sure: sure.length, unsure: unsure.length },
        ...{ sureWork: Number(workOf(sure)), unsureWork: Number(workOf(unsure)) },
      };
    });
  }

  async #live(): Promise<void> {
    const port = chance.pick(options.edgePorts);
    const socket = connect({ host: "127.0.0.1", port, noDelay: true });
    let end = (): void => undefined;
    const ended = new Promise<void>((resolve) => {
      end = resolve;
    });
    let isAuthorized = false;
    totals.connects += 1;
    const connection = new PoolConnection(
      socket,
      "chaos",
      { clock: systemClock },
      {
        onPrefix: (prefix) => {
          this.#prefix = prefix;
        },
        onAuthorized: () => {
          isAuthorized = true;
        },
        onRefused: (reason) => problems.push(`${this.#user} was refused: ${reason}`),
        onJob: (height, oprHash) => {
          this.#job = { height, oprHash };
          this.#counter = 0;
        },
        onTarget: (target) => {
          this.#target = target;
        },
        onStop: () => {
          this.#job = undefined;
        },
        onMessage: () => undefined,
        onReconnect: () => undefined,
        onEnd: () => end(),
      },
    );
    this.#connection = connection;
    this.#forgetJob();
    connection.greet({ user: this.#user, worker: this.#worker, password: "", invite: "", payoutAddress: "" });
    let isOpen = true;
    void ended.then(() => {
      isOpen = false;
    });
    let hasReplayed = false;
    while (isOpen && !isOver) {
      await Promise.race([ended, sleep(systemClock, chance.between(0.5, 1.5) * options.shareEveryMs)]);
      const job = this.#jobNow();
      if (!isOpen || !isAuthorized || job === undefined) continue;
      if (!hasReplayed) this.#replay(job.height);
      hasReplayed = true;
      await this.#mine();
      if (chance.hit(0.01)) connection.end("the miner goes");
    }
    if (isOver) {
      await Promise.race([ended, sleep(systemClock, 3_000)]);
      connection.end("over");
    }
  }

  #forgetJob(): void {
    this.#job = undefined;
  }

  #jobNow(): { height: number; oprHash: string } | undefined {
    return this.#job;
  }

  /** Everything of the running job once more, in capitals: told it must be no second `true`; never told, it is one or a duplicate. */
  #replay(job: number): void {
    for (const share of this.#shares.filter((one) => one.job === job).slice(-40)) {
      totals.replays += 1;
      const before = share.state;
      void this.#send(share, true).then((word) => {
        if (word === "accepted" && (before === "accepted" || before === "counted")) {
          totals.replaysTaken += 1;
          problems.push(`a share was acknowledged twice: job ${job}, nonce ${toHex(share.nonce)}`);
        }
        if (before === "accepted" || before === "counted") return;
        if (word === "accepted") share.state = "accepted";
        if (word === "duplicate") share.state = "counted";
        // Another edge cannot say whether the first counted it.
      });
    }
  }

  async #mine(): Promise<void> {
    const job = this.#job;
    if (job === undefined) return;
    // A prefix has one target for its whole life: both are taken together.
    const target = this.#target;
    const prefix = u32ToBytes(this.#prefix);
    const head = fromHex(job.oprHash);
    for (let batch = 0; batch < 200; batch++) {
      const nonces = Array.from({ length: 16 }, () => concat(prefix, u32ToBytes(this.#counter++)));
      const hashes = await hasher.hash(nonces.map((nonce) => concat(head, nonce)));
      const hit = hashes.findIndex((hash) => bytesToU64(hash) >= target);
      const [nonce, hash] = [nonces[hit], hashes[hit]];
      if (nonce === undefined || hash === undefined) continue;
      const share: Share = {
        ...{ job: job.height, oprHash: job.oprHash, nonce, difficulty: bytesToU64(hash) },
        work: assignedWork(target),
        state: "unknown",
      };
      this.#shares.push(share);
      void this.#first(share);
      return;
    }
  }

  async #first(share: Share): Promise<void> {
    const startMs = performance.now();
    const word = await this.#send(share, false);
    if (word === "accepted") {
      acknowledgedMs.push(performance.now() - startMs);
      totals.acked += 1;
      share.state = "accepted";
      return;
    }
    if (word === undefined) {
      totals.unknown += 1;
      return;
    }
    totals.refused += 1;
    refusals.set(word, (refusals.get(word) ?? 0) + 1);
    // A duplicate at the first try is somebody else's nonce: it must not happen.
    if (word === "duplicate")
      problems.push(`an honest share was a duplicate: job ${share.job}, ${toHex(share.nonce)}`);
    share.state = "refused";
  }

  /** What the pool said; undefined where it did not. Busy is a refusal, but after a failed write the share may be counted all the same. */
  async #send(share: Share, inCapitals: boolean): Promise<string | undefined> {
    const hex = toHex(share.nonce);
    const answer = await this.#connection?.request("mining.submit", [
      this.#user,
      `${share.job}`,
      inCapitals ? hex.toUpperCase() : hex,
      share.oprHash,
      share.difficulty.toString(16),
    ]);
    if (answer === undefined) return undefined;
    if (answer.result === true) return "accepted";
    const word = answer.error?.message ?? "refused";
    if (word === "ErrorDuplicateShare") return "duplicate";
    return word === "ErrorBusy" ? undefined : word;
  }
}

const miners = Array.from({ length: options.miners }, (_, n) => {
  return new Miner(USERS[n % USERS.length] ?? "user0", `rig${n}`);
});
const cheats = Array.from({ length: CHEATS }, (_, n) => {
  const modules = {
    ...{ hasher, chance, ports: options.edgePorts, everyMs: options.shareEveryMs },
    isOver: () => isOver,
  };
  return new Cheat(USERS[n % USERS.length] ?? "user0", `cheat${n}`, modules);
});
const running = [...miners, ...cheats].map((miner) => miner.run());
tell({ ready: true });
const report = setInterval(() => tell({ totals, refusals: Object.fromEntries(refusals), problems }), 1_000);
process.stdin.on("data", () => {
  isOver = true;
});
await Promise.all(running);
clearInterval(report);
acknowledgedMs.sort((a, b) => a - b);
const at = (part: number): number =>
  Math.round(acknowledgedMs[Math.floor(part * (acknowledgedMs.length - 1))] ?? 0);
const lastWords = JSON.stringify({
  ...{ over: true, totals, refusals: Object.fromEntries(refusals), problems },
  acknowledged: { p50: at(0.5), p99: at(0.99), max: at(1) },
  sums: miners.flatMap((miner) => miner.sums()),
  cheats: cheats.map(({ user, worker, made }) => ({ user, worker, made })),
});
// Not before all of it is out: it is long.
process.stdout.write(`${lastWords}\n`, () => process.exit(0));
