/** I2 and I3: a sealed job never changes, holds all shares that are booked for it, and gives away what its block paid, to the last unit. */

import type { SealRecord, Tables } from "../../support/model/tables.ts";
import type { Trace } from "./trace.ts";
import { Violation } from "./violation.ts";

export class SealLedger {
  readonly #sealed = new Map<number, { readonly revision: number; readonly seal: SealRecord }>();
  readonly #trace: Trace;

  constructor(trace: Trace) {
    this.#trace = trace;
  }

  check(tables: Tables): void {
    for (const job of tables.jobs.values()) {
      if (job.state !== "sealed") continue;
      const known = this.#sealed.get(job.height);
      if (known === undefined) this.#checkSeal(tables, job.height);
      else if (known.revision !== tables.revisions.get(job.height) || known.seal !== job.sealed)
        throw new Violation(`I2: sealed job ${job.height} was changed`);
    }
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
    checkCarry(tables, height, carriedIn);
    this.#sealed.set(height, { revision: tables.revisions.get(height) ?? 0, seal });
    this.#trace.add(`sealed ${height} ${fee} ${paid} ${carried}`);
  }
}

function checkCarry(tables: Tables, height: number, carriedIn: bigint): void {
  const before = tables.jobsInOrder().filter((job) => job.height < height);
  if (before.some(({ state }) => state !== "sealed"))
    throw new Violation(`job ${height} was sealed before a lower one`);
  const jobless = [...tables.jobless.values()].filter(({ into }) => into === height);
  const expected = jobless.reduce((sum, { reward }) => sum + reward, before.at(-1)?.sealed?.carried ?? 0n);
  if (carriedIn !== expected)
    throw new Violation(`I3: job ${height} was carried ${carriedIn} in, ${expected} was left before it`);
}
