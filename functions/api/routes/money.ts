/** Routes for the operator's corrections of money, and for the log of what administrators did. */

import * as v from "valibot";
import { about } from "../../../shared/about.ts";
import { parseAdjustment } from "../../../shared/accounting/adjustment.ts";
import {
  askForAdjustment,
  confirmAdjustment,
  listWaitingAdjustments,
  MOST_WAITING,
  withdrawAdjustment,
} from "../../../shared/db/adjustment-requests.ts";
import { listAdminLog } from "../../../shared/db/admin-log.ts";
import { countAdministrators } from "../../../shared/db/payday.ts";
import { adjust, listAdjustments, owedTo } from "../../../shared/db/payments.ts";
import { iso } from "../figures/pool.ts";
import { beforeId, field, idField, limitQuery, userField } from "../http/inputs.ts";
import { type ApiRoute, adminRoute, NO_BODY, refused, view } from "../http/route.ts";
import type { ApiModules, ApiOptions } from "../options.ts";
import type { AdjustmentPreviewView, AdjustmentsView, AdminLogView } from "../views/views.ts";

const units = about(
  v.pipe(v.string(), v.regex(/^-?\d{1,20}$/, "expected 1e-8 PEG, as a whole number")),
  "1e-8 PEG; below 0 to take away",
  "-150000000",
);
const reason = field("why, as the user sees it", "paid twice on 3 May");
const requestId = about(
  v.pipe(v.string(), v.regex(/^[\w-]{8,64}$/, "expected 8 to 64 letters, digits, - and _")),
  "yours to choose; the same request sent again is booked once",
  "3f2b1c9e-05aa",
);

export function moneyRoutes(options: ApiOptions, modules: ApiModules): ApiRoute[] {
  return [
    listRoute(options, modules),
    previewRoute(modules),
    adjustRoute(options, modules),
    ...decideRoutes(modules),
    logRoute(modules),
  ];
}

function listRoute({ twoAdministrators = false }: ApiOptions, { db }: ApiModules): ApiRoute {
  return adminRoute({
    method: "GET",
    path: "/api/admin/adjustments",
    summary: "Corrections beside the sealed books, newest first",
    reply: "Adjustments",
    query: { limit: limitQuery },
    body: NO_BODY,
    run: async ({ query }) => {
      const [rows, waiting, administrators] = await Promise.all([
        listAdjustments(db, query.limit),
        listWaitingAdjustments(db),
        countAdministrators(db),
      ]);
      const adjustments = rows.map(({ id, user, amount, reason, madeBy, atMs }) => ({
        ...{ id: id.toString(), user, amount: amount.toString(), reason, madeBy },
        at: iso(atMs),
      }));
      const shown: AdjustmentsView = {
        ...{ twoAdministrators, administrators, adjustments },
        waiting: waiting.map(({ id, user, amount, reason, madeBy, atMs, owed }) => ({
          ...{ id: id.toString(), user, amount: amount.toString(), reason, madeBy, at: iso(atMs) },
          ...{ owed: owed.toString(), owedAfter: (owed + amount).toString() },
        })),
      };
      return view(shown);
    },
  });
}

function previewRoute({ db }: ApiModules): ApiRoute {
  return adminRoute({
    method: "POST",
    path: "/api/admin/adjustments/preview",
    summary: "What a user would be owed with this adjustment; nothing is booked",
    reply: "AdjustmentPreview",
    refuses: ["422 bad-amount", "422 bad-reason", "422 no-user"],
    query: {},
    body: v.strictObject({ user: userField, amount: units, reason }),
    run: async ({ body }) => {
      const parsed = parseAdjustment(BigInt(body.amount), body.reason);
      if (!parsed.ok) return refused(`422 bad-${parsed.field}`, parsed.why);
      const owed = await owedTo(db, body.user);
      if (owed === undefined) return refused("422 no-user", "there is no such user");
      const { amount, reason } = parsed;
      return view({
        ...{ user: body.user, amount: amount.toString(), reason, owed: owed.toString() },
        owedAfter: (owed + amount).toString(),
      } satisfies AdjustmentPreviewView);
    },
  });
}

