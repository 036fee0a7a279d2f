/** The best targets of a job, highest first. The softmax on submissions (docs/spec.md, "Submissions") and hash-rate estimates (docs/spec.md, "Hash rates") use them. */

/**
 * The list with `target` in its place, or undefined when it is not among the best `limit`: equal to the last kept is not better.
 * A target of 0 enters no list.
 */
export function insertBestTarget(
  list: readonly bigint[],
  target: bigint,
  limit: number,
): readonly bigint[] | undefined {
  if (target <= 0n || limit <= 0) return undefined;
  const found = list.findIndex((kept) => kept < target);
  const index = found < 0 ? list.length : found;
  return index >= limit ? undefined : list.toSpliced(index, 0, target).slice(0, limit);
}

export type SubmissionVerdict = "submit" | "below-ema" | "blocked";

/** What becomes of a share, and the best list after it. */
export interface SubmissionDecision {
  readonly verdict: SubmissionVerdict;
  readonly best: readonly bigint[];
}

/**
 * Whether a share goes to the chain: strictly above the average, then among the best `softmax` of its job so far.
 * `softmax` ≤ 0 sets no limit, and keeps no list. Without an average every share is above it.
 */
export function decideSubmission(
  target: bigint,
  state: { readonly ema: bigint | undefined; readonly best: readonly bigint[]; readonly softmax: number },
): SubmissionDecision {
  if (state.ema !== undefined && target <= state.ema) return { verdict: "below-ema", best: state.best };
  // Differs from prosper-pool: a negative limit ends the process there.
  if (state.softmax <= 0) return { verdict: "submit", best: state.best };
  const best = insertBestTarget(state.best, target, state.softmax);
  return best === undefined ? { verdict: "blocked", best: state.best } : { verdict: "submit", best };
}
