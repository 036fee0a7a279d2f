/** What a setting may be: each kind of value, with the message for a wrong one. */

import * as v from "valibot";
import { parseFeeRate } from "../../shared/accounting/fee.ts";
import { unitsOf } from "../../shared/decimal.ts";
import { isValidFaAddress } from "../../shared/factom/address.ts";
import { parseAddressRange } from "../../shared/ip-address.ts";

export const text = v.string("expected text in quotes");
export const flag = v.boolean("expected true or false");
export const whole = (min: number, max: number) => {
  const expected = `expected a whole number from ${min} to ${max}`;
  return v.pipe(
    v.number(expected),
    v.integer(expected),
    v.minValue(min, expected),
    v.maxValue(max, expected),
  );
};
const UNIT_MS: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
/** "2s", "1m30s", "500ms" as Go writes durations; milliseconds inside. */
export const duration = v.pipe(
  v.string('expected a duration like "2s" or "1m30s"'),
  v.regex(/^(\d+(\.\d+)?(ms|s|m|h))+$/, 'expected a duration like "2s" or "1m30s"'),
  v.transform((value) =>
    [...value.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)].reduce(
      (sum, [, n, unit]) => sum + Number(n) * (UNIT_MS[unit ?? ""] ?? 0),
      0,
    ),
  ),
);
/** Between two of something that must not come without one. */
export const pause = v.pipe(duration, v.minValue(1000, 'expected "1s" or longer'));
export const port = whole(0, 65_535);
export const feeRateSetting = v.pipe(
  v.string('expected the rate in quotes, like "0.05"'),
  v.rawCheck(({ dataset, addIssue }) => {
    if (!dataset.typed) return;
    const parsed = parseFeeRate(dataset.value);
    if ("refusal" in parsed) addIssue({ message: parsed.refusal });
  }),
);
export const faAddress = v.pipe(
  text,
  v.check(
    (address) => address === "" || isValidFaAddress(address),
    "expected a Factoid address (FA…) with a valid checksum",
  ),
);

export const percent = whole(1, 10_000);

/** Decimal PEG in quotes; 1e-8 PEG inside. */
export const pegSetting = v.pipe(
  v.string('expected an amount of PEG in quotes, like "1.5"'),
  v.regex(
    /^\d{1,11}(\.\d{1,8})?$/,
    'expected an amount of PEG with at most 8 decimals, in quotes, like "1.5"',
  ),
  v.transform(unitsOf),
);

/** A comma-separated list of IP addresses and CIDR ranges. */
export const addresses = v.pipe(
  text,
  v.transform((list) => list.split(",").flatMap((entry) => entry.trim() || [])),
  v.check(
    (entries) => entries.every((entry) => parseAddressRange(entry) !== undefined),
    'expected IP addresses or CIDR ranges, separated by commas, like "10.0.0.0/8, 192.0.2.7"',
  ),
);

/** A comma-separated list of sites, or every one. */
export const origins = v.pipe(
  text,
  v.transform((list) => list.split(",").flatMap((entry) => entry.trim() || [])),
  v.check(
    (entries) => entries.every((entry) => entry === "*" || URL.parse(entry)?.origin === entry),
    'expected sites, separated by commas, like "https://stats.example.org", or "*"',
  ),
);

/** One address of a server, or several separated by commas. */
export const urls = v.pipe(
  text,
  v.regex(
    /^\s*https?:\/\/[^\s,]+(\s*,\s*https?:\/\/[^\s,]+)*\s*$/,
    'expected an address like "http://localhost:8088/v2", or several separated by commas',
  ),
);

/** One address of the web; empty: none. */
export const webUrl = v.pipe(
  text,
  v.check(
    (address) => address === "" || /^https?:$/.test(URL.parse(address)?.protocol ?? ""),
    "expected an address like https://hc-ping.com/…",
  ),
);

/** A mail server; empty: none. */
export const smtpUrl = v.pipe(
  text,
  v.regex(
    /^(smtps?:\/\/[^\s/]+\/?)?$/,
    "expected an address like smtp://user:password@host:587 or smtps://…:465",
  ),
);
