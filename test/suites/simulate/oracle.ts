/**
 * What must hold after every step (docs/design.md, "Invariants"), judged from outside: from what miners
 * were told, what the books applied, and what the parts log.
 */

import { createHash } from "node:crypto";
import type { CreditMode } from "../../../shared/difficulty/work.ts";
import { type Delta, REST_WORKER } from "../../../shared/messages/summary.ts";
import { owed } from "../../support/model/books.ts";
import { SIM_LIMITS } from "../../support/model/names.ts";
import type { ModelServer } from "../../support/model/server.ts";
import type { SealRecord, Tables } from "../../support/model/tables.ts";
import { HitLedger } from "./hits.ts";
import { digitsOf } from "./shares.ts";
import type { ToldLedger } from "./told.ts";
import { Violation } from "./violation.ts";

/** A nonce that a worker found. It counts for whoever was told its prefix, on whatever session it is sent. */
export interface Find {
  readonly job: number;
  readonly user: string;
  readonly worker: string;
  /** Its place among the finds of this worker in this job. */
  readonly index: number;
  /** The nonce's bytes, whatever the spelling. */
  readonly nonce: string;
  /** What it may be credited with at most: the work of its prefix's target where it reaches that, and was hashed while its finder was told to. */
  readonly worth: bigint;
  /** Lines with it. */
  sends: number;
  /** One of them said truly what it reaches. */
  submitted: boolean;
  credited: boolean;
  acked: boolean;
}

/** Work of one worker in one job, in hashes. */
interface Labour {
  /** Hashes made while told to. */
  made: bigint;
  /** What may be credited for finds that were sent. */
  sent: bigint;
  acked: bigint;
  credited: bigint;
}

/** Text that stands for every secret: no log line may hold it. */
export const CANARY = "canary-5d41402abc4b2a76";

/** Users by invitation are named so. */
export const GUEST = "guest-";

export interface OracleOptions {
  /** Two edges run under one identity: they may both take a nonce, and only losing work is a fault. */
  readonly twins: boolean;
  /** Of every job. By what is reached each find can be told in the sums; by what was assigned only the sums are judged. */
  readonly credit: CreditMode;
  /** The database's clock may jump: who owns a slot is then not judged by it. */
  readonly databaseClockJumps: boolean;
  /** How long a seal waits for missing work. */
  readonly deadlineMs: number;
  /** The time that no clock of a part can tell. */
  readonly trueMs: () => number;
}

export class Oracle {
  readonly #options: OracleOptions;
  readonly #server: ModelServer;
  readonly told: ToldLedger;
  readonly hits = new HitLedger();
  readonly #finds = new Map<string, Find[]>();
  readonly #labour = new Map<string, Labour>();
  /** Job and nonce → the find that was credited or acknowledged for it. */
  readonly #credited = new Map<string, Find>();
  readonly #acked = new Map<string, Find>();
  readonly #sealed = new Map<number, { readonly revision: number; readonly seal: SealRecord }>();
  readonly #seenDeltas = new Set<string>();
  #digest = createHash("sha256");
  /** Job → when it was over, and the jumps of the database's clock until then. */
  readonly #over = new Map<number, { readonly atMs: number; readonly jumps: number }>();
  #jumps = 0;
  #acks = 0;
  #missing = 0;

