/** The route by which a user compares what was booked with what its work should bring. */

import { createEarnings } from "../figures/earnings.ts";
import { type ApiRoute, NO_BODY, userRoute, view } from "../http/route.ts";
import type { ApiModules, ApiOptions } from "../options.ts";

export function earningsRoutes(options: ApiOptions, modules: ApiModules): ApiRoute[] {
  const earnings = createEarnings(options, modules);
  return [
    userRoute({
      method: "GET",
      path: "/api/me/earnings/expected",
      summary:
        "Expected beside booked, by day and together, with the range of fair days; what a hash rate earns; the next payout",
      reply: "EarningsTruth",
      query: {},
      body: NO_BODY,
      run: async ({ session }) => view(await earnings(session.user.name)),
    }),
  ];
}
