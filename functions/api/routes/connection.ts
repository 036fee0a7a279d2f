/** "We see you": what becomes of the miner whose line was copied from a page (docs/decisions/connect-codes.md). */

import * as v from "valibot";
import type { Db } from "../../../shared/db/port.ts";
import { hasShareSince } from "../../../shared/db/worker-status.ts";
import { connectCode } from "../../../shared/messages/connect-code.ts";
import { placeKey, type Sighted } from "../../../shared/messages/sighted.ts";
import { iso } from "../figures/pool.ts";
import { wholeQuery } from "../http/inputs.ts";
import { type ApiRoute, NO_BODY, publicRoute, refused, view } from "../http/route.ts";
import type { ApiModules } from "../options.ts";
import type { ConnectionView } from "../views/connection.ts";

/** What came shortly before the page began to watch may be its miner too: a line is run while the page still loads its watcher. */
const BEFORE_MS = 5_000;
const WATCHED_SECONDS = v.optional(
  wholeQuery("expected whole seconds", { least: 0, most: 99_999 }, "since when you ask, before now"),
  "0",
);

export function connectionRoutes({ db, clock, sightings }: ApiModules): ApiRoute[] {
  return [
    publicRoute({
      method: "GET",
      path: "/api/connect/{code}",
      summary:
        "What has become of the miner that was started with --connect and this code, made by you: of one without a code, from your address, since you began to ask `seconds` ago",
      reply: "Connection",
      refuses: ["400 bad-code"],
      query: { seconds: WATCHED_SECONDS },
      body: NO_BODY,
      seesSession: true,
      run: async ({ params, query, from, session }) => {
        const code = v.safeParse(connectCode, params["code"]);
        if (!code.success)
          return refused("400 bad-code", "a connect code has 16 letters A to Z and digits 2 to 7");
        const place = placeKey(from.remoteAddress);
        const all = await sightings?.look({ code: code.output, place });
        const seen = choose(all ?? [], {
          code: code.output,
          user: session?.user.name,
          sinceMs: clock.wallMs() - query.seconds * 1000 - BEFORE_MS,
        });
        return view({
          watched: all !== undefined,
          seen: seen === undefined ? null : await viewOf(db, seen),
        } satisfies ConnectionView);
      },
    }),
  ];
}

interface Asker {
  readonly code: string;
  /** Who is logged in on the page. */
  readonly user: string | undefined;
  readonly sinceMs: number;
}

/**
 * The newest that brought the code. Without one, the newest from the address: others may be there too, so nothing is told of who has logged in as
 * somebody else, nor of what came earlier.
 */
function choose(all: readonly Sighted[], { code, user, sinceMs }: Asker): Sighted | undefined {
  const own = all.filter((one) => one.code === code);
  if (own.length > 0) return own.at(-1);
  return all.findLast(
    (one) =>
      one.code === null &&
      one.connectedMs >= sinceMs &&
      (one.loggedInMs === null || (user !== undefined && one.user === user)),
  );
}

async function viewOf(db: Db, seen: Sighted): Promise<ConnectionView["seen"]> {
  const { user, worker, sharedMs } = seen;
  const maybe = (atMs: number | null): string | null => (atMs === null ? null : iso(atMs));
  const credited =
    sharedMs !== null && user !== null && worker !== null
      ? await hasShareSince(db, { user, name: worker }, sharedMs)
      : false;
  return {
    by: seen.code === null ? "address" : "code",
    connected: iso(seen.connectedMs),
    subscribed: maybe(seen.subscribedMs),
    loggedIn: maybe(seen.loggedInMs),
    tablePercent: seen.tablePercent,
    firstShare: maybe(sharedMs),
    credited,
    closed: seen.endedMs !== null,
    problem: seen.problem,
  };
}