function adjustRoute({ twoAdministrators = false }: ApiOptions, { db, logger }: ApiModules): ApiRoute {
  return adminRoute({
    method: "POST",
    path: "/api/admin/adjustments",
    summary:
      "Correct what a user is owed, with a reason that the user sees; where two administrators are needed, another must confirm it",
    reply: "Adjusted",
    refuses: ["422 bad-amount", "422 bad-reason", "422 no-user", "409 full", "409 conflict"],
    query: {},
    body: v.strictObject({ user: userField, amount: units, reason, requestId }),
    run: async ({ session, body }) => {
      const parsed = parseAdjustment(BigInt(body.amount), body.reason);
      if (!parsed.ok) return refused(`422 bad-${parsed.field}`, parsed.why);
      const { user } = body;
      const { amount, reason } = parsed;
      const madeBy = session.user.name;
      const adjustment = { user, amount, reason, madeBy, requestId: body.requestId };
      const result = await (twoAdministrators ? askForAdjustment : adjust)(db, adjustment);
      switch (result.outcome) {
        case "waiting":
          logger.warn("an administrator asked for an adjustment", { admin: madeBy, user, amount, reason });
          return view({ id: result.id.toString(), waiting: true });
        case "full":
          return refused(
            "409 full",
            `${MOST_WAITING} adjustments wait already: confirm or withdraw some first`,
          );
        case "added":
          logger.warn("an administrator adjusted what a user is owed", {
            admin: madeBy,
            user,
            amount,
            reason,
          });
          return view({ id: result.id.toString(), waiting: false });
        case "known":
          return view({ id: result.id.toString(), waiting: twoAdministrators });
        case "unknown-user":
          return refused("422 no-user", "there is no such user");
        case "conflict":
          return refused("409 conflict", "this request id stands for another adjustment");
      }
    },
  });
}

function decideRoutes({ db, logger }: ApiModules): ApiRoute[] {
  const body = v.strictObject({ id: idField("of an adjustment that waits") });
  return [
    adminRoute({
      method: "POST",
      path: "/api/admin/adjustments/confirm",
      summary: "Book an adjustment that another administrator asked for",
      reply: "Ok",
      refuses: ["409 own", "409 left", "409 gone"],
      query: {},
      body,
      run: async ({ session, body }) => {
        const by = session.user.name;
        switch (await confirmAdjustment(db, BigInt(body.id), by)) {
          case "done":
            logger.warn("an administrator confirmed an adjustment", { admin: by, id: body.id });
            return view({ ok: true });
          case "own":
            return refused("409 own", "you asked for it yourself: another administrator must confirm it");
          case "left":
            return refused("409 left", "who asked for it is no administrator any more: withdraw it");
          case "gone":
            return refused("409 gone", "it no longer waits: it was confirmed or withdrawn");
        }
      },
    }),
    adminRoute({
      method: "POST",
      path: "/api/admin/adjustments/withdraw",
      summary: "Take back an adjustment that waits: nothing is booked",
      reply: "Ok",
      refuses: ["409 gone"],
      query: {},
      body,
      run: async ({ session, body }) => {
        const by = session.user.name;
        if ((await withdrawAdjustment(db, BigInt(body.id), by)) === "gone")
          return refused("409 gone", "it no longer waits: it was confirmed or withdrawn");
        logger.warn("an administrator withdrew an adjustment", { admin: by, id: body.id });
        return view({ ok: true });
      },
    }),
  ];
}

function logRoute({ db }: ApiModules): ApiRoute {
  return adminRoute({
    method: "GET",
    path: "/api/admin/log",
    summary: "What administrators did, newest first",
    reply: "AdminLog",
    query: {
      limit: limitQuery,
      before: beforeId,
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
