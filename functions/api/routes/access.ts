/** Routes for what lets a user in: its sessions, and the tokens of its scripts. */

import * as v from "valibot";
import { about } from "../../../shared/about.ts";
import { deleteToken, listTokens } from "../../../shared/db/api-tokens.ts";
import { iso } from "../figures/pool.ts";
import { codeField, passwordField } from "../http/inputs.ts";
import { type ApiRoute, NO_BODY, userRoute, view } from "../http/route.ts";
import type { ApiModules } from "../options.ts";
import type { ApiTokensView, ApiTokenView, SessionsView } from "../views/access.ts";
import { PROOF, turnedDown } from "./account.ts";

const OK = { ok: true };
/** As the table takes it. */
const tokenName = about(
  v.pipe(
    v.string(),
    v.regex(
      /^[\x21-\x7e]([\x20-\x7e]{0,62}[\x21-\x7e])?$/,
      "expected 1 to 64 printable ASCII characters, no space at either end",
    ),
  ),
  "what you call it",
  "my dashboard",
);

const sessionId = about(
  v.pipe(v.string(), v.regex(/^[0-9a-f]{16}$/, "expected 16 hex digits")),
  "as in the list",
  "9f86d081884c7d65",
);

export function accessRoutes(modules: ApiModules): ApiRoute[] {
  return [...tokenRoutes(modules), ...sessionRoutes(modules)];
}

function tokenRoutes({ db, accounts }: ApiModules): ApiRoute[] {
  const path = "/api/me/tokens";
  return [
    userRoute({
      method: "GET",
      path,
      summary: "The tokens of your scripts, and when each was used last; a token itself may not ask",
      reply: "ApiTokens",
      query: {},
      body: NO_BODY,
      takesToken: false,
      run: async ({ session }) => {
        const rows = await listTokens(db, session.user.id);
        const tokens = rows.map(({ place, name, createdMs, usedMs }) => ({
          ...{ id: place, name, made: iso(createdMs) },
          used: usedMs === null ? null : iso(usedMs),
        }));
        return view({ tokens } satisfies ApiTokensView);
      },
    }),
    userRoute({
      method: "POST",
      path,
      summary:
        "A token with which a script may GET what is below /api/me, and nothing else; password and code are asked for. At most 20",
      reply: "ApiToken",
      refuses: PROOF,
      query: {},
      body: v.strictObject({ name: tokenName, password: passwordField, code: codeField }),
      run: async ({ session, body }) => {
        const made = await accounts.makeToken(session, body.name, body);
        if (made.kind !== "ok") return turnedDown(made, 422);
        return view({ token: made.token } satisfies ApiTokenView);
      },
    }),
    userRoute({
      method: "DELETE",
      path,
      summary: "Revoke a token: it reads nothing from now on",
      reply: "Ok",
      query: {},
      body: v.strictObject({
        id: about(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(20)), "as in the list"),
      }),
      run: async ({ session, body }) => {
        await deleteToken(db, session.user.id, body.id);
        return view(OK);
      },
    }),
  ];
}

function sessionRoutes({ accounts }: ApiModules): ApiRoute[] {
  const path = "/api/me/sessions";
  return [
    userRoute({
      method: "GET",
      path,
      summary: "Where you are logged in; a token may not ask",
      reply: "Sessions",
      query: {},
      body: NO_BODY,
      takesToken: false,
      run: async ({ session }) => {
        const sessions = (await accounts.sessions(session)).map(({ id, beganMs, endsMs, isOwn }) => ({
          ...{ id, began: iso(beganMs), ends: iso(endsMs), own: isOwn },
        }));
        return view({ sessions } satisfies SessionsView);
      },
    }),
    userRoute({
      method: "DELETE",
      path,
      summary: "End a session, if it is there",
      reply: "Ok",
      query: {},
      body: v.strictObject({ id: sessionId }),
      run: async ({ session, body }) => {
        await accounts.endSession(session, body.id);
        return view(OK);
      },
    }),
  ];
}
