/** Routes of a visitor with an account: session, registration, own figures, own settings. */

import * as v from "valibot";
import type { ChangeResult, LoginResult } from "../auth/web-accounts.ts";
import { clearedCookie, sessionCookie } from "./cookie.ts";
import type { UserFigures } from "./me.ts";
import type { ApiModules } from "./options.ts";
import { type ApiReply, type ApiRoute, NO_BODY, publicRoute, refused, userRoute, view } from "./route.ts";
import { heightQuery, limitQuery } from "./routes-pool.ts";
import type { SessionView } from "./views.ts";

/** Bounded before anything is hashed or compared. */
const field = v.pipe(v.string(), v.maxLength(1024));
const OK = { ok: true };

export function accountRoutes(modules: ApiModules, figures: UserFigures): ApiRoute[] {
  return [...sessionRoutes(modules), ...ownRoutes(figures), ...settingRoutes(modules)];
}

function sessionRoutes({ accounts }: ApiModules): ApiRoute[] {
  return [
    publicRoute({
      method: "GET",
      path: "/api/session",
      summary: "Who is logged in",
      reply: "Session",
      query: {},
      body: NO_BODY,
      seesSession: true,
      run: async ({ session }) => {
        const user = session?.user;
        const shown: SessionView = {
          user:
            user === undefined
              ? null
              : { name: user.name, admin: user.isAdmin, payoutAddress: user.payoutAddress },
        };
        return view(shown);
      },
    }),
    publicRoute({
      method: "POST",
      path: "/api/session",
      summary: "Log in: sets the session's cookie",
      reply: "Ok",
      query: {},
      body: v.strictObject({ name: field, password: field }),
      run: async ({ body, remoteAddress, isSecure }) =>
        loggedIn(await accounts.login(body.name, body.password, remoteAddress), isSecure, 401),
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
        return { kind: "view", view: OK, cookie: clearedCookie(isSecure) };
      },
    }),
    publicRoute({
      method: "POST",
      path: "/api/register",
      summary: "Register and log in; the invite may be empty where registration is open",
      reply: "Ok",
      query: {},
      body: v.strictObject({ name: field, password: field, invite: field, address: field }),
      run: async ({ body, remoteAddress, isSecure }) =>
        loggedIn(await accounts.register(body, remoteAddress), isSecure, 422),
    }),
  ];
}

function loggedIn(result: LoginResult, isSecure: boolean, refusedStatus: number): ApiReply {
  switch (result.kind) {
    case "ok":
      return { kind: "view", view: OK, cookie: sessionCookie(result.token, isSecure) };
    case "throttled":
      return refused(429, "throttled", result.reason);
    case "refused":
      return refused(refusedStatus, "refused", result.reason);
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

function settingRoutes({ accounts }: ApiModules): ApiRoute[] {
  return [
    userRoute({
      method: "PUT",
      path: "/api/me/address",
      summary: "Change the payout address; the password is asked again",
      reply: "Ok",
      query: {},
      body: v.strictObject({ address: field, password: field }),
      run: async ({ session, body, remoteAddress }) =>
        changed(await accounts.changeAddress(session.user, body.password, body.address, remoteAddress)),
    }),
    userRoute({
      method: "PUT",
      path: "/api/me/password",
      summary: "Change the password; every other session ends",
      reply: "Ok",
      query: {},
      body: v.strictObject({ password: field, next: field }),
      run: async ({ session, body, remoteAddress }) =>
        changed(
          await accounts.changePassword(session.user, session.token, body.password, body.next, remoteAddress),
        ),
    }),
  ];
}

function changed(result: ChangeResult): ApiReply {
  return result.kind === "ok" ? view(OK) : refused(422, "refused", result.reason);
}
