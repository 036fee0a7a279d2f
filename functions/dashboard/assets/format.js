/** Figures as people read them. Money stays an integer until it is text. */

const LOCALE = "en-US";
const whole = new Intl.NumberFormat(LOCALE, { maximumFractionDigits: 0 });
const PEG = 100_000_000n;

/** @param {number | bigint | string} value */
export function count(value) {
  return whole.format(typeof value === "string" ? BigInt(value) : value);
}

/**
 * @param {number} value
 * @param {number} [digits]
 */
export function decimal(value, digits = 1) {
  return new Intl.NumberFormat(LOCALE, {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  }).format(value);
}

const RATE_UNITS = ["h/s", "kh/s", "Mh/s", "Gh/s", "Th/s"];

/**
 * @param {number | null} hashesPerSecond
 * @returns {{ value: string, unit?: string }}
 */
export function hashrateParts(hashesPerSecond) {
  if (hashesPerSecond === null) return { value: "–" };
  let value = hashesPerSecond;
  let unit = 0;
  while (value >= 1000 && unit < RATE_UNITS.length - 1) {
    value /= 1000;
    unit++;
  }
  const digits = unit === 0 || value >= 100 ? 0 : value >= 10 ? 1 : 2;
  return { value: decimal(value, digits), unit: RATE_UNITS[unit] ?? "" };
}

/** @param {number | null} hashesPerSecond */
export function hashrate(hashesPerSecond) {
  const { value, unit } = hashrateParts(hashesPerSecond);
  return unit === undefined ? value : `${value} ${unit}`;
}

/**
 * 1e-8 PEG as PEG, cut to `digits` decimals.
 * @param {string | null} units
 * @param {number} [digits]
 */
export function peg(units, digits = 2) {
  if (units === null) return "–";
  const value = BigInt(units);
  const size = value < 0n ? -value : value;
  const fraction = (size % PEG).toString().padStart(8, "0").slice(0, digits);
  return `${value < 0n ? "−" : ""}${whole.format(size / PEG)}${digits === 0 ? "" : `.${fraction}`}`;
}

/**
 * With all eight decimals, for a tooltip.
 * @param {string | null} units
 */
export function pegExactly(units) {
  return units === null ? "" : `${peg(units, 8)} PEG`;
}

/**
 * 1e-8 USD as USD, with as many digits as are useful.
 * @param {string} units
 */
export function usd(units) {
  const value = Number(units) / 1e8;
  const digits = value >= 1000 ? 0 : value >= 1 ? 2 : value >= 0.01 ? 4 : 8;
  return decimal(value, digits);
}

/**
 * @param {number | null} part 0 to 1
 * @param {number} [digits]
 */
export function percent(part, digits = 1) {
  return part === null ? "–" : `${decimal(part * 100, digits)} %`;
}

/**
 * Time since, in one unit.
 * @param {string | null} iso
 * @param {number} [nowMs]
 */
export function ago(iso, nowMs = Date.now()) {
  if (iso === null) return "–";
  const seconds = Math.max(0, (nowMs - Date.parse(iso)) / 1000);
  if (seconds < 5) return "now";
  return `${duration(seconds)} ago`;
}

/** @param {number} seconds */
export function duration(seconds) {
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  if (seconds < 129_600) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86_400)} d`;
}

/** @param {string} iso */
export function dateTime(iso) {
  return `${iso.slice(0, 10)} ${iso.slice(11, 16)} UTC`;
}
