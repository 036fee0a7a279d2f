/** The route that tells a user why shares were refused. */

import * as v from "valibot";
import { about } from "../../../shared/about.ts";
import { refusedReasons } from "../../../shared/db/refused.ts";
import { workerName } from "../../../shared/messages/summary.ts";
import { type ApiRoute, NO_BODY, userRoute, view } from "../http/route.ts";
import type { ApiModules } from "../options.ts";
import type { RefusedView } from "../views/worker.ts";

const HOURS = 24;

export function refusedRoute({ db, clock }: ApiModules): ApiRoute {
  return userRoute({
    method: "GET",
    path: "/api/me/refused",
    summary:
      "Refused shares of the last 24 hours by reason, of all workers or of the one that `worker` names",
    reply: "Refused",
    query: { worker: v.optional(about(workerName, "only of this worker of yours", "rig-1")) },
    body: NO_BODY,
    run: async ({ session, query }) => {
      const sinceMs = clock.wallMs() - HOURS * 3_600_000;
      const reasons = await refusedReasons(db, session.user.name, query.worker, sinceMs);
      const shown: RefusedView = {
        hours: HOURS,
        reasons: reasons.map(({ reason, shares }) => ({ reason, shares: shares.toString() })),
      };
      return view(shown);
    },
  });
}
