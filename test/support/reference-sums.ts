/** The reference's accounting of shares in doubles, for comparison with its vectors only: the pool itself sums integers. */

import { effectiveHashrate } from "../../shared/difficulty/network-hashrate.ts";

export interface ReferenceShare {
  user: string;
  difficulty: number;
}

/** Sums in the order of arrival, as doubles round. */
export function sumDifficulties(shares: readonly ReferenceShare[]): {
  total: number;
  byUser: Map<string, number>;
} {
  const byUser = new Map<string, number>();
  let total = 0;
  for (const { user, difficulty } of shares) {
    total += difficulty;
    byUser.set(user, (byUser.get(user) ?? 0) + difficulty);
  }
  return { total, byUser };
}

/** The shortest decimal digits that a double reads back from, without an exponent. */
export function shortestDecimal(value: number): string {
  const match = /^(-?)(\d+)(?:\.(\d+))?(?:e([+-]\d+))?$/.exec(String(value));
  if (match === null) throw new RangeError(`no decimal: ${value}`);
  const [, sign = "", whole = "", fraction = "", exponent = "0"] = match;
  const digits = whole + fraction;
  const point = whole.length + Number(exponent);
  const padded = digits.padStart(digits.length + Math.max(0, 1 - point), "0").padEnd(point, "0");
  const at = Math.max(point, 1);
  const text = `${padded.slice(0, at)}.${padded.slice(at)}`.replace(/\.?0*$/, "");
  return sign + (text.replace(/^0+(?=\d)/, "") || "0");
}

/** Two decimals as integers of one unit. */
export function onOneScale(a: string, b: string): [bigint, bigint] {
  const places = Math.max(decimals(a), decimals(b));
  const scale = (text: string): bigint => BigInt(text.replace(".", "") + "0".repeat(places - decimals(text)));
  return [scale(a), scale(b)];
}

function decimals(text: string): number {
  return text.includes(".") ? text.length - text.indexOf(".") - 1 : 0;
}

/** Mean of the rates that each kept target stands for, weighted by its place or not. */
export function averageHashrate(targets: readonly bigint[], seconds: number, weighted: boolean): number {
  let sum = 0;
  let weights = 0;
  targets.forEach((target, i) => {
    const weight = weighted ? i + 1 : 1;
    weights += weight;
    sum += weight * effectiveHashrate(target, i + 1, seconds);
  });
  return sum / weights;
}
