/** The shapes that only administrators are answered in; views.ts has the others and lists all. */

import * as v from "valibot";
import { about, count, hashrate, instant, peg } from "./view-parts.ts";

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
      since: instant,
      booked: peg,
      paidOut: peg,
      owed: peg,
    }),
  ),
});

export const adjustmentsView = v.strictObject({
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

export const adjustedView = v.strictObject({ id: v.string() });

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
      claimedBy: v.nullable(v.string()),
      claimedAt: v.nullable(instant),
    }),
  ),
});

export const inviteView = v.strictObject({ code: v.string() });