  constructor(options: OracleOptions, server: ModelServer, told: ToldLedger) {
    this.#options = options;
    this.#server = server;
    this.told = told;
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

  /** Finds of a worker in a job so far. */
  countOf(job: number, user: string, worker: string): number {
    return this.#finds.get(workerKey(job, user, worker))?.length ?? 0;
  }

  /** A worker made so many hashes as it was told to. */
  made(job: number, user: string, worker: string, hashes: number): void {
    this.#labourOf(job, user, worker).made += BigInt(hashes);
  }

  found(find: Find): void {
    const key = workerKey(find.job, find.user, find.worker);
    const finds = this.#finds.get(key) ?? [];
    this.#finds.set(key, finds);
    finds.push(find);
  }

  /** It is on its way to an edge. */
  sent(find: Find, isTrue: boolean): void {
    find.sends += 1;
    this.hits.submitted(find);
    if (find.submitted || !isTrue) return;
    find.submitted = true;
    this.#labourOf(find.job, find.user, find.worker).sent += find.worth;
  }

  /** What the miner was told; "unanswered" where its connection ended first. `isOwn`: an honest share: where no other line had it, it may not be refused. */
  verdict(find: Find, isOwn: boolean, word: string, edgeId: string): void {
    this.trace(
      `${word}: job ${find.job} ${find.user}/${find.worker} find ${find.index} nonce ${find.nonce} at ${edgeId.slice(0, 1)}`,
    );
    const borne = ["stale", "busy", "unanswered", ...(find.sends > 1 ? ["duplicate"] : [])];
    if (word === "accepted") this.#accepted(find);
    else if (isOwn && !this.#options.twins && !borne.includes(word))
      throw new Violation(`an honest share was refused as ${word}: ${describe(find)}`);
  }

  #accepted(find: Find): void {
    this.#acks += 1;
    const key = `${find.job}/${find.nonce}`;
    const before = this.#acked.get(key);
    if (before !== undefined && !this.#options.twins)
      throw new Violation(`I4: one nonce was acknowledged twice: ${describe(before)} and ${describe(find)}`);
    this.#acked.set(key, find);
    if (!find.credited) this.#missing += 1;
    find.acked = true;
    if (this.#options.credit !== "assigned") return;
    this.#labourOf(find.job, find.user, find.worker).acked += find.worth;
    if (find.worth === 0n && !this.#options.twins && !this.told.isForgotten(find.job))
      throw new Violation(
        `the law: a share was taken that is below its prefix's target, or was hashed while nobody was told to: ${describe(find)}`,
      );
  }

  /** An edge is about to say yes: by the database's word its slot must be its own. */
  acknowledges(edgeId: string, slot: number | undefined): void {
    if (this.#options.twins || this.#options.databaseClockJumps || slot === undefined) return;
    if (this.#server.tables.slots.get(slot)?.edgeId !== edgeId)
      throw new Violation(`an edge acknowledged a share though its slot ${slot} is another's`);
  }

  /** A prefix was told to a session; `others` are those of all live sessions of edges that may acknowledge. */
  granted(prefix: number, others: readonly number[]): void {
    if (others.includes(prefix) && !this.#options.twins)
      throw new Violation(`I6: prefix ${prefix} was given to two live sessions`);
  }

  databaseClockJumped(): void {
    this.#jumps += 1;
  }

  /** Each jump of the database's clock may take an eighth of the deadline; one of another clock nothing. */
  forced(height: number): void {
    const over = this.#over.get(height);
    const { deadlineMs, trueMs } = this.#options;
    const waitedMs = over === undefined ? 0 : trueMs() - over.atMs;
    const jumps = this.#jumps - (over?.jumps ?? 0);
    if (waitedMs + 10 < deadlineMs * (1 - jumps / 8))
      throw new Violation(`job ${height} was sealed by the deadline ${waitedMs} ms after it was over`);
  }

  #noteOver(tables: Tables): void {
    const top = Math.max(-1, ...tables.jobs.keys());
    const block = Math.max(-1, ...tables.blocks.keys());
    for (const height of tables.jobs.keys())
      if ((height < top || height <= block) && !this.#over.has(height))
        this.#over.set(height, { atMs: this.#options.trueMs(), jumps: this.#jumps });
  }

  logged(line: string): void {
    if (line.includes(CANARY)) throw new Violation(`I9: a secret was logged: ${line.slice(0, 300)}`);
  }

  /** After each step: what has changed in the books is checked against what they promise. */
  check(): void {
    const { tables, locks } = this.#server;
    this.#noteOver(tables);
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

  /** Shares, or workers with shares, that were acknowledged and are not in the books yet. */
  missing(): number {
    return this.#options.credit === "achieved" ? this.#missing : this.missingShares().length;
  }

  missingShares(): string[] {
    if (this.#options.credit === "assigned")
      return [...this.#labour]
        .filter(([, { acked, credited }]) => acked > credited)
        .map(([key, { acked, credited }]) => `${key}: ${acked} acknowledged, ${credited} credited`);
    return [...this.#finds.values()]
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
    if (!this.#options.twins) this.hits.finish();
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
      if (this.#options.credit === "achieved") this.#checkFinds(delta.job, row, key);
      else this.#checkLaw(delta.job, row, key);
      if (!this.#options.twins) this.hits.told(delta.job, row, key);
    }
  }

  /** By the digits of the sum: each find once. */
  #checkFinds(job: number, row: Delta["rows"][number], key: string): void {
    const finds = this.#finds.get(workerKey(job, row.user, row.worker)) ?? [];
    const digits = digitsOf(BigInt(row.work));
    if (digits.some((digit) => digit > 1) || digits.filter((digit) => digit === 1).length !== row.shares)
      throw new Violation(`I1: delta ${key} counts a share twice: ${JSON.stringify(row)}`);
    for (const [index, digit] of digits.entries()) {
      if (digit === 0) continue;
      const find = finds[index];
      if (find?.submitted !== true)
        throw new Violation(`I1: delta ${key} credits a share that nobody submitted: ${JSON.stringify(row)}`);
      this.#creditFind(find, key);
    }
  }

  #creditFind(find: Find, key: string): void {
    if (find.credited) throw new Violation(`I1: credited twice, again by delta ${key}: ${describe(find)}`);
    find.credited = true;
    if (find.acked) this.#missing -= 1;
    const nonce = `${find.job}/${find.nonce}`;
    const before = this.#credited.get(nonce);
    if (before !== undefined && !this.#options.twins)
      throw new Violation(`I4: one nonce was credited twice: ${describe(before)} and ${describe(find)}`);
    this.#credited.set(nonce, find);
  }

  /** No worker is credited more than it sent, nor more than the hashes it made while told to mine and in the late time after it. */
  #checkLaw(job: number, row: Delta["rows"][number], key: string): void {
    const labour = this.#labourOf(job, row.user, row.worker);
    labour.credited += BigInt(row.work);
    if (this.#options.twins || this.told.isForgotten(job)) return;
    const { credited, sent, made } = labour;
    if (credited > sent)
      throw new Violation(
        `I1: delta ${key}: ${row.user}/${row.worker} is credited ${credited}, it sent ${sent}`,
      );
    if (credited > made)
      throw new Violation(
        `the law: delta ${key}: ${row.user}/${row.worker} is credited ${credited} for ${made} hashes made while told to mine`,
      );
  }

  #labourOf(job: number, user: string, worker: string): Labour {
    const key = workerKey(job, user, worker);
    const known = this.#labour.get(key);
    if (known !== undefined) return known;
    const labour = { made: 0n, sent: 0n, acked: 0n, credited: 0n };
    this.#labour.set(key, labour);
    return labour;
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

function describe({ job, user, worker, index, nonce }: Find): string {
  return `job ${job}, ${user}/${worker} find ${index}, nonce ${nonce}`;
}
