/** Routes by which an operator bars a user or an address, and lets it in again (docs/design.md, "Operator's orders"). */

import * as v from "valibot";
import { about } from "../../../shared/about.ts";
import { bar, liftBar, listBars } from "../../../shared/db/bars.ts";
import {
  ADDRESS_FORM,
  MOST_BARS,
  parseBarredAddress,
  parseWords,
  WORDS_FORM,
} from "../../../shared/operator/orders.ts";
import { iso, isoOrNull } from "../figures/pool.ts";
import { field, limitQuery } from "../http/inputs.ts";
import { type ApiReply, type ApiRoute, adminRoute, NO_BODY, refused, view } from "../http/route.ts";
import type { ApiModules } from "../options.ts";
import type { BarsView } from "../views/views.ts";

const kind = about(v.picklist(["user", "address"]), "what is barred");
const subject = field("a user's name, or an address or CIDR range", "192.0.2.0/24");
const MOST_SECONDS = 10 * 365 * 86_400;
const barBody = v.strictObject({
  kind,
  subject,
  scope: about(
    v.picklist(["mining", "all"]),
    "mining: its miners are sent away; all: it cannot log in or register either",
  ),
  reason: field("told to the user", "floods the door"),
  seconds: about(
    v.nullable(v.pipe(v.number(), v.integer(), v.minValue(60), v.maxValue(MOST_SECONDS))),
    "from now; null: until it is lifted",
    86_400,
  ),
});

const BARRING = [
  "422 bad-reason",
  "422 bad-address",
  "422 no-user",
  "422 administrator",
  "409 full",
] as const;

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
      refuses: BARRING,
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
      refuses: ["422 no-bar"],
      query: {},
      body: v.strictObject({ kind, subject }),
      run: async ({ session, body }) => {
        const by = session.user.name;
        if (!(await liftBar(db, { ...body, by }))) return refused("422 no-bar", "no such bar stands");
        logger.warn("an administrator lifted a bar", { admin: by, ...body });
        return view({ ok: true });
      },
    }),
  ];
}

async function barBy(
  { db }: ApiModules,
  by: string,
  body: v.InferOutput<typeof barBody>,
): Promise<ApiReply<(typeof BARRING)[number]>> {
  const reason = parseWords(body.reason);
  if (reason === undefined) return refused("422 bad-reason", `reason: ${WORDS_FORM}`);
  const subject = body.kind === "user" ? body.subject : parseBarredAddress(body.subject);
  if (subject === undefined) return refused("422 bad-address", `address: ${ADDRESS_FORM}`);
  const { kind: of, scope, seconds } = body;
  const forMs = seconds === null ? undefined : seconds * 1000;
  const { outcome } = await bar(db, { kind: of, subject, scope, reason, forMs, by });
  switch (outcome) {
    case "barred":
      return view({ ok: true });
    case "unknown-user":
      return refused("422 no-user", "there is no such user");
    case "administrator":
      return refused("422 administrator", "an administrator cannot be barred");
    case "full":
      return refused("409 full", `${MOST_BARS} bars stand already: lift some, or bar a range`);
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
