/** Where the pool's roots on the chain stand, and whether the pool still says what it wrote there. */

import { rootStand } from "../../../shared/db/root-entries.ts";
import { cached } from "../http/cache.ts";
import { type ApiRoute, NO_BODY, publicRoute, view } from "../http/route.ts";
import type { ApiModules } from "../options.ts";
import type { RootsView } from "../views/roots.ts";

/** All roots ever written are compared with the books. */
const KEEP_MS = 30_000;

export function rootRoutes({ db, clock }: ApiModules): ApiRoute[] {
  const stand = cached(clock, KEEP_MS, () => rootStand(db));
  return [
    publicRoute({
      method: "GET",
      path: "/api/roots",
      keepSeconds: 5,
      summary:
        "The pool's Factom chain of roots: how far it goes, what it costs, and blocks of which it says something else than the pool",
      reply: "Roots",
      query: {},
      body: NO_BODY,
      run: async () => {
        const found = await stand();
        return view({
          chainId: found?.chainId ?? null,
          readThrough: found?.readThrough ?? null,
          lastHeight: found?.lastHeight ?? null,
          waiting: found?.waiting ?? 0,
          creditsADay: found?.credits ?? 0,
          wrong: [...(found?.wrong ?? [])],
        } satisfies RootsView);
      },
    }),
  ];
}
