/** Decimal text and units of 1e-8, as amounts of PEG, prices in USD and fee rates are kept. */

/** `text`: digits, and at most 8 more after a point (checked by the caller's own pattern, which knows what to call it). In 1e-8. */
export function unitsOf(text: string): bigint {
  const [whole = "", decimals = ""] = text.split(".");
  return BigInt(whole + decimals.padEnd(8, "0"));
}
