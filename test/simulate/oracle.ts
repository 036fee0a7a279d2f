/**
 * What must hold after every step (the invariants I1 to I10 of the design's reliability notes), judged from outside: from what miners
 * were told, what the books applied, and what the parts log.
 */

import { createHash } from "node:crypto";
import { type Delta, type DeltaRow, REST_WORKER } from "../../shared/messages/summary.ts";
import { owed } from "./model/books.ts";
import { SIM_LIMITS } from "./model/names.ts";
import type { ModelServer } from "./model/server.ts";
import type { SealRecord, Tables } from "./model/tables.ts";
import { digitsOf, JUDGED_ATTEMPTS } from "./shares.ts";

/** A submit on its way to a verdict. */
export interface Attempt {
  readonly job: number;
  readonly user: string;
  readonly worker: string;
  /** Its place among the attempts of this worker in this job. */
  readonly index: number;
  /** The nonce's bytes, whatever the spelling. */
  readonly nonce: string;
  /** Its worker submits this nonce for the first time, it is true, and its session holds the prefix. */
  readonly isFresh: boolean;
  credited: boolean;
  acked: boolean;
}

export class Violation extends Error {}

/** Text that stands for every secret: no log line may hold it. */
export const CANARY = "canary-5d41402abc4b2a76";

/** Users by invitation are named so. */
export const GUEST = "guest-";

export interface OracleOptions {
  /** Two edges run under one identity: they may both take a nonce, and only losing work is a fault. */
  readonly twins: boolean;
  /** The database's clock may jump: who owns a slot is then not judged by it. */
  readonly databaseClockJumps: boolean;
}

export class Oracle {
  readonly #options: OracleOptions;
  readonly #server: ModelServer;
  readonly #attempts = new Map<string, Attempt[]>();
  /** Job and nonce → the attempt that was credited or acknowledged for it. */
  readonly #credited = new Map<string, Attempt>();
  readonly #acked = new Map<string, Attempt>();
  readonly #mined = new Set<string>();
  readonly #sealed = new Map<number, { readonly revision: number; readonly seal: SealRecord }>();
  readonly #seenDeltas = new Set<string>();
  /** Job and nonce → whether the share was late when an edge took it; missing where the edge died at that moment. */
  readonly #late = new Map<string, boolean>();
  #digest = createHash("sha256");
  #acks = 0;
  #missing = 0;

  constructor(options: OracleOptions, server: ModelServer) {
    this.#options = options;
    this.#server = server;
  }

  get acks(): number {
    return this.#acks;
  }

  /** Adds to the trace by which two runs of a seed are compared. */
  trace(text: string): void {
    this.#digest.update(`${text}\n`);
    this.log?.(text);
  }

  /** For people who look at one seed. */
  log: ((line: string) => void) | undefined;

  digest(): string {
    return this.#digest.copy().digest("hex").slice(0, 16);
  }

  /** The attempts of a worker in a job so far. */
  countOf(job: number, user: string, worker: string): number {
    return this.#attempts.get(workerKey(job, user, worker))?.length ?? 0;
  }

