/** Hours of the day in which a destination is told nothing that can wait. */

import * as v from "valibot";

export interface QuietHours {
  /** Minutes of the day, 0 to 1439; from after until: over midnight. */
  readonly from: number;
  readonly until: number;
  /** IANA's name, `Europe/Berlin`. */
  readonly zone: string;
}

const DAY_MINUTES = 1440;
const MINUTE_MS = 60_000;

/** A time zone that this program knows. */
export const timeZone = v.pipe(
  v.string(),
  v.maxLength(64),
  v.check((zone) => {
    try {
      return new Intl.DateTimeFormat("en", { timeZone: zone }) !== undefined;
    } catch {
      return false;
    }
  }, "a time zone such as Europe/Berlin"),
);

/** When the quiet that it is now ends, Unix milliseconds; undefined: it is not quiet. */
export function quietUntilMs(quiet: QuietHours, nowMs: number): number | undefined {
  const now = minuteOfDay(nowMs, quiet.zone);
  const length = minutesFrom(quiet.from, quiet.until);
  if (length === 0 || minutesFrom(quiet.from, now) >= length) return undefined;
  const wholeMinuteMs = nowMs - (nowMs % MINUTE_MS);
  const endMs = wholeMinuteMs + minutesFrom(now, quiet.until) * MINUTE_MS;
  // Where the clocks are changed in between, the end moves by as much.
  const late = minutesFrom(quiet.until, minuteOfDay(endMs, quiet.zone));
  const shift = late > DAY_MINUTES / 2 ? late - DAY_MINUTES : late;
  return Math.max(wholeMinuteMs + MINUTE_MS, endMs - shift * MINUTE_MS);
}

/** From one minute of the day forward to another. */
function minutesFrom(from: number, until: number): number {
  return (until - from + DAY_MINUTES) % DAY_MINUTES;
}

function minuteOfDay(ms: number, zone: string): number {
  const parts = new Intl.DateTimeFormat("en", {
    ...{ timeZone: zone, hour: "numeric", minute: "numeric", hourCycle: "h23" },
  }).formatToParts(ms);
  const of = (type: string): number => Number(parts.find((part) => part.type === type)?.value ?? 0);
  return of("hour") * 60 + of("minute");
}
