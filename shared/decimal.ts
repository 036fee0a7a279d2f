/** Decimal text and units of 1e-8, as amounts of PEG, prices in USD and fee rates are kept. */

const UNITS = 100_000_000n;

/** `text`: digits, and at most 8 more after a point. The caller checks this with its own pattern, to name the value in errors. In 1e-8. */
export function unitsOf(text: string): bigint {
  const [whole = "", decimals = ""] = text.split(".");
  return BigInt(whole + decimals.padEnd(8, "0"));
}

/** 1e-8 PEG as PEG with its 8 decimals. */
export function formatPeg(amount: bigint): string {
  const absolute = amount < 0n ? -amount : amount;
  const decimals = (absolute % UNITS).toString().padStart(8, "0");
  return `${amount < 0n ? "-" : ""}${absolute / UNITS}.${decimals}`;
}

/** As people read it: thousands apart, no trailing zeros. */
export function readablePeg(amount: bigint): string {
  const [whole = "", decimals] = shortPeg(amount).split(".");
  const grouped = whole.replaceAll(/\B(?=(\d{3})+$)/g, ",");
  return decimals === undefined ? grouped : `${grouped}.${decimals}`;
}

/** As `formatPeg`, but always with a sign, for corrections. */
export function signedPeg(amount: bigint): string {
  return `${amount < 0n ? "" : "+"}${formatPeg(amount)}`;
}

/** As `formatPeg`, without trailing zeros: the reference's pages in plain text write PEG so. */
export function shortPeg(amount: bigint): string {
  return formatPeg(amount).replace(/\.?0+$/, "");
}
