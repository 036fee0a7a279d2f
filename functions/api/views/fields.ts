/** The fields that the shapes of the REST API are made of: amounts, counts, times, each with its meaning. */

import * as v from "valibot";

export const about = <Schema extends v.GenericSchema>(schema: Schema, description: string) =>
  v.pipe(schema, v.description(description));

export const decimal = v.pipe(v.string(), v.regex(/^-?\d+$/));
/** Amounts: 1e-8 PEG as a decimal string. */
export const peg = about(decimal, "1e-8 PEG");
export const hashes = about(decimal, "hashes");
export const count = about(decimal, "a count");
export const hashrate = about(v.number(), "hashes per second");
export const instant = about(v.pipe(v.string(), v.isoTimestamp()), "UTC, ISO 8601");
export const height = about(v.pipe(v.number(), v.integer()), "block height");
export const seconds = v.pipe(v.number(), v.integer());

const noticeKind = v.picklist(["announcement", "maintenance"]);
/** What everybody is told by the operator. */
export const notice = v.strictObject({
  kind: about(noticeKind, "maintenance: miners are stopped from its beginning until its end"),
  words: v.string(),
  beginsAt: instant,
  until: instant,
});

/** Of a series: when, and how much. */
export const point = v.tuple([about(v.number(), "Unix seconds"), v.nullable(v.number())]);
