/** The fields that the queries and bodies of the REST API are made of. */

import * as v from "valibot";
import { about } from "../../../shared/about.ts";

/** A text of a body: its length is bounded before anything is hashed, compared or looked up, and no database can hold U+0000. */
export const field = (description: string, example: string) =>
  about(
    v.pipe(v.string(), v.maxLength(1024), v.regex(/^[^\0]*$/, "text without U+0000")),
    description,
    example,
  );

export const userField = field("a user's name", "ann@example.org");
export const passwordField = field("the user's password", "correct horse battery staple");
export const codeField = v.optional(
  field("of the second factor, or a recovery code; empty: the user has none", ""),
  "",
);

export const idField = (description: string) =>
  about(v.pipe(v.string(), v.regex(/^\d{1,18}$/, "expected an id")), description, "17");

/** Sent as digits: a number to the route, and in the OpenAPI document. */
export const wholeQuery = (
  expected: string,
  { least, most }: { readonly least: number; readonly most: number },
  description: string,
) =>
  v.pipe(
    v.string(),
    v.regex(/^\d{1,10}$/, expected),
    v.metadata({ description, wire: { type: "integer", minimum: least, maximum: most } }),
    v.transform(Number),
    v.minValue(least, expected),
    v.maxValue(most, expected),
  );

/** 1 to 200, 50 where it is not given. */
export const limitQuery = v.optional(
  wholeQuery("expected a number from 1 to 200", { least: 1, most: 200 }, "rows, at most"),
  "50",
);
const MOST_HEIGHT = 0x7fff_ffff;
export const heightQuery = v.optional(
  wholeQuery("expected a block height", { least: 0, most: MOST_HEIGHT }, "a block height"),
);
export const beforeHeight = about(heightQuery, "only blocks below this height: `next` of the page before");
export const beforeId = v.optional(idField("only what is older: `next` of the page before"));
export const jobQuery = about(heightQuery, "only of the block of this height");
