/** Routes of a visitor with an account: session, registration, own figures, own settings. */

import * as v from "valibot";
import type { Notice } from "../../../shared/db/notices.ts";
import { workerState } from "../../../shared/db/worker-states.ts";
import { hideWorker } from "../../../shared/db/worker-status.ts";
import { confirmWorkers, forgetWorker } from "../../../shared/db/workers.ts";
import { workerName } from "../../../shared/messages/summary.ts";
import type { AccountRefusal, ChangeResult, LoginResult } from "../../auth/web-accounts.ts";
import type { UserFigures } from "../figures/user.ts";
import type { Cached } from "../http/cache.ts";
import { clearedCookie, loginCookies } from "../http/cookie.ts";
import {
  type ApiReply,
  type ApiRoute,
  NO_BODY,
  publicRoute,
  refused,
  userRoute,
  view,
} from "../http/route.ts";
import type { ApiModules } from "../options.ts";
import type { SessionView } from "../views/views.ts";
import { publicNotice } from "./notices.ts";
import { heightQuery, limitQuery } from "./pool.ts";

/** Its length is bounded before anything is hashed or compared. */
const field = v.pipe(v.string(), v.maxLength(1024));
/** The second factor's code. */
const code = v.optional(field, "");
const OK = { ok: true };

export function accountRoutes(
  modules: ApiModules,
  figures: UserFigures,
  notices: Cached<Notice[]>,
): ApiRoute[] {
  return [
    ...sessionRoutes(modules, notices),
    ...ownRoutes(figures),
    ...workersRoutes(modules, figures),
    ...settingRoutes(modules),
    ...secondFactorRoutes(modules),
  ];
}

function sessionRoutes({ accounts }: ApiModules, notices: Cached<Notice[]>): ApiRoute[] {
  return [
    publicRoute({
      method: "GET",
      path: "/api/session",
      summary: "Who is logged in, and what the operator tells everybody",
      reply: "Session",
      query: {},
      body: NO_BODY,
      seesSession: true,
      run: async ({ session }) => {
        const user = session?.user;
        const shown: SessionView = {
          notices: (await notices()).map(publicNotice),
          user:
            user === undefined
              ? null
              : {
                  name: user.name,
                  admin: user.isAdmin,
                  payoutAddress: user.payoutAddress,
                  twoFactor: user.twoFactor,
                },
        };
        return view(shown);
      },
    }),
    publicRoute({
      method: "POST",
      path: "/api/session",
      summary:
        "Log in: sets the session's cookie. A user with a second factor is refused as code-needed without its code",
      reply: "Ok",
      query: {},
      body: v.strictObject({ name: field, password: field, code }),
      run: async ({ body, from, isSecure }) =>
        loggedIn(await accounts.login(body.name, body, from), isSecure, 401),
    }),
    publicRoute({
      method: "DELETE",
      path: "/api/session",
      summary: "Log out",
      reply: "Ok",
      query: {},
      body: NO_BODY,
      seesSession: true,
      run: async ({ session, isSecure }) => {
        if (session !== undefined) await accounts.logout(session.token);
        return { kind: "view", view: OK, cookies: [clearedCookie(isSecure)] };
      },
    }),
    publicRoute({
      method: "POST",
      path: "/api/register",
      summary: "Register and log in; the invite may be empty where registration is open",
      reply: "Ok",
      query: {},
      body: v.strictObject({ name: field, password: field, invite: field, address: field }),
      run: async ({ body, from, isSecure }) => loggedIn(await accounts.register(body, from), isSecure, 422),
    }),
  ];
}

function loggedIn(result: LoginResult, isSecure: boolean, refusedStatus: number): ApiReply {
  switch (result.kind) {
    case "ok":
      return { kind: "view", view: OK, cookies: loginCookies(result, isSecure) };
    case "throttled":
    case "code-needed":
    case "refused":
      return turnedDown(result, refusedStatus);
  }
}

function ownRoutes(figures: UserFigures): ApiRoute[] {
  return [
    userRoute({
      method: "GET",
      path: "/api/me",
      summary: "Owed, paid, pending, and every worker with its hash rate and refused shares",
      reply: "Me",
      query: {},
      body: NO_BODY,
      run: async ({ session }) => view(await figures.me(session.user.name)),
    }),
    userRoute({
      method: "GET",
      path: "/api/me/blocks",
      summary: "Own shares and reward per block, newest first",
      reply: "MyBlocks",
      query: { limit: limitQuery, before: heightQuery },
      body: NO_BODY,
      run: async ({ session, query }) =>
        view(await figures.blocks(session.user.name, query.limit, query.before)),
    }),
    userRoute({
      method: "GET",
      path: "/api/me/payments",
      summary: "What was paid out, and adjustments with their reasons",
      reply: "MyPayments",
      query: {},
      body: NO_BODY,
      run: async ({ session }) => view(await figures.payments(session.user.name)),
    }),
  ];
}

const NAMES = 500;
const names = v.optional(v.pipe(v.array(workerName), v.maxLength(NAMES)), []);
/** More than a user can have. */
const fromQuery = v.optional(
  v.pipe(v.string(), v.regex(/^\d{1,5}$/, "expected a place from 0 to 99999"), v.transform(Number)),
  "0",
);
const hiddenQuery = v.optional(
  v.pipe(
    v.picklist(["false", "true"], "expected true or false"),
    v.transform((text) => text === "true"),
  ),
  "false",
);

