/** Routes for the pool's operator: who mines, who is registered, invite codes, submissions. */

import * as v from "valibot";
import { listUserBalances } from "../../../shared/db/accounts.ts";
import { logAdminAction } from "../../../shared/db/admin-log.ts";
import { listInvites } from "../../../shared/db/invites.ts";
import { onlineWorkers, recentSubmissions } from "../../../shared/db/stats.ts";
import { formatTarget } from "../../../shared/messages/stratum.ts";
import { createInvite } from "../../auth/bootstrap.ts";
import { spanSeconds } from "../figures/estimates.ts";
import { iso, isoOrNull, SHORT_WINDOW_MS, windowStart } from "../figures/pool.ts";
import { type ApiRoute, adminRoute, NO_BODY, view } from "../http/route.ts";
import type { StratumConnection } from "../live.ts";
import type { ApiModules } from "../options.ts";
import type { AdminSubmissionListView, InvitesView, MinersView, UsersView } from "../views/views.ts";
import { heightQuery, limitQuery, which, wholeBlocks } from "./pool.ts";

const ROWS = 500;
const idQuery = v.optional(v.pipe(v.string(), v.regex(/^\d{1,18}$/, "expected an id")));
const searchQuery = v.optional(
  v.pipe(v.string(), v.maxLength(254), v.description("part of a name, or a payout address")),
  "",
);

export function adminRoutes(modules: ApiModules): ApiRoute[] {
  return [minersRoute(modules), usersRoute(modules), ...inviteRoutes(modules), submissionsRoute(modules)];
}

function minersRoute({ db, clock, live }: ApiModules): ApiRoute {
  return adminRoute({
    method: "GET",
    path: "/api/admin/miners",
    summary: "Workers of the last ten minutes, and open connections where the edge is in reach",
    reply: "Miners",
    query: {},
    body: NO_BODY,
    run: async () => {
      const nowMs = clock.wallMs();
      const sinceMs = windowStart(nowMs, SHORT_WINDOW_MS);
      const rows = await onlineWorkers(db, sinceMs, nowMs, ROWS);
      const shown: MinersView = {
        workers: rows.map((row) => ({
          user: row.user,
          worker: row.worker,
          hashrate: Number(row.work) / spanSeconds(nowMs, sinceMs, row.firstMs),
          shares: row.shares.toString(),
          rejected: row.rejected.toString(),
          lastShare: iso(row.lastMs),
        })),
        sessions: live?.sessions?.().slice(0, ROWS).map(sessionOf) ?? null,
      };
      return view(shown);
    },
  });
}

function sessionOf(session: StratumConnection): NonNullable<MinersView["sessions"]>[number] {
  const { target, noncePrefix, ...rest } = session;
  return { ...rest, target: target === null ? null : formatTarget(target), nonce: noncePrefix };
}

function usersRoute({ db }: ApiModules): ApiRoute {
  return adminRoute({
    method: "GET",
    path: "/api/admin/users",
    summary: "Users with what each has earned, was paid and is owed, the newest first",
    reply: "Users",
    query: { limit: limitQuery, before: idQuery, search: searchQuery },
    body: NO_BODY,
    run: async ({ query }) => {
      const { limit, search } = query;
      const before = query.before === undefined ? undefined : BigInt(query.before);
      const rows = await listUserBalances(db, { limit, before, search });
      const shown: UsersView = {
        users: rows.map((row) => ({
          name: row.name,
          payoutAddress: row.payoutAddress,
          admin: row.isAdmin,
          canLogIn: row.canLogIn,
          barred: row.barred,
          since: iso(row.createdAtMs),
          booked: row.booked.toString(),
          paidOut: row.paidOut.toString(),
          owed: row.owed.toString(),
        })),
        next: rows.length < limit ? null : (rows.at(-1)?.id.toString() ?? null),
      };
      return view(shown);
    },
  });
}

function inviteRoutes({ db, random, logger }: ApiModules): ApiRoute[] {
  return [
    adminRoute({
      method: "GET",
      path: "/api/admin/invites",
      summary: "Invite codes, unclaimed ones first",
      reply: "Invites",
      query: { limit: limitQuery },
      body: NO_BODY,
      run: async ({ query }) => {
        const rows = await listInvites(db, query.limit);
        const shown: InvitesView = {
          invites: rows.map((row) => ({
            code: row.code,
            createdAt: iso(row.createdAtMs),
            claimedBy: row.claimedBy,
            claimedAt: isoOrNull(row.claimedAtMs),
          })),
        };
        return view(shown);
      },
    }),
    adminRoute({
      method: "POST",
      path: "/api/admin/invites",
      summary: "Make a new invite code",
      reply: "Invite",
      query: {},
      body: NO_BODY,
      run: async ({ session }) => {
        const actor = session.user.name;
        // Both or neither: no code is made without its log entry.
        const code = await db.transaction(async (tx) => {
          const made = await createInvite({ db: tx, random });
          await logAdminAction(tx, { actor, action: "make-invite", subject: "" });
          return made;
        });
        logger.info("an administrator made an invite code", { admin: actor });
        return view({ code });
      },
    }),
  ];
}

function submissionsRoute({ db }: ApiModules): ApiRoute {
  return adminRoute({
    method: "GET",
    path: "/api/admin/submissions",
    summary: "Submissions with the user, worker and edge they came from",
    reply: "AdminSubmissionList",
    query: { limit: limitQuery, before: heightQuery, job: heightQuery },
    body: NO_BODY,
    run: async ({ query }) => {
      const page = wholeBlocks(await recentSubmissions(db, query.limit, which(query)), query.limit);
      const shown: AdminSubmissionListView = {
        submissions: page.rows.map((row) => ({
          entryHash: row.entryHash,
          height: row.height,
          target: formatTarget(row.target),
          state: row.state,
          reason: row.reason,
          at: iso(row.atMs),
          user: row.user,
          worker: row.worker,
          edge: row.edge,
        })),
        next: page.next,
      };
      return view(shown);
    },
  });
}
