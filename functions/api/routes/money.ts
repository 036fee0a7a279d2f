/** Routes for the operator's corrections of money, and for the log of what administrators did. */

import * as v from "valibot";
import { parseAdjustment } from "../../../shared/accounting/adjustment.ts";
import { listAdminLog } from "../../../shared/db/admin-log.ts";
import { adjust, listAdjustments, owedTo } from "../../../shared/db/payments.ts";
import { iso } from "../figures/pool.ts";
import { type ApiRoute, adminRoute, NO_BODY, refused, view } from "../http/route.ts";
import type { ApiModules } from "../options.ts";
import type { AdjustmentPreviewView, AdjustmentsView, AdminLogView } from "../views/views.ts";
import { limitQuery } from "./pool.ts";

const units = v.pipe(
  v.string(),
  v.regex(/^-?\d{1,20}$/, "expected 1e-8 PEG, as a whole number"),
  v.description("1e-8 PEG; below 0 to take away"),
);
const field = v.pipe(v.string(), v.maxLength(1024));
const requestId = v.pipe(
  v.string(),
  v.regex(/^[\w-]{8,64}$/, "expected 8 to 64 letters, digits, - and _"),
  v.description("yours to choose; the same request sent again is booked once"),
);

export function moneyRoutes(modules: ApiModules): ApiRoute[] {
  return [listRoute(modules), previewRoute(modules), adjustRoute(modules), logRoute(modules)];
}

function listRoute({ db }: ApiModules): ApiRoute {
  return adminRoute({
    method: "GET",
    path: "/api/admin/adjustments",
    summary: "Corrections beside the sealed books, newest first",
    reply: "Adjustments",
    query: { limit: limitQuery },
    body: NO_BODY,
    run: async ({ query }) => {
      const rows = await listAdjustments(db, query.limit);
      const adjustments = rows.map(({ id, user, amount, reason, madeBy, atMs }) => ({
        ...{ id: id.toString(), user, amount: amount.toString(), reason, madeBy },
        at: iso(atMs),
      }));
      return view({ adjustments } satisfies AdjustmentsView);
    },
  });
}

function previewRoute({ db }: ApiModules): ApiRoute {
  return adminRoute({
    method: "POST",
    path: "/api/admin/adjustments/preview",
    summary: "What a user would be owed with this adjustment; nothing is booked",
    reply: "AdjustmentPreview",
    query: {},
    body: v.strictObject({ user: field, amount: units, reason: field }),
    run: async ({ body }) => {
      const parsed = parseAdjustment(BigInt(body.amount), body.reason);
      if (!parsed.ok) return refused(422, `bad-${parsed.field}`, parsed.why);
      const owed = await owedTo(db, body.user);
      if (owed === undefined) return refused(422, "no-user", "there is no such user");
      const { amount, reason } = parsed;
      return view({
        ...{ user: body.user, amount: amount.toString(), reason, owed: owed.toString() },
        owedAfter: (owed + amount).toString(),
      } satisfies AdjustmentPreviewView);
    },
  });
}

function adjustRoute({ db, logger }: ApiModules): ApiRoute {
  return adminRoute({
    method: "POST",
    path: "/api/admin/adjustments",
    summary: "Correct what a user is owed, with a reason that the user sees",
    reply: "Adjusted",
    query: {},
    body: v.strictObject({ user: field, amount: units, reason: field, requestId }),
    run: async ({ session, body }) => {
      const parsed = parseAdjustment(BigInt(body.amount), body.reason);
      if (!parsed.ok) return refused(422, `bad-${parsed.field}`, parsed.why);
      const { user } = body;
      const { amount, reason } = parsed;
      const madeBy = session.user.name;
      const result = await adjust(db, { user, amount, reason, madeBy, requestId: body.requestId });
      switch (result.outcome) {
        case "added":
          logger.warn("an administrator adjusted what a user is owed", {
            admin: madeBy,
            user,
            amount,
            reason,
          });
          return view({ id: result.id.toString() });
        case "known":
          return view({ id: result.id.toString() });
        case "unknown-user":
          return refused(422, "no-user", "there is no such user");
        case "conflict":
          return refused(409, "conflict", "this request id stands for another adjustment");
      }
    },
  });
}

function logRoute({ db }: ApiModules): ApiRoute {
  return adminRoute({
    method: "GET",
    path: "/api/admin/log",
    summary: "What administrators did, newest first",
    reply: "AdminLog",
    query: {
      limit: limitQuery,
      before: v.optional(v.pipe(v.string(), v.regex(/^\d{1,18}$/, "expected an id"))),
    },
    body: NO_BODY,
    run: async ({ query }) => {
      const rows = await listAdminLog(
        db,
        query.limit,
        query.before === undefined ? undefined : BigInt(query.before),
      );
      const shown: AdminLogView = {
        entries: rows.map(({ id, atMs, details, ...row }) => ({
          ...row,
          id: id.toString(),
          at: iso(atMs),
          details: Object.fromEntries(Object.entries(details).map(([name, value]) => [name, String(value)])),
        })),
        next: rows.length < query.limit ? null : (rows.at(-1)?.id.toString() ?? null),
      };
      return view(shown);
    },
  });
}