/** A miner that gives no name has the empty one. */
const oneName = v.optional(workerName, "");

/** No password is asked for: names are for people, no pay depends on them. */
function workersRoutes({ db, workerLimits }: ApiModules, figures: UserFigures): ApiRoute[] {
  return [
    userRoute({
      method: "GET",
      path: "/api/me/workers",
      summary: "Workers page by page, those whose name has `search` in it; the hidden ones by hidden=true",
      reply: "MyWorkers",
      query: {
        limit: limitQuery,
        from: fromQuery,
        search: v.optional(workerName, ""),
        hidden: hiddenQuery,
        state: v.optional(workerState),
      },
      body: NO_BODY,
      run: async ({ session, query }) => view(await figures.workers(session.user.name, query)),
    }),
    userRoute({
      method: "GET",
      path: "/api/me/worker",
      summary: "One worker: its state and what changed it, its uptime",
      reply: "WorkerDetail",
      query: { name: oneName },
      body: NO_BODY,
      run: async ({ session, query }) => {
        const detail = await figures.worker(session.user.name, query.name);
        return detail === undefined
          ? refused(404, "no-worker", "you have no worker of this name that had a share in the last 30 days")
          : view(detail);
      },
    }),
    userRoute({
      method: "GET",
      path: "/api/me/worker/history",
      summary:
        "One worker's hash rate over a day by ten minutes, a week by the hour, or a month by four hours",
      reply: "WorkerHistory",
      query: { name: oneName, span: v.optional(v.picklist(["day", "week", "month"]), "day") },
      body: NO_BODY,
      run: async ({ session, query }) =>
        view(await figures.workerHistory(session.user.name, query.name, query.span)),
    }),
    userRoute({
      method: "PUT",
      path: "/api/me/workers",
      summary: `Say which workers are yours, and which are not: names that are not have no row of their own from the next block on. What is hidden is not listed until it works again, or is shown. At most ${NAMES} of each`,
      reply: "Ok",
      query: {},
      body: v.strictObject({ own: names, strange: names, hide: names, show: names }),
      run: async ({ session, body }) => {
        const user = session.user.name;
        if (body.own.length > 0 && !(await confirmWorkers(db, user, body.own, workerLimits)))
          return refused(422, "too-many", "you have too many workers: say of some that they are not yours");
        for (const worker of body.strange) await forgetWorker(db, user, worker);
        for (const worker of body.hide) await hideWorker(db, user, worker, true);
        for (const worker of body.show) await hideWorker(db, user, worker, false);
        figures.changed(user);
        return view(OK);
      },
    }),
  ];
}

function settingRoutes({ accounts }: ApiModules): ApiRoute[] {
  return [
    userRoute({
      method: "PUT",
      path: "/api/me/address",
      summary: "Change the payout address; the password is asked again",
      reply: "Ok",
      query: {},
      body: v.strictObject({ address: field, password: field, code }),
      run: async ({ session, body }) => changed(await accounts.changeAddress(session, body.address, body)),
    }),
    userRoute({
      method: "PUT",
      path: "/api/me/password",
      summary: "Change the password; every other session ends, and this one goes on under a new cookie",
      reply: "Ok",
      query: {},
      body: v.strictObject({ password: field, next: field, code }),
      run: async ({ session, body, from, isSecure }) =>
        loggedIn(await accounts.changePassword(session, body.next, body, from), isSecure, 422),
    }),
  ];
}

function secondFactorRoutes({ accounts }: ApiModules): ApiRoute[] {
  const path = "/api/me/second-factor";
  return [
    userRoute({
      method: "POST",
      path,
      summary: "Make a secret for an authenticator app; nothing is asked for before it is confirmed",
      reply: "Enrolment",
      query: {},
      body: v.strictObject({ password: field }),
      run: async ({ session, body }) => {
        const result = await accounts.enrolSecondFactor(session, { ...body, code: "" });
        return result.kind === "ok" ? view(result.enrolment) : turnedDown(result, 422);
      },
    }),
    userRoute({
      method: "PUT",
      path,
      summary:
        "Put the secret in force by a code of it: logins need one from now on. Every other session ends",
      reply: "RecoveryCodes",
      query: {},
      body: v.strictObject({ code: field }),
      run: async ({ session, body, from, isSecure }) => {
        const result = await accounts.confirmSecondFactor(session, body.code, from);
        if (result.kind !== "ok") return turnedDown(result, 422);
        return {
          kind: "view",
          view: { recoveryCodes: result.recoveryCodes },
          cookies: loginCookies(result, isSecure),
        };
      },
    }),
    userRoute({
      method: "DELETE",
      path,
      summary: "Log in without a second factor again; password and code are asked for",
      reply: "Ok",
      query: {},
      body: v.strictObject({ password: field, code }),
      run: async ({ session, body }) => changed(await accounts.removeSecondFactor(session, body)),
    }),
  ];
}

function changed(result: ChangeResult): ApiReply {
  return result.kind === "ok" ? view(OK) : turnedDown(result, 422);
}

function turnedDown({ kind, reason }: AccountRefusal, status: number): ApiReply {
  return refused(kind === "throttled" ? 429 : status, kind, reason);
}
