/** The shape of what a page is told of the miner that its line started. */

import * as v from "valibot";
import { about } from "../../../shared/about.ts";
import { instant } from "./fields.ts";

const maybe = v.nullable(instant);

export const connectionView = v.strictObject({
  watched: about(v.boolean(), "false: the edges run where these pages cannot see connections"),
  seen: about(
    v.nullable(
      v.strictObject({
        by: about(
          v.picklist(["code", "address"]),
          "code: it brought this code; address: it came from your address without any code",
        ),
        connected: instant,
        subscribed: about(maybe, "when it asked for jobs; null: not yet"),
        loggedIn: about(maybe, "null: not yet"),
        tablePercent: about(v.nullable(v.number()), "of its table; null: it makes none, or does not tell"),
        firstShare: about(maybe, "null: none yet"),
        credited: about(v.boolean(), "its first share is in the books"),
        closed: about(v.boolean(), "the connection has ended"),
        problem: about(
          v.nullable(
            v.strictObject({
              code: about(v.string(), "stable, for programs", "wrong-login"),
              words: about(v.string(), "for people", "wrong user or password"),
            }),
          ),
          "what went wrong last, in the words that the miner was told",
        ),
      }),
    ),
    "null: nothing yet",
  ),
});

export type ConnectionView = v.InferOutput<typeof connectionView>;
