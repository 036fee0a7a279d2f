/** What an administrator's adjustment may be: an amount other than 0 that the books can hold, and a reason that people can read. */

/** 10,000,000,000 PEG in 1e-8 PEG: more than there ever was, and far below what a bigint column holds. */
const MOST_UNITS = 10n ** 18n;
const MOST_REASON = 500;

export type ParsedAdjustment =
  | { readonly ok: true; readonly amount: bigint; readonly reason: string }
  | { readonly ok: false; readonly field: "amount" | "reason"; readonly why: string };

/** `amount` in 1e-8 PEG. Spaces around the reason are cut off. */
export function parseAdjustment(amount: bigint, reason: string): ParsedAdjustment {
  const units = amount < 0n ? -amount : amount;
  if (units === 0n || units > MOST_UNITS)
    return { ok: false, field: "amount", why: `amount: expected -10000000000 to 10000000000 PEG and not 0` };
  const text = reason.trim();
  const isReadable = /^[^\p{C}]+$/u.test(text) && text.length <= MOST_REASON;
  if (!isReadable)
    return { ok: false, field: "reason", why: `reason: expected 1 to ${MOST_REASON} characters on one line` };
  return { ok: true, amount, reason: text };
}
