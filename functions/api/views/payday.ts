/** The shapes of the answers about paying the miners; views.ts lists them. */

import * as v from "valibot";
import { about } from "../../../shared/about.ts";
import { DOING } from "../payday.ts";
import { entryField, faField, instant, peg, userField } from "./fields.ts";

const whole = v.pipe(v.number(), v.integer());
const users = about(whole, "how many are paid");
const total = about(peg, "of all together, 1e-8 PEG");
const payoutId = about(v.string(), "of the payout", "9f86d081884c7d65");
const address = faField;

export const paydayView = v.strictObject({
  here: about(
    v.boolean(),
    "whether the pool runs in this process; else only the command line prepares and sends",
  ),
  work: about(
    v.strictObject({
      doing: about(v.picklist(DOING), "what is being done now"),
      said: about(v.array(v.string()), "lines of the newest piece of work", ["Prepared a payout"]),
      failed: about(v.nullable(v.string()), "why it failed; null: it did not", "factomd does not answer"),
    }),
    "one piece of work at a time",
  ),
  minimum: about(
    v.nullable(peg),
    "who is owed less is carried to a later payout; null: only the command line knows",
  ),
  due: about(
    v.strictObject({ users: about(whole, "how many they are"), total }),
    "owed, at least the minimum, to a valid address, and not on its way",
  ),
  left: about(
    v.array(
      v.strictObject({
        why: about(
          v.picklist(["minimum", "held", "no-address", "bad-address", "overpaid"]),
          "minimum: carried to a later payout; held: so is this, the address was changed within the last day; overpaid: has had more than was owed",
        ),
        users: about(whole, "how many they are"),
        total,
        largest: about(v.array(v.strictObject({ user: userField, amount: peg })), "20 at most"),
      }),
    ),
    "who has a balance and is not paid",
  ),
  credits: about(
    v.nullable(
      v.strictObject({
        address: about(
          v.string(),
          "entry credit address",
          "EC2ZFTmTv5Fzv7tV1dHtLqSzBbMm8BBeWxTJcMwGJVCiZNfxyTVE",
        ),
        balance: about(whole, "entry credits it has"),
      }),
    ),
    "of the key that pays for entries; null: not known here",
  ),
  twoAdministrators: about(v.boolean(), "a payout needs two people who agree"),
  administrators: about(whole, "who can log in"),
  payout: about(
    v.nullable(
      v.strictObject({
        id: payoutId,
        at: about(instant, "when it was prepared"),
        signBefore: about(instant, "later it must be prepared again"),
        total,
        users,
        credits: about(whole, "entry credits that its entries cost"),
        digest: about(
          v.string(),
          "64 hex digits, the same where it is signed",
          "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        ),
        isFile: about(
          v.boolean(),
          "its file can be had here: this process has the pool's key and the list is fresh",
        ),
        agreed: about(v.array(userField), "who prepared it, then who agreed"),
        needed: about(whole, "how many must agree before it may be sent"),
        lines: about(
          v.array(
            v.strictObject({
              user: userField,
              address,
              amount: about(peg, "what is paid, 1e-8 PEG"),
              earned: about(peg, "in blocks since the last payout was prepared, 1e-8 PEG"),
              adjusted: about(peg, "corrections since then, 1e-8 PEG"),
              carried: about(
                peg,
                "owed before and not paid then, less what was paid otherwise since, 1e-8 PEG",
              ),
              lastAmount: about(v.nullable(peg), "of the user's last payment; null: there was none"),
              lastAddress: about(
                v.nullable(faField),
                "another than now: the address was changed; null: the same, or none",
              ),
            }),
          ),
          "those at a changed address first, then the largest; 500 at most",
        ),
      }),
    ),
    "prepared, and not sent",
  ),
  sent: about(
    v.array(
      v.strictObject({
        id: payoutId,
        state: about(v.picklist(["sending", "done"]), "done: each entry is booked, or will never pay"),
        at: instant,
        total,
        users,
        count: about(whole, "of entries"),
        booked: about(whole, "of its entries"),
        entries: about(
          v.nullable(
            v.array(
              v.strictObject({
                entryHash: entryField,
                state: about(
                  v.picklist(["intended", "revealed", "booked", "void"]),
                  "intended: on record; revealed: handed to the network; booked: paid; void: will never pay, so it is owed again",
                ),
                why: about(v.string(), "of void: why; else empty", "its list was prepared again"),
                users,
                amount: about(peg, "of all its users together, 1e-8 PEG"),
              }),
            ),
          ),
          "of those that are not done",
        ),
      }),
    ),
    "newest first",
  ),
});

/** As `prosper payout sign` takes it. */
export const payoutFileView = v.strictObject({
  prosper: about(v.literal("payout"), "what kind of file it is"),
  version: about(v.literal(2), "of this kind of file"),
  id: payoutId,
  saltSeconds: about(whole, "Unix time that makes its entries the only ones", 1_795_946_400),
  lines: about(
    v.array(
      v.strictObject({
        user: userField,
        address,
        amount: about(peg, "what is paid, 1e-8 PEG"),
        totalOwed: about(peg, "all that was ever owed, 1e-8 PEG"),
        totalPaid: about(peg, "all that was ever paid before, 1e-8 PEG"),
      }),
    ),
    "who is paid",
  ),
  signature: about(v.string(), "by the pool's receipt key, 128 hex digits", "ab".repeat(64)),
});

export const tookView = v.strictObject({
  sending: about(v.boolean(), "all entries are in; false: the next one is waited for"),
});

export const paymentFeedView = v.strictObject({
  payments: about(
    v.array(
      v.strictObject({
        entryHash: about(entryField, "on Factom's chain, where it names every address"),
        at: about(instant, "when it was booked"),
        users,
        amount: about(peg, "of all its users together, 1e-8 PEG"),
      }),
    ),
    "newest first",
  ),
  next: about(v.nullable(entryField), "ask for more with before= this; null: that was all"),
});
