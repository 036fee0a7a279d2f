/** The fields that the shapes of the REST API are made of: amounts, counts, times, each with its meaning. */

import * as v from "valibot";
import { about } from "../../../shared/about.ts";

export const decimal = about(
  v.pipe(v.string(), v.regex(/^-?\d+$/)),
  "a whole number of any size, in digits",
  "150000000",
);
/** Amounts: 1e-8 PEG as a decimal string. */
export const peg = about(decimal, "1e-8 PEG", "12500000000");
export const hashes = about(decimal, "hashes", "81788928000");
export const count = about(decimal, "a count", "1248");
export const hashrate = about(v.number(), "hashes per second", 41_250.5);
export const instant = about(
  v.pipe(v.string(), v.isoTimestamp()),
  "UTC, ISO 8601",
  "2026-11-29T10:00:00.000Z",
);
export const height = about(v.pipe(v.number(), v.integer()), "block height", 210_330);
export const seconds = v.pipe(v.number(), v.integer());

export const userField = about(v.string(), "a user's name", "ann@example.org");
export const workerField = about(v.string(), "a worker's name; empty: its miner gives none", "rig-1");
export const faField = about(
  v.string(),
  "Factoid address that is paid",
  "FA2jK2HcLnRdS94dEcU27rF3meoJfpUcZPSinpb7AwQvPRY6RL1Q",
);
export const entryField = about(
  v.string(),
  "hash of an entry on Factom's chain, 64 hex digits",
  "4f1c9d1a2b3e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8",
);
export const target = about(v.string(), "16 hex digits; higher is better", "fffff1a2b3c4d5e6");
export const wordsField = (description: string, example: string) => about(v.string(), description, example);
export const rowId = about(v.string(), "a number of this list's own", "17");
/** For lists that go on by `before`. */
export const nextId = about(
  v.nullable(v.string()),
  "ask for more with before= this; null: that was all",
  "17",
);
export const nextBlock = about(
  v.nullable(v.pipe(v.number(), v.integer())),
  "ask for more with before= this block height; null: that was all",
  210_281,
);

const noticeKind = v.picklist(["announcement", "maintenance"]);
/** What everybody is told by the operator. */
export const notice = v.strictObject({
  kind: about(noticeKind, "maintenance: miners are stopped from its beginning until its end"),
  words: about(v.string(), "what is told", "We move to a faster node tonight."),
  beginsAt: about(instant, "when it begins; UTC, ISO 8601"),
  until: about(instant, "when it ends; UTC, ISO 8601"),
});

/** Of a series: when, and how much. */
export const point = about(
  v.tuple([about(v.number(), "Unix seconds"), v.nullable(hashrate)]),
  "Unix seconds, then hashes per second",
  [1_795_946_400, 41_250.5],
);
