/** The route by which an operator sees who may keep back winning hits; nothing follows from it by itself (docs/decisions/withholding.md). */

import {
  chanceOfAtMost,
  deviation,
  type Hits,
  hitsOf,
  LOOKS,
  type Looks,
} from "../../../shared/accounting/withholding.ts";
import { type JudgedUser, listWithholding, sumWithholding } from "../../../shared/db/withholding.ts";
import { limitQuery } from "../http/inputs.ts";
import { type ApiRoute, adminRoute, NO_BODY, view } from "../http/route.ts";
import type { ApiModules } from "../options.ts";
import type { WithholdingView } from "../views/views.ts";

export function withholdingRoute({ db }: ApiModules): ApiRoute {
  return adminRoute({
    method: "GET",
    path: "/api/admin/withholding",
    summary: "Hits that could have won, due by credited work and come in time, user by user",
    reply: "Withholding",
    query: { limit: limitQuery },
    body: NO_BODY,
    run: async ({ query }) => {
      const [sums, users] = await Promise.all([sumWithholding(db), listWithholding(db, query.limit)]);
      const shown: WithholdingView = {
        pool: figuresOf(sums.all),
        small: { ...figuresOf(sums.unseen), users: sums.unseenUsers },
        users: users.map(userOf),
      };
      return view(shown);
    },
  });
}

type UserView = WithholdingView["users"][number];

function userOf({ user, through, total, looks }: JudgedUser): UserView {
  return { name: user, through, ...figuresOf(total), looks: looks.map(looksOf) };
}

function looksOf({ open, done, alarms, last }: Looks, level: number): UserView["looks"][number] {
  const chance = last === null ? 1 : chanceOfAtMost(Number(last.sent), hitsOf(last.expected));
  return {
    ...{ length: LOOKS[level] ?? 0, done, alarms },
    last: last === null ? null : { ...figuresOf(last), chance },
    open: figuresOf(open),
  };
}

function figuresOf(hits: Hits): WithholdingView["pool"] {
  return { due: hitsOf(hits.expected), sent: hits.sent.toString(), deviation: deviation(hits) };
}
