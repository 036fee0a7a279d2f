/** Figures as people read them. Money stays an integer until it is text. */

const LOCALE = "en-US";
const whole = new Intl.NumberFormat(LOCALE, { maximumFractionDigits: 0 });
const PEG = 100_000_000n;

export function count(value: number | bigint | string): string {
  return whole.format(typeof value === "string" ? BigInt(value) : value);
}

export function plural(number: number, word: string): string {
  return `${count(number)} ${word}${number === 1 ? "" : "s"}`;
}

export function decimal(value: number, digits = 1): string {
  return new Intl.NumberFormat(LOCALE, {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  }).format(value);
}

const RATE_UNITS = ["h/s", "kh/s", "Mh/s", "Gh/s", "Th/s"];

export interface Figure {
  readonly value: string;
  readonly unit?: string;
}

export function hashrateParts(hashesPerSecond: number | null): Figure {
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

export function hashrate(hashesPerSecond: number | null): string {
  const { value, unit } = hashrateParts(hashesPerSecond);
  return unit === undefined ? value : `${value} ${unit}`;
}

/** 1e-8 PEG as PEG, cut to `digits` decimals. */
export function peg(units: string | null, digits = 2): string {
  if (units === null) return "–";
  const value = BigInt(units);
  const size = value < 0n ? -value : value;
  const fraction = (size % PEG).toString().padStart(8, "0").slice(0, digits);
  return `${value < 0n ? "−" : ""}${whole.format(size / PEG)}${digits === 0 ? "" : `.${fraction}`}`;
}

/** With all eight decimals, for a tooltip. */
export function pegExactly(units: string | null): string {
  return units === null ? "" : `${peg(units, 8)} PEG`;
}

/** 1e-8 USD as USD, with as many digits as are useful. */
export function usd(units: string): string {
  const value = Number(units) / 1e8;
  const digits = value >= 1000 ? 0 : value >= 1 ? 2 : value >= 0.01 ? 4 : 8;
  return decimal(value, digits);
}

/** `part` is 0 to 1. */
export function percent(part: number | null, digits = 1): string {
  return part === null ? "–" : `${decimal(part * 100, digits)} %`;
}

/** Time since, in one unit; `nowMs` is the server's. */
export function ago(iso: string | null, nowMs: number): string {
  if (iso === null) return "–";
  const seconds = Math.max(0, (nowMs - Date.parse(iso)) / 1000);
  return seconds < 5 ? "now" : `${duration(seconds)} ago`;
}

export function duration(seconds: number): string {
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  if (seconds < 129_600) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86_400)} d`;
}

export function dateTime(iso: string): string {
  return `${iso.slice(0, 10)} ${iso.slice(11, 16)} UTC`;
}

const localDay = new Intl.DateTimeFormat("sv-SE", { dateStyle: "short" });
const localTime = new Intl.DateTimeFormat("en-GB", {
  hour: "2-digit",
  minute: "2-digit",
  timeZoneName: "short",
});

/** The same moment by the visitor's own clock with its zone; undefined where that is UTC. */
export function localDateTime(iso: string): string | undefined {
  const at = new Date(iso);
  if (at.getTimezoneOffset() === 0) return undefined;
  return `${localDay.format(at)} ${localTime.format(at)}`;
}

export function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}
