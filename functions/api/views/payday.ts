/** The shapes of the answers about paying the miners; views.ts lists them. */

import * as v from "valibot";
import { DOING } from "../payday.ts";
import { about, instant, peg } from "./fields.ts";

const whole = v.pipe(v.number(), v.integer());

export const paydayView = v.strictObject({
  here: about(
    v.boolean(),
    "whether the pool runs in this process; else only the command line prepares and sends",
  ),
  work: about(
    v.strictObject({
      doing: v.picklist(DOING),
      said: about(v.array(v.string()), "lines of the newest piece of work"),
      failed: about(v.nullable(v.string()), "why it failed"),
    }),
    "one piece of work at a time",
  ),
  minimum: about(
    v.nullable(peg),
    "who is owed less is carried to a later payout; null: only the command line knows",
  ),
  due: about(
    v.strictObject({ users: whole, total: peg }),
    "owed, at least the minimum, to a valid address, and not on its way",
  ),
  left: about(
    v.array(
      v.strictObject({
        why: about(
          v.picklist(["minimum", "no-address", "bad-address", "overpaid"]),
          "minimum: carried to a later payout; overpaid: has had more than was owed",
        ),
        users: whole,
        total: peg,
        largest: about(v.array(v.strictObject({ user: v.string(), amount: peg })), "20 at most"),
      }),
    ),
    "who has a balance and is not paid",
  ),
  credits: about(
    v.nullable(v.strictObject({ address: v.string(), balance: whole })),
    "of the key that pays for entries",
  ),
  twoAdministrators: about(v.boolean(), "a payout needs two people who agree"),
  administrators: about(whole, "who can log in"),
  payout: about(
    v.nullable(
      v.strictObject({
        id: v.string(),
        at: about(instant, "when it was prepared"),
        signBefore: about(instant, "later it must be prepared again"),
        total: peg,
        users: whole,
        credits: about(whole, "entry credits that its entries cost"),
        digest: about(v.string(), "64 hex digits, the same where it is signed"),
        isFile: about(
          v.boolean(),
          "its file can be had here: this process has the pool's key and the list is fresh",
        ),
        agreed: about(v.array(v.string()), "who prepared it, then who agreed"),
        needed: about(whole, "how many must agree before it may be sent"),
        lines: about(
          v.array(
            v.strictObject({
              user: v.string(),
              address: v.string(),
              amount: peg,
              earned: about(peg, "in blocks since the last payout was prepared, 1e-8 PEG"),
              adjusted: about(peg, "corrections since then, 1e-8 PEG"),
              carried: about(
                peg,
                "owed before and not paid then, less what was paid otherwise since, 1e-8 PEG",
              ),
              lastAmount: about(v.nullable(peg), "of the user's last payment; null: there was none"),
              lastAddress: about(v.nullable(v.string()), "another than now: the address was changed"),
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
        id: v.string(),
        state: about(v.picklist(["sending", "done"]), "done: each entry is booked, or will never pay"),
        at: instant,
        total: peg,
        users: whole,
        count: about(whole, "of entries"),
        booked: about(whole, "of its entries"),
        entries: about(
          v.nullable(
            v.array(
              v.strictObject({
                entryHash: v.string(),
                state: about(
                  v.picklist(["intended", "revealed", "booked", "void"]),
                  "intended: on record; revealed: handed to the network; booked: paid; void: will never pay, so it is owed again",
                ),
                why: v.string(),
                users: whole,
                amount: peg,
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
  prosper: v.literal("payout"),
  version: v.literal(2),
  id: v.string(),
  saltSeconds: about(whole, "Unix time"),
  lines: v.array(
    v.strictObject({ user: v.string(), address: v.string(), amount: peg, totalOwed: peg, totalPaid: peg }),
  ),
  signature: about(v.string(), "by the pool's receipt key, 128 hex digits"),
});

export const tookView = v.strictObject({
  sending: about(v.boolean(), "all entries are in; false: the next one is waited for"),
});

export const paymentFeedView = v.strictObject({
  payments: about(
    v.array(
      v.strictObject({
        entryHash: about(v.string(), "on Factom's chain, where it names every address"),
        at: about(instant, "when it was booked"),
        users: whole,
        amount: peg,
      }),
    ),
    "newest first",
  ),
  next: about(v.nullable(v.string()), "ask for more with before= this"),
});
