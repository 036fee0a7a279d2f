/** The shapes of the answers that only administrators get; views.ts has the others and lists all. */

import * as v from "valibot";
import { about } from "../../../shared/about.ts";
import { LEVELS } from "../doctor.ts";
import {
  count,
  decimal,
  faField,
  hashrate,
  height,
  instant,
  nextId,
  notice,
  peg,
  rowId,
  userField,
  wordsField,
  workerField,
} from "./fields.ts";

const reason = wordsField("why, as the user sees it", "paid twice on 3 May");

const total = v.pipe(v.number(), v.integer());

export const minersView = v.strictObject({
  workers: about(
    v.array(
      v.strictObject({
        user: userField,
        worker: workerField,
        hashrate,
        shares: about(count, "credited in the last ten minutes"),
        rejected: about(count, "refused in the last ten minutes"),
        lastShare: instant,
      }),
    ),
    "those with a share in the last ten minutes",
  ),
  workersTotal: about(total, "workers found, also on other pages; 0 on a page after the last"),
  sessions: about(
    v.nullable(
      v.array(
        v.strictObject({
          id: about(v.string(), "of the stratum session", "s1"),
          user: about(v.nullable(userField), "null: not logged in"),
          worker: about(v.nullable(workerField), "null: not logged in"),
          agent: about(v.string(), "what the miner calls itself", "prosper/0.1.0"),
          address: about(v.string(), "where it comes from", "192.0.2.1:4000"),
          subscribed: about(v.boolean(), "has asked for jobs"),
          authorized: about(v.boolean(), "has logged in"),
          target: about(v.nullable(v.string()), "the least it sends, 16 hex digits", "ffff000000000000"),
          nonce: about(v.nullable(v.number()), "its nonce prefix", 4097),
        }),
      ),
    ),
    "open connections, where the edge is in reach",
  ),
  sessionsTotal: about(total, "open connections found, also on other pages"),
});

export const usersView = v.strictObject({
  users: about(
    v.array(
      v.strictObject({
        name: userField,
        payoutAddress: about(v.nullable(faField), "null: none given"),
        admin: about(v.boolean(), "is an administrator"),
        canLogIn: about(v.boolean(), "has a password"),
        barred: about(v.boolean(), "by the operator, now"),
        since: about(instant, "when it registered; UTC, ISO 8601"),
        booked: about(peg, "earned in sealed blocks, 1e-8 PEG"),
        paidOut: about(peg, "paid so far, 1e-8 PEG"),
        owed: about(peg, "earned and adjusted less paid, 1e-8 PEG"),
      }),
    ),
    "the newest first",
  ),
  next: nextId,
});

const hits = {
  due: about(v.number(), "hits above the submission threshold that the credited work should have given"),
  sent: about(count, "of them, such as came while they could still win"),
  deviation: about(v.nullable(v.number()), "standard deviations from what was due; null where nothing was"),
};

