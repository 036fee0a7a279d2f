/** What an operator may order: its form, and the words in which miners and visitors are told (docs/design.md, "Operator's orders"). */

import { parseAddressRange } from "../ip-address.ts";

/** `mining`: its miners are sent away. `all`: it can neither log in nor register either. */
export type BarScope = "mining" | "all";
export type BarKind = "user" | "address";

export const MOST_WORDS = 300;
/** Edges hold all of them in memory and read them every few seconds. */
export const MOST_BARS = 1_000;
export const MOST_NOTICES = 5;
/** A wider range is a slip of the pen: it would send most miners away. */
const WIDEST_BITS = { ipv4: 8, ipv6: 19 } as const;

/** One line that people can read; undefined where it is none. */
export function parseWords(text: string): string | undefined {
  const words = text.trim();
  return words.length <= MOST_WORDS && /^[^\p{C}]+$/u.test(words) ? words : undefined;
}
export const WORDS_FORM = `expected 1 to ${MOST_WORDS} characters on one line`;

/** Undefined where the text is neither an address nor a range, or one too wide. */
export function parseBarredAddress(text: string): string | undefined {
  const range = parseAddressRange(text.trim());
  if (range === undefined || range.bits < WIDEST_BITS[range.family]) return undefined;
  const widest = range.family === "ipv4" ? 32 : 128;
  return range.bits === widest ? range.address : `${range.address}/${range.bits}`;
}
export const ADDRESS_FORM = "expected an IP address, or a range such as 203.0.113.0/24";

/** `2026-11-29 20:15 UTC`. */
export function utcMinute(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 16).replace("T", " ")} UTC`;
}

/** `why` is for the user itself: who only knows its name is not told. */
export function barWords(
  bar: { readonly scope: BarScope; readonly reason: string; readonly untilMs: number | null },
  why: boolean,
): string {
  const until = bar.untilMs === null ? "until its operator lifts it" : `until ${utcMinute(bar.untilMs)}`;
  return `this pool's operator has barred you, ${until}${why ? `: ${bar.reason}` : "; log in on its pages to see why"}`;
}

export interface NoticeWords {
  readonly kind: "announcement" | "maintenance";
  readonly words: string;
  readonly beginsAtMs: number;
  readonly untilMs: number;
}

/** As a miner's terminal shows it. */
export function noticeText({ kind, words, beginsAtMs, untilMs }: NoticeWords, nowMs: number): string {
  if (kind === "announcement") return `from the pool's operator: ${words}`;
  const when = beginsAtMs > nowMs ? `from ${utcMinute(beginsAtMs)} until` : "until";
  return `maintenance ${when} ${utcMinute(untilMs)}: ${words}; your miner goes on by itself afterwards`;
}
