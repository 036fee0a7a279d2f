/** Sharing a block's reward among users by their work, in integers of 1e-8 PEG (docs/design.md, "Sealing"; docs/spec.md, "Split"). */

import { type FeeRate, feeOf, RATE_ONE } from "./fee.ts";
import { compareNames } from "./name-order.ts";

/** `largest-remainder` leaves no dust; `reference` is the Go pool's arithmetic, whose dust is carried. */
export type SplitMode = "largest-remainder" | "reference";

/** The work of one user in a job. */
export interface UserWork {
  readonly user: string;
  readonly work: bigint;
}

/** What one user gets, and its proportion of the work, in units of 1e-8, rounded down. */
export interface UserPayout extends UserWork {
  readonly proportion: bigint;
  readonly amount: bigint;
}

/** `fee + Σ amount + carriedOut = reward + carriedIn`, always. Payouts are in byte order of the names. */
export interface Split {
  readonly fee: bigint;
  readonly payouts: readonly UserPayout[];
  readonly carriedOut: bigint;
}

export interface SplitInput {
  /** Of the job: it decides which rule the fee is taken by. */
  readonly height: number;
  readonly reward: bigint;
  /** Left by earlier blocks; the fee on it was taken when its reward was booked. */
  readonly carriedIn: bigint;
  readonly rate: FeeRate;
  /** Each user once, in any order; work ≥ 0. */
  readonly users: readonly UserWork[];
  readonly mode: SplitMode;
}

/** Takes the fee and shares the rest. Without any work all of the rest is carried out. RangeError on negative input. */
export function splitReward(input: SplitInput): Split {
  const { reward, carriedIn, rate, mode } = input;
  if (reward < 0n || carriedIn < 0n)
    throw new RangeError(`split: expected amounts of 0 or more, got reward ${reward}, carry ${carriedIn}`);
  const users = [...input.users].sort((a, b) => compareNames(a.user, b.user));
  const total = sumOfWork(users);
  const fee = feeOf(input.height, reward, rate);
  const shared = reward - fee + carriedIn;
  if (total === 0n) {
    const payouts = users.map((user) => ({ ...user, proportion: 0n, amount: 0n }));
    return { fee, payouts, carriedOut: shared };
  }
  const payouts =
    mode === "reference"
      ? splitByTruncation(users, shared, total)
      : splitByLargestRemainder(users, shared, total);
  const paid = payouts.reduce((sum, payout) => sum + payout.amount, 0n);
  return { fee, payouts, carriedOut: shared - paid };
}

function sumOfWork(users: readonly UserWork[]): bigint {
  let total = 0n;
  let previous: string | undefined;
  for (const { user, work } of users) {
    if (work < 0n) throw new RangeError(`split: expected work of 0 or more, got ${work} of ${user}`);
    if (user === previous) throw new RangeError(`split: expected each user once, got ${user} twice`);
    previous = user;
    total += work;
  }
  return total;
}

/** Whole units first. The units left over go one each to the largest remainders; equal remainders go by name in byte order. */
function splitByLargestRemainder(users: readonly UserWork[], shared: bigint, total: bigint): UserPayout[] {
  const floors = users.map(({ work }) => (shared * work) / total);
  const left = shared - floors.reduce((sum, amount) => sum + amount, 0n);
  const remainders = users.map(({ work }, index) => ({ index, remainder: (shared * work) % total }));
  remainders.sort((a, b) =>
    a.remainder === b.remainder ? a.index - b.index : a.remainder < b.remainder ? 1 : -1,
  );
  const favoured = new Set(remainders.slice(0, Number(left)).map(({ index }) => index));
  return users.map((user, index) => ({
    ...user,
    proportion: (user.work * RATE_ONE) / total,
    amount: (floors[index] ?? 0n) + (favoured.has(index) ? 1n : 0n),
  }));
}

/** Each proportion is cut to 8 decimals and its amount to a unit; nobody gets the rest. */
function splitByTruncation(users: readonly UserWork[], shared: bigint, total: bigint): UserPayout[] {
  return users.map((user) => {
    const proportion = referenceProportion(user.work, total);
    return { ...user, proportion, amount: (shared * proportion) / RATE_ONE };
  });
}

const QUOTIENT_ONE = 10n ** 16n;

/** The reference's proportion in units of 1e-8: the quotient rounded half up to 16 decimals, then cut to 8. */
export function referenceProportion(work: bigint, total: bigint): bigint {
  const quotient = (work * QUOTIENT_ONE * 2n + total) / (total * 2n);
  return quotient / (QUOTIENT_ONE / RATE_ONE);
}
