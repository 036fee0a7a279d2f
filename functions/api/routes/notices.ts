/** Routes by which an operator tells everybody something, and stops the miners for maintenance (docs/design.md, "Operator's orders"). */

import * as v from "valibot";
import { about } from "../../../shared/about.ts";
import { endNotice, giveNotice, type Notice, standingNotices } from "../../../shared/db/notices.ts";
import { MOST_NOTICES, parseWords, WORDS_FORM } from "../../../shared/operator/orders.ts";
import { iso } from "../figures/pool.ts";
import { type Cached, cached } from "../http/cache.ts";
import { field, idField } from "../http/inputs.ts";
import { type ApiRoute, adminRoute, NO_BODY, refused, view } from "../http/route.ts";
import type { ApiModules } from "../options.ts";
import type { NoticesView, SessionView } from "../views/views.ts";

const MOST_SECONDS = 90 * 86_400;
const seconds = (least: number) =>
  v.pipe(v.number(), v.integer(), v.minValue(least), v.maxValue(MOST_SECONDS));

/** Every page that is opened asks for the notices; what another process gave is shown within so long. */
const TTL_MS = 2000;

export function publicNotices({ clock, db }: ApiModules): Cached<Notice[]> {
  return cached(clock, TTL_MS, () => standingNotices(db));
}

/** `shown`: forgotten when a notice is given or ended here. */
export function noticeRoutes({ db, logger }: ApiModules, shown: Cached<Notice[]>): ApiRoute[] {
  return [
    adminRoute({
      method: "GET",
      path: "/api/admin/notices",
      summary: "What miners and visitors are told now",
      reply: "Notices",
      query: {},
      body: NO_BODY,
      run: async () => {
        const notices = (await standingNotices(db)).map((notice) => ({
          ...publicNotice(notice),
          ...{ id: notice.id.toString(), madeBy: notice.madeBy, at: iso(notice.atMs) },
        }));
        return view({ notices } satisfies NoticesView);
      },
    }),
    adminRoute({
      method: "POST",
      path: "/api/admin/notices",
      summary:
        "Tell miners and visitors something; maintenance also stops the miners from its beginning until its end, in the place of one that stands",
      reply: "Ok",
      refuses: ["422 bad-words", "409 full"],
      query: {},
      body: v.strictObject({
        kind: about(v.picklist(["announcement", "maintenance"]), "maintenance also stops the miners"),
        words: field("what is told", "We move to a faster node tonight."),
        inSeconds: about(seconds(0), "from now until it begins", 3600),
        forSeconds: about(seconds(60), "how long it lasts", 900),
      }),
      run: async ({ session, body }) => {
        const words = parseWords(body.words);
        if (words === undefined) return refused("422 bad-words", `words: ${WORDS_FORM}`);
        const { kind, inSeconds, forSeconds } = body;
        const times = { inMs: inSeconds * 1000, forMs: forSeconds * 1000 };
        const by = session.user.name;
        const made = await giveNotice(db, { kind, words, ...times, by });
        if (made === undefined)
          return refused("409 full", `${MOST_NOTICES} notices stand already: end one of them first`);
        shown.forget();
        logger.warn("an administrator gave notice", { admin: by, ...body });
        return view({ ok: true });
      },
    }),
    adminRoute({
      method: "POST",
      path: "/api/admin/notices/end",
      summary: "End a notice now; after maintenance the miners go on",
      reply: "Ok",
      refuses: ["422 no-notice"],
      query: {},
      body: v.strictObject({ id: idField("of the notice") }),
      run: async ({ session, body }) => {
        const by = session.user.name;
        if (!(await endNotice(db, BigInt(body.id), by)))
          return refused("422 no-notice", "no such notice stands");
        shown.forget();
        logger.warn("an administrator ended a notice", { admin: by, id: body.id });
        return view({ ok: true });
      },
    }),
  ];
}

/** As everybody may see it. */
export function publicNotice(notice: Notice): SessionView["notices"][number] {
  const { kind, words, beginsAtMs, untilMs } = notice;
  return { kind, words, beginsAt: iso(beginsAtMs), until: iso(untilMs) };
}
