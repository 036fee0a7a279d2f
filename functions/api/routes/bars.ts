/** Routes by which an operator bars a user or an address, and lets it in again (docs/design.md, "Operator's orders"). */

import * as v from "valibot";
import { bar, liftBar, listBars } from "../../../shared/db/bars.ts";
import {
  ADDRESS_FORM,
  MOST_BARS,
  parseBarredAddress,
  parseWords,
  WORDS_FORM,
} from "../../../shared/operator/orders.ts";
import { iso, isoOrNull } from "../figures/pool.ts";
import { type ApiReply, type ApiRoute, adminRoute, NO_BODY, refused, view } from "../http/route.ts";
import type { ApiModules } from "../options.ts";
import type { BarsView } from "../views/views.ts";
import { limitQuery } from "./pool.ts";

const field = v.pipe(v.string(), v.maxLength(1024));
const kind = v.picklist(["user", "address"]);
const MOST_SECONDS = 10 * 365 * 86_400;
const barBody = v.strictObject({
  kind,
  subject: v.pipe(field, v.description("a user's name, or an address or CIDR range")),
  scope: v.pipe(
    v.picklist(["mining", "all"]),
    v.description("mining: its miners are sent away; all: it cannot log in or register either"),
  ),
  reason: v.pipe(field, v.description("told to the user")),
  seconds: v.pipe(
    v.nullable(v.pipe(v.number(), v.integer(), v.minValue(60), v.maxValue(MOST_SECONDS))),
    v.description("from now; null: until it is lifted"),
  ),
});

export function barRoutes(modules: ApiModules): ApiRoute[] {
  const { db, logger } = modules;
  return [
    adminRoute({
      method: "GET",
      path: "/api/admin/bars",
      summary: "Who is barred, and who was: those in force first",
      reply: "Bars",
      query: { limit: limitQuery },
      body: NO_BODY,
      run: async ({ query }) => view(await shown(modules, query.limit)),
    }),
    adminRoute({
      method: "POST",
      path: "/api/admin/bars",
      summary: "Bar a user or an address, in the place of a bar that stands; nothing of what is owed changes",
      reply: "Ok",
      query: {},
      body: barBody,
      run: async ({ session, body }) => {
        const reply = await barBy(modules, session.user.name, body);
        if (reply.kind === "view")
          logger.warn("an administrator barred somebody", { admin: session.user.name, ...body });
        return reply;
      },
    }),
    adminRoute({
      method: "POST",
      path: "/api/admin/bars/lift",
      summary: "Let a barred user or address in again",
      reply: "Ok",
      query: {},
      body: v.strictObject({ kind, subject: field }),
      run: async ({ session, body }) => {
        const by = session.user.name;
        if (!(await liftBar(db, { ...body, by }))) return refused(422, "no-bar", "no such bar stands");
        logger.warn("an administrator lifted a bar", { admin: by, ...body });
        return view({ ok: true });
      },
    }),
  ];
}

async function barBy({ db }: ApiModules, by: string, body: v.InferOutput<typeof barBody>): Promise<ApiReply> {
  const reason = parseWords(body.reason);
  if (reason === undefined) return refused(422, "bad-reason", `reason: ${WORDS_FORM}`);
  const subject = body.kind === "user" ? body.subject : parseBarredAddress(body.subject);
  if (subject === undefined) return refused(422, "bad-address", `address: ${ADDRESS_FORM}`);
  const { kind: of, scope, seconds } = body;
  const forMs = seconds === null ? undefined : seconds * 1000;
  const { outcome } = await bar(db, { kind: of, subject, scope, reason, forMs, by });
  switch (outcome) {
    case "barred":
      return view({ ok: true });
    case "unknown-user":
      return refused(422, "no-user", "there is no such user");
    case "administrator":
      return refused(422, "administrator", "an administrator cannot be barred");
    case "full":
      return refused(409, "full", `${MOST_BARS} bars stand already: lift some, or bar a range`);
  }
}

async function shown({ db }: ApiModules, limit: number): Promise<BarsView> {
  const rows = await listBars(db, limit);
  return {
    bars: rows.map(({ id, kind: of, subject, scope, reason, madeBy, stands, liftedBy, ...row }) => ({
      ...{ id: id.toString(), kind: of, subject, scope, reason, madeBy, stands, liftedBy },
      at: iso(row.atMs),
      until: isoOrNull(row.untilMs),
      liftedAt: isoOrNull(row.liftedAtMs),
    })),
  };
}
