/** Spans of time as people write them: `90 min`, `3h`, `2 days`. */

const MINUTE_MS = 60_000;
const UNITS: Readonly<Record<string, number>> = {
  m: MINUTE_MS,
  min: MINUTE_MS,
  minute: MINUTE_MS,
  h: 60 * MINUTE_MS,
  hour: 60 * MINUTE_MS,
  d: 1_440 * MINUTE_MS,
  day: 1_440 * MINUTE_MS,
  w: 10_080 * MINUTE_MS,
  week: 10_080 * MINUTE_MS,
};

export const SPAN_FORM = "expected a span such as 30 min, 3 h, 2 days or 1 week";

/** Milliseconds, of a minute or more; undefined where the text is no span. */
export function parseSpan(text: string): number | undefined {
  const [, digits = "", unit = ""] =
    /^(\d{1,4}(?:\.\d{1,2})?)\s*([a-z]+?)s?$/.exec(text.trim().toLowerCase()) ?? [];
  const ms = Math.round(Number(digits) * (UNITS[unit] ?? 0));
  return ms >= MINUTE_MS ? ms : undefined;
}
