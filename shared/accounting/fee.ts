/** The pool's fee: a rate in [0, 1) with at most 8 decimals, taken once from each reward (docs/spec.md, "Fee"). */

/** A rate in units of 1e-8: 5 % is 5,000,000n. */
export type FeeRate = bigint & { readonly __brand: "FeeRate" };

/** One, in the units of rates and proportions. */
export const RATE_ONE = 100_000_000n;

const RATE_DECIMALS = 8;
const DECIMAL = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,2}))?$/;

export type FeeRateResult = { readonly rate: FeeRate } | { readonly refusal: string };

/**
 * Reads the configured rate: a decimal such as `0.05`, `.05` or `5e-2`; `-1` means no fee.
 * A refusal says what was expected. A plain zero is refused: it may be a mistake. `-1` means the same on purpose.
 */
export function parseFeeRate(text: string): FeeRateResult {
  const refuse = (why: string): FeeRateResult => ({
    refusal: `pool fee rate ${JSON.stringify(text)}: ${why}; write a decimal such as 0.05, or -1 for no fee`,
  });
  if (text === "-1") return { rate: feeRate(0n) };
  const match = DECIMAL.exec(text);
  const [sign = "", whole = "", fraction = "", exponent = "0"] = match?.slice(1) ?? [];
  if (match === null || whole + fraction === "") return refuse("expected a decimal number");
  const digits = BigInt(whole + fraction);
  if (digits === 0n) return refuse("zero is ambiguous");
  if (sign === "-") return refuse("expected a rate from 0 to below 1");
  const shift = RATE_DECIMALS - fraction.length + Number(exponent);
  const divisor = 10n ** BigInt(Math.max(0, -shift));
  // Differs from prosper-pool: there, decimals beyond the stored ones are cut off silently.
  if (digits % divisor !== 0n) return refuse("expected at most 8 decimals");
  const scaled = (digits * 10n ** BigInt(Math.max(0, shift))) / divisor;
  // Differs from prosper-pool: 1, 1.99 and -0.5 pass there.
  if (scaled >= RATE_ONE) return refuse("expected a rate from 0 to below 1");
  return { rate: feeRate(scaled) };
}

/** A stored rate (units of 1e-8). RangeError outside [0, 1). */
export function feeRate(scaled: bigint): FeeRate {
  if (scaled < 0n || scaled >= RATE_ONE)
    throw new RangeError(`fee rate: expected 0 to ${RATE_ONE - 1n} units of 1e-8, got ${scaled}`);
  return scaled as FeeRate;
}

/** A rate as the jobs have it, `0.05000000`. RangeError for anything else. */
export function storedRate(text: string): FeeRate {
  if (!/^0\.\d{8}$/.test(text))
    throw new RangeError(`fee rate: expected 0 and ${RATE_DECIMALS} decimals, got ${JSON.stringify(text)}`);
  return feeRate(BigInt(text.slice(2)));
}

/** A rate or proportion with its 8 decimals, as it is stored: `0.05000000`. */
export function formatRate(scaled: bigint): string {
  return `${scaled / RATE_ONE}.${(scaled % RATE_ONE).toString().padStart(RATE_DECIMALS, "0")}`;
}

/** A rule, and the first job that it holds for. */
interface FeeRule {
  readonly from: number;
  /** In 1e-8 PEG. */
  readonly fee: (reward: bigint, rate: FeeRate) => bigint;
}

/**
 * The rules, oldest first. An old rule stays for the jobs below the first job of the next rule: the audit and the replay make the books of
 * those jobs again. The function `books_seal` (shared/db/migrations/0002_books.sql) checks the rule again in SQL: it refuses a seal with
 * another fee, whichever program makes it. Change both together.
 */
const FEE_RULES: readonly FeeRule[] = [{ from: 0, fee: (reward, rate) => (reward * rate) / RATE_ONE }];

/** The fee of a job's reward in 1e-8 PEG, rounded down; `height` is the job's. */
export function feeOf(height: number, reward: bigint, rate: FeeRate): bigint {
  const rule = FEE_RULES.findLast(({ from }) => height >= from);
  if (rule === undefined) throw new RangeError(`fee: expected a height of 0 or more, got ${height}`);
  return rule.fee(reward, rate);
}
