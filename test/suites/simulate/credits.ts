/** I1, I4 and the law of work: what was acknowledged is credited once, and no worker is credited more than it sent, or hashed while it was told to. */

import type { CreditMode } from "../../../shared/difficulty/work.ts";
import type { Delta } from "../../../shared/messages/summary.ts";
import { describeFind, type Find } from "./find.ts";
import { digitsOf } from "./shares.ts";
import type { ToldLedger } from "./told.ts";
import { Violation } from "./violation.ts";

/** Work of one worker in one job, in hashes. */
interface Labour {
  /** Hashes made while told to. */
  made: bigint;
  /** What may be credited for finds that were sent. */
  sent: bigint;
  acked: bigint;
  credited: bigint;
}

export interface CreditOptions {
  /** Two edges run under one identity: they may both take a nonce, and only losing work is a fault. */
  readonly twins: boolean;
  /** Of every job. By what is reached each find can be told in the sums; by what was assigned only the sums are judged. */
  readonly credit: CreditMode;
}

export class CreditLedger {
  readonly #options: CreditOptions;
  readonly #told: ToldLedger;
  readonly #finds = new Map<string, Find[]>();
  readonly #labour = new Map<string, Labour>();
  /** Job and nonce → the find that was credited or acknowledged for it. */
  readonly #credited = new Map<string, Find>();
  readonly #acked = new Map<string, Find>();
  #acks = 0;
  #missing = 0;

  constructor({ twins, credit }: CreditOptions, told: ToldLedger) {
    this.#options = { twins, credit };
    this.#told = told;
  }

  /** Shares that miners were told are counted. */
  get acks(): number {
    return this.#acks;
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

  /** It is on its way to an edge. `isTrue`: the line says what it reaches. */
  sent(find: Find, isTrue: boolean): void {
    find.sends += 1;
    if (find.submitted || !isTrue) return;
    find.submitted = true;
    this.#labourOf(find.job, find.user, find.worker).sent += find.worth;
  }

  /** The miner was told that it counts. Throws Violation where it may not. */
  acknowledged(find: Find): void {
    this.#acks += 1;
    const key = `${find.job}/${find.nonce}`;
    const before = this.#acked.get(key);
    if (before !== undefined && !this.#options.twins)
      throw new Violation(
        `I4: one nonce was acknowledged twice: ${describeFind(before)} and ${describeFind(find)}`,
      );
    this.#acked.set(key, find);
    if (!find.credited) this.#missing += 1;
    find.acked = true;
    if (this.#options.credit !== "assigned") return;
    this.#labourOf(find.job, find.user, find.worker).acked += find.worth;
    if (find.worth === 0n && !this.#options.twins && !this.#told.isForgotten(find.job))
      throw new Violation(
        `the law: a share was taken that is below its prefix's target, or was hashed while nobody was told to: ${describeFind(find)}`,
      );
  }

  /** A row of the delta of this name is in the books. Throws Violation where it credits what it may not. */
  applied(job: number, row: Delta["rows"][number], key: string): void {
    if (this.#options.credit === "achieved") this.#checkFinds(job, row, key);
    else this.#checkLaw(job, row, key);
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
      .map(describeFind);
  }

  /** When all is drained. Throws Violation where something that was acknowledged is missing. */
  finish(): void {
    const [missing] = this.missingShares();
    if (missing !== undefined) throw new Violation(`I1: an acknowledged share is not credited: ${missing}`);
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
    if (find.credited)
      throw new Violation(`I1: credited twice, again by delta ${key}: ${describeFind(find)}`);
    find.credited = true;
    if (find.acked) this.#missing -= 1;
    const nonce = `${find.job}/${find.nonce}`;
    const before = this.#credited.get(nonce);
    if (before !== undefined && !this.#options.twins)
      throw new Violation(
        `I4: one nonce was credited twice: ${describeFind(before)} and ${describeFind(find)}`,
      );
    this.#credited.set(nonce, find);
  }

  /** No worker is credited more than it sent, nor more than the hashes it made while told to mine and in the late time after it. */
  #checkLaw(job: number, row: Delta["rows"][number], key: string): void {
    const labour = this.#labourOf(job, row.user, row.worker);
    labour.credited += BigInt(row.work);
    if (this.#options.twins || this.#told.isForgotten(job)) return;
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
}

function workerKey(job: number, user: string, worker: string): string {
  return `${job} ${user} ${worker}`;
}
