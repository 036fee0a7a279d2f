/** The shapes of the answers that only administrators get; views.ts has the others and lists all. */

import * as v from "valibot";
import { LEVELS } from "../doctor.ts";
import { about, count, decimal, hashrate, height, instant, notice, peg } from "./fields.ts";

export const minersView = v.strictObject({
  workers: v.array(
    v.strictObject({
      user: v.string(),
      worker: v.string(),
      hashrate,
      shares: count,
      rejected: count,
      lastShare: instant,
    }),
  ),
  sessions: about(
    v.nullable(
      v.array(
        v.strictObject({
          id: v.string(),
          user: v.nullable(v.string()),
          worker: v.nullable(v.string()),
          agent: v.string(),
          address: v.string(),
          subscribed: v.boolean(),
          authorized: v.boolean(),
          target: about(v.nullable(v.string()), "16 hex digits"),
          nonce: v.nullable(v.number()),
        }),
      ),
    ),
    "open connections, where the edge is in reach",
  ),
});

export const usersView = v.strictObject({
  users: v.array(
    v.strictObject({
      name: v.string(),
      payoutAddress: v.nullable(v.string()),
      admin: v.boolean(),
      canLogIn: v.boolean(),
      barred: about(v.boolean(), "by the operator, now"),
      since: instant,
      booked: peg,
      paidOut: peg,
      owed: peg,
    }),
  ),
  next: about(v.nullable(v.string()), "ask for more with before= this"),
});

const hits = {
  due: about(v.number(), "hits above the submission threshold that the credited work should have given"),
  sent: about(count, "of them, such as came while they could still win"),
  deviation: about(v.nullable(v.number()), "standard deviations from what was due; null where nothing was"),
};

export const withholdingView = v.strictObject({
  pool: about(v.strictObject(hits), "everybody together"),
  small: about(
    v.strictObject({ ...hits, users: v.number() }),
    "those together who have not had a look yet: small accounts that hide something are seen here",
  ),
  users: about(
    v.array(
      v.strictObject({
        name: v.string(),
        through: about(height, "the last block in it"),
        ...hits,
        looks: about(
          v.array(
            v.strictObject({
              length: about(v.number(), "hits due before each look"),
              done: v.number(),
              alarms: about(
                v.number(),
                "looks that chance does not explain (as rare as 5 standard deviations)",
              ),
              last: v.nullable(
                v.strictObject({ ...hits, chance: about(v.number(), "that so few come to an honest miner") }),
              ),
              open: about(v.strictObject(hits), "since the last look"),
            }),
          ),
          "looks of one length never share a block",
        ),
      }),
    ),
    "those with alarms first, then those furthest below what was due",
  ),
});

export const adjustmentsView = v.strictObject({
  twoAdministrators: about(v.boolean(), "another administrator must confirm each"),
  administrators: about(v.number(), "who can log in"),
  waiting: about(
    v.array(
      v.strictObject({
        id: v.string(),
        user: v.string(),
        amount: peg,
        reason: v.string(),
        madeBy: about(v.string(), "who asked for it"),
        at: instant,
        owed: about(decimal, "now, 1e-8 PEG"),
        owedAfter: about(decimal, "once it is confirmed, 1e-8 PEG"),
      }),
    ),
    "for a second administrator; nothing is booked",
  ),
  adjustments: v.array(
    v.strictObject({
      id: v.string(),
      user: v.string(),
      amount: peg,
      reason: v.string(),
      madeBy: about(v.string(), "the administrator"),
      at: instant,
    }),
  ),
});

export const adjustmentPreviewView = v.strictObject({
  user: v.string(),
  amount: peg,
  reason: v.string(),
  owed: about(decimal, "now, 1e-8 PEG"),
  owedAfter: about(decimal, "with the adjustment, 1e-8 PEG; below 0: later rewards go against it"),
});

export const adjustedView = v.strictObject({
  id: v.string(),
  waiting: about(v.boolean(), "another administrator must confirm it; false: it is booked"),
});

export const adminLogView = v.strictObject({
  entries: v.array(
    v.strictObject({
      id: v.string(),
      at: instant,
      actor: v.string(),
      action: v.string(),
      subject: about(v.string(), "the user or thing it was done to"),
      details: v.record(v.string(), v.string()),
    }),
  ),
  next: about(v.nullable(v.string()), "ask for more with before= this"),
});

export const invitesView = v.strictObject({
  invites: v.array(
    v.strictObject({
      code: v.string(),
      createdAt: instant,
      note: about(v.string(), "what it is for"),
      madeBy: about(v.string(), "an administrator; empty: the pool itself, or unknown"),
      endsAt: about(v.nullable(instant), "null: without an end"),
      over: about(v.boolean(), "nobody has claimed it, and nobody can any more"),
      claimedBy: v.nullable(v.string()),
      claimedAt: v.nullable(instant),
    }),
  ),
});

export const inviteView = v.strictObject({
  code: about(v.string(), "the first of them"),
  codes: v.array(v.string()),
});

export const doctorView = v.strictObject({
  here: about(v.boolean(), "whether the pool runs in this process; else only `npx prosper doctor` can look"),
  lookedAt: about(v.nullable(instant), "when the newest examination ended; null before the first"),
  running: about(v.boolean(), "another examination is under way"),
  findings: v.array(
    v.strictObject({
      check: v.string(),
      level: about(v.picklist(LEVELS), "red: loses money, work or time, or will within days"),
      said: about(v.string(), "what was found"),
      mend: about(v.nullable(v.string()), "what mends it; every red finding has it"),
    }),
  ),
});

export const barsView = v.strictObject({
  bars: v.array(
    v.strictObject({
      id: v.string(),
      kind: v.picklist(["user", "address"]),
      subject: about(v.string(), "a user's name, or an address or CIDR range"),
      scope: about(
        v.picklist(["mining", "all"]),
        "mining: may not mine; all: may not log in or register either",
      ),
      reason: v.string(),
      madeBy: about(v.string(), "the administrator"),
      at: instant,
      until: about(v.nullable(instant), "null: until it is lifted"),
      stands: about(v.boolean(), "in force now"),
      liftedAt: v.nullable(instant),
      liftedBy: v.nullable(v.string()),
    }),
  ),
});

export const noticesView = v.strictObject({
  notices: v.array(
    v.strictObject({
      ...notice.entries,
      id: v.string(),
      madeBy: about(v.string(), "the administrator"),
      at: instant,
    }),
  ),
});
