/** Find my miner: what its owner lets everybody see, and the owner's choice. */

import * as v from "valibot";
import { about } from "../../../shared/about.ts";
import { SHOWN } from "../../../shared/accounts/shown.ts";
import type { Db } from "../../../shared/db/port.ts";
import { type FoundMiner, findMiners, setShown, shownOf } from "../../../shared/db/public-miners.ts";
import { balanceOf } from "../../../shared/db/user-stats.ts";
import { userActivity, workerCounts } from "../../../shared/db/worker-status.ts";
import { spanSeconds } from "../figures/estimates.ts";
import { windowsAt } from "../figures/workers.ts";
import { type ApiRoute, NO_BODY, publicRoute, userRoute, view } from "../http/route.ts";
import type { ApiModules } from "../options.ts";
import type { FoundMinersView } from "../views/public-miner.ts";

/** Users may share an address. */
const MOST = 10;
const KEEP_SECONDS = 5;
/** An FA address has 52, a user name at most so many. */
const who = about(
  v.pipe(v.string(), v.minLength(1), v.maxLength(254), v.regex(/^[^\0]*$/, "text without U+0000")),
  "a user name or an FA address",
  "ann@example.org",
);
const shows = about(
  v.pipe(v.array(v.picklist(SHOWN)), v.maxLength(SHOWN.length)),
  "what everybody may see who knows your name",
);

export function publicMinerRoutes({ db, clock }: ApiModules): ApiRoute[] {
  return [
    publicRoute({
      method: "GET",
      path: "/api/find",
      keepSeconds: KEEP_SECONDS,
      summary:
        "What the user of this name or FA address lets everybody see; the same for unknown names and for those who show nothing",
      reply: "FoundMiners",
      query: { who },
      body: NO_BODY,
      run: async ({ query }) => {
        const found = await findMiners(db, query.who, MOST);
        const nowMs = clock.wallMs();
        const shown: FoundMinersView = {
          miners: await Promise.all(found.map((one) => minerView(db, one, nowMs))),
        };
        return view(shown);
      },
    }),
    userRoute({
      method: "GET",
      path: "/api/me/public",
      summary: "What everybody may see of you",
      reply: "Shown",
      query: {},
      body: NO_BODY,
      run: async ({ session }) => view({ shows: await shownOf(db, session.user.name) }),
    }),
    userRoute({
      method: "PUT",
      path: "/api/me/public",
      summary: "Choose what everybody may see of you; nothing at first",
      reply: "Shown",
      query: {},
      body: v.strictObject({ shows }),
      run: async ({ session, body }) => {
        await setShown(db, session.user.name, body.shows);
        return view({ shows: await shownOf(db, session.user.name) });
      },
    }),
  ];
}

async function minerView(
  db: Db,
  { name, address, shows }: FoundMiner,
  nowMs: number,
): Promise<FoundMinersView["miners"][number]> {
  const windows = windowsAt(nowMs);
  const [activity, counts, balance] = await Promise.all([
    shows.includes("rate") ? userActivity(db, name, windows) : undefined,
    shows.includes("workers") ? workerCounts(db, name) : undefined,
    shows.includes("earned") ? balanceOf(db, name) : undefined,
  ]);
  const rate = (work: bigint, sinceMs: number): number =>
    Number(work) / spanSeconds(nowMs, sinceMs, activity?.firstMs ?? null);
  return {
    name,
    address: shows.includes("address") ? address : null,
    hashrateShort: activity === undefined ? null : rate(activity.shortWork, windows.shortMs),
    hashrateLong: activity === undefined ? null : rate(activity.longWork, windows.longMs),
    workers: counts === undefined ? null : { online: counts.online, offline: counts.offline },
    earned: balance?.booked.toString() ?? null,
    paid: balance?.paidOut.toString() ?? null,
  };
}
