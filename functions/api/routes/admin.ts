/** Routes for the pool's operator: who mines, who is registered, invite codes, submissions. */

import * as v from "valibot";
import { about } from "../../../shared/about.ts";
import { listUserBalances } from "../../../shared/db/accounts.ts";
import { logAdminAction } from "../../../shared/db/admin-log.ts";
import { endInvite, listInvites } from "../../../shared/db/invites.ts";
import { onlineWorkers } from "../../../shared/db/online-workers.ts";
import { recentSubmissions } from "../../../shared/db/stats.ts";
import { formatTarget } from "../../../shared/messages/stratum.ts";
import { parseWords, WORDS_FORM } from "../../../shared/operator/orders.ts";
import { createInvite, MOST_INVITES } from "../../auth/bootstrap.ts";
import { spanSeconds } from "../figures/estimates.ts";
import { iso, isoOrNull, SHORT_WINDOW_MS, windowStart } from "../figures/pool.ts";
import { beforeHeight, beforeId, field, jobQuery, limitQuery, wholeQuery } from "../http/inputs.ts";
import { type ApiRoute, adminRoute, NO_BODY, refused, view } from "../http/route.ts";
import type { StratumConnection } from "../live.ts";
import type { ApiModules } from "../options.ts";
import type {
  AdminSubmissionListView,
  InvitesView,
  InviteView,
  MinersView,
  UsersView,
} from "../views/views.ts";
import { which, wholeBlocks } from "./pool.ts";

const ROWS = 200;
const MOST_FROM = 1_000_000;
const MOST_SECONDS = 366 * 86_400;
const searchQuery = v.optional(field("part of a name, or a payout address", "ann"), "");
const rigQuery = v.optional(
  field("part of a user's or worker's name; of connections also of agent, address or id", "rig"),
  "",
);

const fromQuery = (what: string) =>
  v.optional(
    wholeQuery("expected a number from 0 on", { least: 0, most: MOST_FROM }, `${what} that are passed over`),
    "0",
  );

const newInvites = v.strictObject({
  count: v.optional(
    about(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(MOST_INVITES)), "how many codes", 3),
    1,
  ),
  note: v.optional(field("only administrators see it", "the club"), ""),
  forSeconds: v.optional(
    about(
      v.nullable(v.pipe(v.number(), v.integer(), v.minValue(60), v.maxValue(MOST_SECONDS))),
      "how long they can be claimed, from now; null: without an end",
      86_400,
    ),
    null,
  ),
});

export function adminRoutes(modules: ApiModules): ApiRoute[] {
  return [minersRoute(modules), usersRoute(modules), ...inviteRoutes(modules), submissionsRoute(modules)];
}

function minersRoute({ db, clock, live }: ApiModules): ApiRoute {
  return adminRoute({
    method: "GET",
    path: "/api/admin/miners",
    summary:
      "Workers of the last ten minutes, and open connections where the edge is in reach, 200 of each at a time; those with `search` in their names",
    reply: "Miners",
    query: { search: rigQuery, workersFrom: fromQuery("workers"), sessionsFrom: fromQuery("connections") },
    body: NO_BODY,
    run: async ({ query: { search, workersFrom, sessionsFrom } }) => {
      const nowMs = clock.wallMs();
      const sinceMs = windowStart(nowMs, SHORT_WINDOW_MS);
      const online = await onlineWorkers(db, { sinceMs, nowMs, limit: ROWS, from: workersFrom, search });
      const sessions = (await live?.sessions?.())?.filter(hasText(search));
      const shown: MinersView = {
        workers: online.workers.map((row) => ({
          user: row.user,
          worker: row.worker,
          hashrate: Number(row.work) / spanSeconds(nowMs, sinceMs, row.firstMs),
          shares: row.shares.toString(),
          rejected: row.rejected.toString(),
          lastShare: iso(row.lastMs),
        })),
        workersTotal: online.total,
        sessions: sessions?.slice(sessionsFrom, sessionsFrom + ROWS).map(sessionOf) ?? null,
        sessionsTotal: sessions?.length ?? 0,
      };
      return view(shown);
    },
  });
}

/** Whatever its case, in any of the names that a session has. */
function hasText(search: string): (session: StratumConnection) => boolean {
  const wanted = search.toLowerCase();
  return ({ id, user, worker, agent, address }) =>
    [id, user, worker, agent, address].some((text) => text?.toLowerCase().includes(wanted) === true);
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
    query: { limit: limitQuery, before: beforeId, search: searchQuery },
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
            note: row.note,
            madeBy: row.madeBy,
            endsAt: isoOrNull(row.endsAtMs),
            over: row.isOver,
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
      summary: "Make new invite codes, one without a body; each makes one user",
      reply: "Invite",
      refuses: ["422 bad-note"],
      query: {},
      body: v.optional(newInvites, {}),
      run: async ({ session, body }) => {
        const madeBy = session.user.name;
        const { count, note: words, forSeconds } = body;
        const note = words === "" ? "" : parseWords(words);
        if (note === undefined) return refused("422 bad-note", `note: ${WORDS_FORM}`);
        const forMs = forSeconds === null ? undefined : forSeconds * 1000;
        // Both or neither: no code is made without its log entry.
        const codes = await db.transaction(async (tx) => {
          const made: string[] = [];
          for (let i = 0; i < count; i++)
            made.push(await createInvite({ db: tx, random }, undefined, { note, madeBy, forMs }));
          await logAdminAction(tx, {
            ...{ actor: madeBy, action: "make-invite", subject: "", details: { count, note } },
          });
          return made;
        });
        logger.info("an administrator made invite codes", { admin: madeBy, count });
        return view({ code: codes[0] ?? "", codes } satisfies InviteView);
      },
    }),
    adminRoute({
      method: "POST",
      path: "/api/admin/invites/end",
      summary: "End an invite code that nobody has claimed",
      reply: "Ok",
      refuses: ["422 no-invite"],
      query: {},
      body: v.strictObject({ code: field("the invite code", "K7Q2-M4XW-9RTD") }),
      run: async ({ session, body }) => {
        const actor = session.user.name;
        const isEnded = await db.transaction(async (tx) => {
          const ended = await endInvite(tx, body.code);
          // A code is a secret until somebody has it, and this one never will be had.
          if (ended) await logAdminAction(tx, { actor, action: "end-invite", subject: body.code });
          return ended;
        });
        if (!isEnded) return refused("422 no-invite", "no such code can be claimed any more");
        logger.info("an administrator ended an invite code", { admin: actor });
        return view({ ok: true });
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
    query: { limit: limitQuery, before: beforeHeight, job: jobQuery },
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