export const withholdingView = v.strictObject({
  pool: about(v.strictObject(hits), "everybody together"),
  small: about(
    v.strictObject({ ...hits, users: about(v.number(), "how many they are") }),
    "those together who have not had a look yet: small accounts that hide something are seen here",
  ),
  users: about(
    v.array(
      v.strictObject({
        name: userField,
        through: about(height, "the last block in it"),
        ...hits,
        looks: about(
          v.array(
            v.strictObject({
              length: about(v.number(), "hits due before each look"),
              done: about(v.number(), "looks so far"),
              alarms: about(
                v.number(),
                "looks that chance does not explain (as rare as 5 standard deviations)",
              ),
              last: about(
                v.nullable(
                  v.strictObject({
                    ...hits,
                    chance: about(v.number(), "that so few come to an honest miner", 0.42),
                  }),
                ),
                "the newest look; null before the first",
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
        id: rowId,
        user: userField,
        amount: peg,
        reason,
        madeBy: about(userField, "who asked for it"),
        at: instant,
        owed: about(decimal, "now, 1e-8 PEG"),
        owedAfter: about(decimal, "once it is confirmed, 1e-8 PEG"),
      }),
    ),
    "for a second administrator; nothing is booked",
  ),
  adjustments: about(
    v.array(
      v.strictObject({
        id: rowId,
        user: userField,
        amount: peg,
        reason,
        madeBy: about(userField, "the administrator"),
        at: instant,
      }),
    ),
    "booked, newest first",
  ),
});

export const adjustmentPreviewView = v.strictObject({
  user: userField,
  amount: peg,
  reason,
  owed: about(decimal, "now, 1e-8 PEG"),
  owedAfter: about(decimal, "with the adjustment, 1e-8 PEG; below 0: later rewards go against it"),
});

export const adjustedView = v.strictObject({
  id: rowId,
  waiting: about(v.boolean(), "another administrator must confirm it; false: it is booked"),
});

export const adminLogView = v.strictObject({
  entries: about(
    v.array(
      v.strictObject({
        id: rowId,
        at: instant,
        actor: about(userField, "the administrator"),
        action: about(v.string(), "what was done", "bar"),
        subject: about(v.string(), "the user or thing it was done to", "ann@example.org"),
        details: about(v.record(v.string(), v.string()), "what else is on record, by name", {
          reason: "asked for it",
        }),
      }),
    ),
    "newest first",
  ),
  next: nextId,
});

const inviteCode = about(v.string(), "an invite code, which one user registers with", "K7Q2-M4XW-9RTD");

export const invitesView = v.strictObject({
  invites: about(
    v.array(
      v.strictObject({
        code: inviteCode,
        createdAt: instant,
        note: about(v.string(), "what it is for", "the club"),
        madeBy: about(userField, "an administrator; empty: the pool itself, or unknown"),
        endsAt: about(v.nullable(instant), "null: without an end"),
        over: about(v.boolean(), "nobody has claimed it, and nobody can any more"),
        claimedBy: about(v.nullable(userField), "null: nobody yet"),
        claimedAt: about(v.nullable(instant), "null: not yet"),
      }),
    ),
    "unclaimed ones first",
  ),
});

export const inviteView = v.strictObject({
  code: about(inviteCode, "the first of them"),
  codes: about(v.array(inviteCode), "each makes one user"),
});

export const doctorView = v.strictObject({
  here: about(v.boolean(), "whether the pool runs in this process; else only `npx prosper doctor` can look"),
  lookedAt: about(v.nullable(instant), "when the newest examination ended; null before the first"),
  running: about(v.boolean(), "another examination is under way"),
  findings: about(
    v.array(
      v.strictObject({
        check: about(v.string(), "what was looked at", "entry credits"),
        level: about(v.picklist(LEVELS), "red: loses money, work or time, or will within days"),
        said: about(v.string(), "what was found", "1,204 entry credits: 3 days"),
        mend: about(v.nullable(v.string()), "what mends it; every red finding has it", "buy entry credits"),
      }),
    ),
    "one or more of each check",
  ),
});

export const barsView = v.strictObject({
  bars: about(
    v.array(
      v.strictObject({
        id: rowId,
        kind: about(v.picklist(["user", "address"]), "what is barred"),
        subject: about(v.string(), "a user's name, or an address or CIDR range", "192.0.2.0/24"),
        scope: about(
          v.picklist(["mining", "all"]),
          "mining: may not mine; all: may not log in or register either",
        ),
        reason,
        madeBy: about(userField, "the administrator"),
        at: instant,
        until: about(v.nullable(instant), "null: until it is lifted"),
        stands: about(v.boolean(), "in force now"),
        liftedAt: about(v.nullable(instant), "null: nobody lifted it"),
        liftedBy: about(v.nullable(userField), "null: nobody did"),
      }),
    ),
    "those in force first",
  ),
});

export const noticesView = v.strictObject({
  notices: about(
    v.array(
      v.strictObject({
        ...notice.entries,
        id: rowId,
        madeBy: about(userField, "the administrator"),
        at: instant,
      }),
    ),
    "those that stand, or will",
  ),
});
