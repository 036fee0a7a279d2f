/** The shapes of what a user shows to everybody. */

import * as v from "valibot";
import { about } from "../../../shared/about.ts";
import { SHOWN } from "../../../shared/accounts/shown.ts";
import { faField, hashrate, peg, seconds, userField } from "./fields.ts";

export const foundMinersView = v.strictObject({
  miners: about(
    v.array(
      v.strictObject({
        name: userField,
        address: about(v.nullable(faField), "FA…; null here and below: its owner does not show it"),
        hashrateShort: about(v.nullable(hashrate), "of the last 10 minutes, hashes per second"),
        hashrateLong: about(v.nullable(hashrate), "of the last hour, hashes per second"),
        workers: about(
          v.nullable(
            v.strictObject({
              online: about(seconds, "that work"),
              offline: about(seconds, "that do not"),
            }),
          ),
          "how many; never their names",
        ),
        earned: about(v.nullable(peg), "booked since the beginning, 1e-8 PEG"),
        paid: about(v.nullable(peg), "paid out since the beginning, 1e-8 PEG"),
      }),
    ),
    "empty where there is none, and where its owner shows nothing",
  ),
});

export const shownView = v.strictObject({
  shows: about(v.array(v.picklist(SHOWN)), "what everybody may see who knows your name"),
});

export type FoundMinersView = v.InferOutput<typeof foundMinersView>;
export type ShownView = v.InferOutput<typeof shownView>;
