/** Routes of a changed payout address, of a forgotten password, and of leaving. */

import * as v from "valibot";
import { findHold, takeBackAddress } from "../../../shared/db/address-holds.ts";
import { MIN_WEB_PASSWORD } from "../../auth/web-accounts.ts";
import { iso } from "../figures/pool.ts";
import { clearedCookie } from "../http/cookie.ts";
import { codeField, field, passwordField, userField } from "../http/inputs.ts";
import { type ApiRoute, NO_BODY, publicRoute, refused, userRoute, view } from "../http/route.ts";
import type { ApiModules, ApiOptions } from "../options.ts";
import type { AddressView } from "../views/access.ts";
import { PROOF, turnedDown } from "./account.ts";

const keepCode = field("of the alert, however it is typed", "68d703bf7fc54590af4df2a0addd570c");
const resetCode = field("of the e-mail, however it is typed", "YQKQ-CRVD-4RND-4JM4-MWPJ-KSVN");
const OK = { ok: true };

export function recoveryRoutes(options: ApiOptions, modules: ApiModules): ApiRoute[] {
  return [...addressRoutes(modules), ...forgottenRoutes(options, modules), leavingRoute(modules)];
}

function addressRoutes({ db, accounts }: ApiModules): ApiRoute[] {
  const path = "/api/me/address";
  return [
    userRoute({
      method: "GET",
      path,
      summary: "Your payout address, and the former one while it can be taken back",
      reply: "Address",
      query: {},
      body: NO_BODY,
      run: async ({ session: { user } }) => {
        const hold = await findHold(db, user.name);
        const shown: AddressView = {
          address: user.payoutAddress,
          former: hold?.former ?? null,
          heldUntil: hold === undefined ? null : iso(hold.untilMs),
        };
        return view(shown);
      },
    }),
    userRoute({
      method: "DELETE",
      path,
      summary: "Take the change of your payout address back: the former one is paid to at once",
      reply: "Ok",
      refuses: ["422 not-held"],
      query: {},
      body: NO_BODY,
      run: async ({ session: { user } }) =>
        (await takeBackAddress(db, user.name))
          ? view(OK)
          : refused("422 not-held", "your payout address was not changed within the last 24 hours"),
    }),
    publicRoute({
      method: "POST",
      path: "/api/address/keep",
      summary:
        "Take a change of a payout address back by the code of the alert about it, without a login; that user's sessions end",
      reply: "Ok",
      refuses: PROOF,
      query: {},
      body: v.strictObject({ code: keepCode }),
      run: async ({ body, from }) => {
        const kept = await accounts.keepAddress(body.code, from.remoteAddress);
        return kept.kind === "ok" ? view(OK) : turnedDown(kept, 422);
      },
    }),
  ];
}

function forgottenRoutes({ alertChannels = [] }: ApiOptions, { accounts }: ApiModules): ApiRoute[] {
  const path = "/api/password-reset";
  return [
    publicRoute({
      method: "POST",
      path,
      summary:
        "Send a code for a new password, good for 30 minutes, to the confirmed addresses of e-mail among a user's alerts; the answer is the same whoever the name is",
      reply: "Ok",
      refuses: ["409 no-mail", ...PROOF],
      query: {},
      body: v.strictObject({ name: userField }),
      run: async ({ body, from }) => {
        if (!alertChannels.includes("email"))
          return refused(
            "409 no-mail",
            "this pool sends no e-mail: its operator sets a new password (prosper db password NAME)",
          );
        const asked = await accounts.askReset(body.name, from.remoteAddress);
        return asked.kind === "ok" ? view(OK) : turnedDown(asked, 422);
      },
    }),
    publicRoute({
      method: "PUT",
      path,
      summary:
        "Set a new password by that code; every session and token of the user ends, the second factor stays",
      reply: "Ok",
      refuses: PROOF,
      query: {},
      body: v.strictObject({
        code: resetCode,
        next: v.pipe(
          passwordField,
          v.minLength(MIN_WEB_PASSWORD, `a password has at least ${MIN_WEB_PASSWORD} characters`),
        ),
      }),
      run: async ({ body, from }) => {
        const done = await accounts.resetPassword(body.code, body.next, from.remoteAddress);
        return done.kind === "ok" ? view(OK) : turnedDown(done, 422);
      },
    }),
  ];
}

function leavingRoute({ accounts, logger }: ApiModules): ApiRoute {
  return userRoute({
    method: "DELETE",
    path: "/api/me",
    summary:
      "Delete your login with all that belongs to it: the name neither logs in nor mines any more. What was mined and paid stays in the books, and what is owed is paid",
    reply: "Ok",
    refuses: PROOF,
    query: {},
    body: v.strictObject({ name: userField, password: passwordField, code: codeField }),
    run: async ({ session, body, isSecure }) => {
      if (body.name !== session.user.name)
        return refused("422 refused", "type your user name as it is, to say that you mean it");
      const gone = await accounts.deleteAccount(session, body);
      if (gone.kind !== "ok") return turnedDown(gone, 422);
      logger.info("a user has deleted the account", { user: session.user.name });
      return { kind: "view", view: OK, cookies: [clearedCookie(isSecure)] };
    },
  });
}