  /** True the first time that this worker mines this nonce: whoever else had its prefix in this job, it must count. */
  isFirst(job: number, nonce: string, user: string, worker: string): boolean {
    const key = `${workerKey(job, user, worker)} ${nonce}`;
    if (this.#mined.has(key)) return false;
    this.#mined.add(key);
    return true;
  }

  begin(attempt: Attempt): void {
    const key = workerKey(attempt.job, attempt.user, attempt.worker);
    const attempts = this.#attempts.get(key) ?? [];
    this.#attempts.set(key, attempts);
    attempts.push(attempt);
  }

  /** An edge has the share on disk. */
  taken(job: number, nonce: string, late: boolean): void {
    this.#late.set(`${job}/${nonce}`, late);
  }

  /** What the miner was told; "unanswered" where its connection ended first. */
  verdict(attempt: Attempt, word: string, edgeId: string): void {
    this.trace(
      `${word}: job ${attempt.job} ${attempt.user}/${attempt.worker} attempt ${attempt.index} nonce ${attempt.nonce} at ${edgeId.slice(0, 1)}`,
    );
    if (word === "accepted") this.#accepted(attempt);
    else if (attempt.isFresh && !this.#options.twins && !["stale", "busy", "unanswered"].includes(word))
      throw new Violation(`an honest share was refused as ${word}: ${describe(attempt)}`);
  }

  #accepted(attempt: Attempt): void {
    this.#acks += 1;
    if (!attempt.credited) this.#missing += 1;
    attempt.acked = true;
    const key = `${attempt.job}/${attempt.nonce}`;
    const before = this.#acked.get(key);
    if (before !== undefined && !this.#options.twins)
      throw new Violation(
        `I4: one nonce was acknowledged twice: ${describe(before)} and ${describe(attempt)}`,
      );
    this.#acked.set(key, attempt);
  }

  /** An edge is about to say yes: by the database's word its slot must be its own. */
  acknowledges(edgeId: string, slot: number | undefined): void {
    if (this.#options.twins || this.#options.databaseClockJumps || slot === undefined) return;
    if (this.#server.tables.slots.get(slot)?.edgeId !== edgeId)
      throw new Violation(`an edge acknowledged a share though its slot ${slot} is another's`);
  }

  /** A prefix was given to a session; `others` are those of all live sessions of edges that may acknowledge. */
  leased(prefix: number, others: readonly number[]): void {
    if (others.includes(prefix) && !this.#options.twins)
      throw new Violation(`I6: prefix ${prefix} was leased to two live sessions`);
  }

  logged(line: string): void {
    if (line.includes(CANARY)) throw new Violation(`I9: a secret was logged: ${line.slice(0, 300)}`);
  }

  /** After each step: what has changed in the books is checked against what they promise. */
  check(): void {
    const { tables, locks } = this.#server;
    if (locks.deadlocks > 0) throw new Violation("transactions waited for each other in a circle");
    if (tables.deltas.size > this.#seenDeltas.size) this.#checkDeltas(tables);
    for (const job of tables.jobs.values()) {
      if (job.state !== "sealed") continue;
      const known = this.#sealed.get(job.height);
      if (known === undefined) this.#checkSeal(tables, job.height);
      else if (known.revision !== tables.revisions.get(job.height) || known.seal !== job.sealed)
        throw new Violation(`I2: sealed job ${job.height} was changed`);
    }
    this.#checkPayments(tables);
    this.#checkInvites(tables);
  }

  /** Shares that were acknowledged and are not in the books yet. */
  missing(): number {
    return this.#missing;
  }

  missingShares(): string[] {
    return [...this.#attempts.values()]
      .flat()
      .filter(({ acked, credited }) => acked && !credited)
      .map(describe);
  }

  /** When all is drained: nothing that was acknowledged may be missing. */
  finish(): void {
    const [missing] = this.missingShares();
    if (missing !== undefined) throw new Violation(`I1: an acknowledged share is not credited: ${missing}`);
    const { tables } = this.#server;
    for (const [key, lastSeq] of tables.markers) {
      for (let seq = 0; seq <= lastSeq; seq++)
        if (!tables.deltas.has(`${key}/${seq}`))
          throw new Violation(`I5: delta ${key}/${seq} is missing below its close marker ${lastSeq}`);
    }
    this.#checkSums(tables);
  }

  #checkDeltas(tables: Tables): void {
    for (const [key, { delta, into }] of tables.deltas) {
      if (this.#seenDeltas.has(key)) continue;
      this.#seenDeltas.add(key);
      this.trace(`applied ${key}`);
      this.#checkDelta(delta, key);
      const job = tables.jobs.get(delta.job);
      const isLate = into !== delta.job;
      if (isLate && job?.state === "sealed" && !job.forced && !this.#options.twins)
        throw new Violation(
          `I5: delta ${key} came after job ${delta.job} was sealed, and no deadline had passed`,
        );
      const marker = tables.markers.get(key.slice(0, key.lastIndexOf("/")));
      if (marker !== undefined && marker < delta.seq && !this.#options.twins)
        throw new Violation(`I5: delta ${key} lies above its close marker ${marker}`);
    }
  }

  #checkDelta(delta: Delta, key: string): void {
    // Beside earlier accepted ones they may end a book.
    if (delta.seq === 0 && delta.rows.every(({ shares }) => shares === 0))
      throw new Violation(`I11: delta ${key} was sent for refused shares alone`);
    for (const row of delta.rows) {
      const attempts = this.#attempts.get(workerKey(delta.job, row.user, row.worker)) ?? [];
      const digits = digitsOf(BigInt(row.work));
      if (digits.some((digit) => digit > 1) || digits.filter((digit) => digit === 1).length !== row.shares)
        throw new Violation(`I1: delta ${key} counts a share twice: ${JSON.stringify(row)}`);
      for (const [index, digit] of digits.entries()) {
        if (digit === 0) continue;
        const attempt = attempts[index];
        if (attempt === undefined)
          throw new Violation(
            `I1: delta ${key} credits a share that nobody submitted: ${JSON.stringify(row)}`,
          );
        this.#creditAttempt(attempt, key);
      }
      const credited = attempts.filter((_, index) => digits[index] === 1);
      if (!this.#options.twins) this.#checkTally(row, credited, key);
    }
  }

  /** I12: what could win and came in time is told, neither more nor less. */
  #checkTally(row: DeltaRow, credited: readonly Attempt[], key: string): void {
    const below = credited.filter(({ index }) => index < JUDGED_ATTEMPTS);
    const judged = below.reduce((sum, { index }) => sum + 4n ** BigInt(index), 0n);
    if (BigInt(row.judged ?? 0) !== judged)
      throw new Violation(`I12: delta ${key} judges ${row.judged} of ${judged}: ${JSON.stringify(row)}`);
    const late = below.map(({ job, nonce }) => this.#late.get(`${job}/${nonce}`));
    const inTime = late.filter((isLate) => isLate === false).length;
    const unknown = late.filter((isLate) => isLate === undefined).length;
    const sent = row.sent ?? 0;
    if (sent < inTime || sent > inTime + unknown)
      throw new Violation(
        `I12: delta ${key} tells of ${sent} hits in time, ${inTime} were: ${JSON.stringify(row)}`,
      );
  }

  #creditAttempt(attempt: Attempt, key: string): void {
    if (attempt.credited)
      throw new Violation(`I1: credited twice, again by delta ${key}: ${describe(attempt)}`);
    attempt.credited = true;
    if (attempt.acked) this.#missing -= 1;
    const nonce = `${attempt.job}/${attempt.nonce}`;
    const before = this.#credited.get(nonce);
    if (before !== undefined && !this.#options.twins)
      throw new Violation(`I4: one nonce was credited twice: ${describe(before)} and ${describe(attempt)}`);
    this.#credited.set(nonce, attempt);
  }

  #checkSeal(tables: Tables, height: number): void {
    const seal = tables.jobs.get(height)?.sealed;
    if (seal === undefined) throw new Violation(`I3: sealed job ${height} has no seal`);
    const { reward, carriedIn, fee, paid, carried, attempt, work, shares } = seal;
    if (fee + paid + carried !== reward + carriedIn)
      throw new Violation(`I3: job ${height}: ${fee} + ${paid} + ${carried} is not ${reward} + ${carriedIn}`);
    if (reward !== (tables.blocks.get(height)?.reward ?? -1n))
      throw new Violation(`I3: job ${height} is sealed with ${reward}, its block paid another reward`);
    const payouts = [...(tables.payouts.get(height)?.get(attempt)?.values() ?? [])];
    if (payouts.reduce((sum, { amount }) => sum + amount, 0n) !== paid)
      throw new Violation(`I3: job ${height}: its payouts are not ${paid}`);
    if (carried > 0n && work > 0n) throw new Violation(`I3: job ${height} has dust: ${carried}`);
    const pot = reward - fee + carriedIn;
    for (const { user, amount, work: own } of payouts) {
      const exact = work === 0n ? 0n : (pot * own) / work;
      if (amount < exact || amount > exact + 1n)
        throw new Violation(`I3: job ${height}: ${user} got ${amount} for a part worth ${exact}`);
    }
    const sums = tables.sums(height);
    const booked = sums.reduce((sum, row) => sum + row.shares, 0n);
    if (booked !== shares)
      throw new Violation(`I2: job ${height} was sealed with ${shares} of ${booked} shares`);
    this.#checkCarry(tables, height, carriedIn);
    this.#sealed.set(height, { revision: tables.revisions.get(height) ?? 0, seal });
    this.trace(`sealed ${height} ${fee} ${paid} ${carried}`);
  }

  #checkCarry(tables: Tables, height: number, carriedIn: bigint): void {
    const before = tables.jobsInOrder().filter((job) => job.height < height);
    if (before.some(({ state }) => state !== "sealed"))
      throw new Violation(`job ${height} was sealed before a lower one`);
    const jobless = [...tables.jobless.values()].filter(({ into }) => into === height);
    const expected = jobless.reduce((sum, { reward }) => sum + reward, before.at(-1)?.sealed?.carried ?? 0n);
    if (carriedIn !== expected)
      throw new Violation(`I3: job ${height} was carried ${carriedIn} in, ${expected} was left before it`);
  }

  #checkPayments(tables: Tables): void {
    if (tables.payments.length === 0) return;
    for (const user of tables.users)
      if (owed(tables, user) < 0n) throw new Violation(`I7: ${user} was paid more than is owed`);
  }

  #checkInvites(tables: Tables): void {
    const claimed = [...tables.invites.values()].filter((user) => user !== undefined);
    if (new Set(claimed).size !== claimed.length) throw new Violation("I8: two invites made one user");
    const guests = [...tables.users].filter((user) => user.startsWith(GUEST)).length;
    if (guests !== claimed.length)
      throw new Violation(`I8: ${claimed.length} invites were claimed, and ${guests} users made of them`);
  }

  /** The sums of all jobs are those of the deltas: nothing was added that no delta brought. */
  #checkSums(tables: Tables): void {
    const sum = (values: Iterable<bigint>): bigint => [...values].reduce((total, value) => total + value, 0n);
    const applied = [...tables.deltas.values()].filter(({ into }) => into !== null);
    const brought = sum(applied.flatMap(({ delta }) => delta.rows.map(({ work }) => BigInt(work))));
    const booked = sum([...tables.jobs.keys()].flatMap((job) => tables.sums(job).map(({ work }) => work)));
    if (brought !== booked) throw new Violation(`I1: deltas brought ${brought} work, ${booked} is booked`);
    const judged = sum([...tables.tallies.values()].map((tally) => tally.judged));
    const told = sum(
      [...tables.deltas.values()].flatMap(({ delta }) =>
        delta.rows.map(({ judged: part }) => BigInt(part ?? 0)),
      ),
    );
    if (judged !== told) throw new Violation(`I12: deltas judge ${told} work, ${judged} is kept`);
    for (const job of tables.jobs.keys()) this.#checkNames(tables, job);
  }

  /** I11: a user's names in a job are bounded, and each has accepted work. */
  #checkNames(tables: Tables, job: number): void {
    const rows = tables.sums(job);
    for (const { user, worker, shares } of rows)
      if (shares === 0n)
        throw new Violation(`I11: job ${job}: refused shares alone made a row of ${user}/${worker}`);
    for (const user of tables.users) {
      const names = rows.filter((row) => row.user === user && row.worker !== REST_WORKER).length;
      if (names > SIM_LIMITS.inJob) throw new Violation(`I11: job ${job}: ${user} has ${names} names`);
    }
  }
}

function workerKey(job: number, user: string, worker: string): string {
  return `${job} ${user} ${worker}`;
}

function describe({ job, user, worker, index, nonce }: Attempt): string {
  return `job ${job}, ${user}/${worker} attempt ${index}, nonce ${nonce}`;
}
