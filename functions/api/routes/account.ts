/** Routes of a visitor with an account: session, registration, own figures, own settings. */

import * as v from "valibot";
import { about } from "../../../shared/about.ts";
import { GUESS_LIMIT } from "../../../shared/accounts/guesses.ts";
import type { Notice } from "../../../shared/db/notices.ts";
import { workerState } from "../../../shared/db/worker-states.ts";
import { hideWorker } from "../../../shared/db/worker-status.ts";
import { confirmWorkers, forgetWorker } from "../../../shared/db/workers.ts";
import { workerName } from "../../../shared/messages/summary.ts";
import type { AccountRefusal } from "../../auth/counted-try.ts";
import type { ChangeResult, LoginResult } from "../../auth/web-accounts.ts";
import type { UserFigures } from "../figures/user.ts";
import type { Cached } from "../http/cache.ts";
import { clearedCookie, loginCookies } from "../http/cookie.ts";
import {
  beforeHeight,
  codeField,
  field,
  limitQuery,
  passwordField,
  userField,
  wholeQuery,
} from "../http/inputs.ts";
import { type Quota, waiting } from "../http/refusals.ts";
import {
  type ApiReply,
  type ApiRoute,
  NO_BODY,
  publicRoute,
  type Refused,
  refused,
  userRoute,
  view,
} from "../http/route.ts";
import type { ApiModules } from "../options.ts";
import type { SessionView } from "../views/views.ts";
import { publicNotice } from "./notices.ts";

const code = codeField;
const password = passwordField;
const address = field("Factoid address that is paid", "FA2jK2HcLnRdS94dEcU27rF3meoJfpUcZPSinpb7AwQvPRY6RL1Q");
const invite = field("an invite code; empty where registration is open", "K7Q2-M4XW-9RTD");
const OK = { ok: true };
/** What a route that asks for a password may refuse. */
export const PROOF = ["422 refused", "422 code-needed", "429 throttled"] as const;
type Unproven<Status extends 401 | 422> = `${Status} ${"refused" | "code-needed"}` | "429 throttled";

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
      refuses: ["401 refused", "401 code-needed", "429 throttled"],
      query: {},
      body: v.strictObject({ name: userField, password, code }),
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
      refuses: PROOF,
      query: {},
      body: v.strictObject({ name: userField, password, invite, address }),
      run: async ({ body, from, isSecure }) => loggedIn(await accounts.register(body, from), isSecure, 422),
    }),
  ];
}

function loggedIn<Status extends 401 | 422>(
  result: LoginResult,
  isSecure: boolean,
  refusedStatus: Status,
): ApiReply<Unproven<Status>> {
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
      query: { limit: limitQuery, before: beforeHeight },
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
const names = (description: string) =>
  v.optional(about(v.pipe(v.array(workerName), v.maxLength(NAMES)), description, ["rig-1"]), []);
/** More than a user can have. */
const fromQuery = v.optional(
  wholeQuery(
    "expected a place from 0 to 99999",
    { least: 0, most: 99_999 },
    "place of the first worker, from 0",
  ),
  "0",
);
const hiddenQuery = v.optional(
  v.pipe(
    v.picklist(["false", "true"], "expected true or false"),
    v.metadata({ description: "the hidden ones alone, else the others", wire: { type: "boolean" } }),
    v.transform((text) => text === "true"),
  ),
  "false",
);

/** A miner that gives no name has the empty one. */
const oneName = v.optional(about(workerName, "of the worker; empty: the one without a name", "rig-1"), "");
const searched = v.optional(about(workerName, "part of a name", "rig"), "");
const oneState = v.optional(about(workerState, "only workers of this state"));
const span = v.optional(about(v.picklist(["day", "week", "month"]), "how far back"), "day");

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
        search: searched,
        hidden: hiddenQuery,
        state: oneState,
      },
      body: NO_BODY,
      run: async ({ session, query }) => view(await figures.workers(session.user.name, query)),
    }),
    userRoute({
      method: "GET",
      path: "/api/me/worker",
      summary: "One worker: its state and what changed it, its uptime",
      reply: "WorkerDetail",
      refuses: ["404 no-worker"],
      query: { name: oneName },
      body: NO_BODY,
      run: async ({ session, query }) => {
        const detail = await figures.worker(session.user.name, query.name);
        return detail === undefined
          ? refused("404 no-worker", "you have no worker of this name that had a share in the last 30 days")
          : view(detail);
      },
    }),
    userRoute({
      method: "GET",
      path: "/api/me/worker/history",
      summary:
        "One worker's hash rate over a day by ten minutes, a week by the hour, or a month by four hours",
      reply: "WorkerHistory",
      query: { name: oneName, span },
      body: NO_BODY,
      run: async ({ session, query }) =>
        view(await figures.workerHistory(session.user.name, query.name, query.span)),
    }),
    userRoute({
      method: "PUT",
      path: "/api/me/workers",
      summary: `Say which workers are yours, and which are not: names that are not have no row of their own from the next block on. What is hidden is not listed until it works again, or is shown. At most ${NAMES} of each`,
      reply: "Ok",
      refuses: ["422 too-many"],
      query: {},
      body: v.strictObject({
        own: names("these are yours"),
        strange: names("these are not"),
        hide: names("are not listed until they work again"),
        show: names("are listed again"),
      }),
      run: async ({ session, body }) => {
        const user = session.user.name;
        if (body.own.length > 0 && !(await confirmWorkers(db, user, body.own, workerLimits)))
          return refused("422 too-many", "you have too many workers: say of some that they are not yours");
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
      summary:
        "Change the payout address; the password is asked again. For 24 hours nothing is paid, and the former address can be taken back",
      reply: "Ok",
      refuses: PROOF,
      query: {},
      body: v.strictObject({ address, password, code }),
      run: async ({ session, body }) => changed(await accounts.changeAddress(session, body.address, body)),
    }),
    userRoute({
      method: "PUT",
      path: "/api/me/password",
      summary: "Change the password; every other session ends, and this one goes on under a new cookie",
      reply: "Ok",
      refuses: PROOF,
      query: {},
      body: v.strictObject({ password, next: field("the new password", "another long password"), code }),
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
      refuses: PROOF,
      query: {},
      body: v.strictObject({ password }),
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
      refuses: PROOF,
      query: {},
      body: v.strictObject({ code: field("that the authenticator shows now", "123456") }),
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
      refuses: PROOF,
      query: {},
      body: v.strictObject({ password, code }),
      run: async ({ session, body }) => changed(await accounts.removeSecondFactor(session, body)),
    }),
  ];
}

function changed(result: ChangeResult): ApiReply<Unproven<422>> {
  return result.kind === "ok" ? view(OK) : turnedDown(result, 422);
}

/** For a name; after `most` in a row there is one now and then. */
const GUESSES: Quota = {
  name: "guesses",
  most: GUESS_LIMIT.free,
  seconds: (GUESS_LIMIT.free * GUESS_LIMIT.everyMs) / 1000,
};

export function turnedDown<Status extends 401 | 422>(
  refusal: AccountRefusal,
  status: Status,
): Refused<Unproven<Status>> {
  const { reason } = refusal;
  return refusal.kind === "throttled"
    ? refused("429 throttled", reason, waiting(GUESSES, refusal.waitMs))
    : refused(`${status} ${refusal.kind}`, reason);
}
