/** The three questions about health (shared/health.ts), as this deployment can answer them: with an edge in the same process, or of the pages alone. */

import * as v from "valibot";
import { first, sql } from "../../../shared/db/port.ts";
import { coerceError } from "../../../shared/errors.ts";
import { answerOf, type Checks } from "../../../shared/health.ts";
import { cached } from "../http/cache.ts";
import { type ApiRoute, NO_BODY, publicRoute } from "../http/route.ts";
import type { ApiModules } from "../options.ts";

const TTL_MS = 1000;

export interface PoolHealth {
  readonly askDatabase: () => Promise<string>;
  /** What `/healthz` answers. */
  readonly works: () => Promise<Checks>;
}

export function poolHealth({ db, clock, health }: ApiModules): PoolHealth {
  const askDatabase = cached(clock, TTL_MS, () =>
    first(db, sql`SELECT 1 AS up`, v.object({ up: v.number() })).then(
      () => "ok",
      (error: unknown) => ("code" in coerceError(error) ? "away" : "failing"),
    ),
  );
  return { askDatabase, works: async () => ({ ...health?.works(), database: await askDatabase() }) };
}

export function healthRoutes({ health }: ApiModules, { askDatabase, works }: PoolHealth): ApiRoute[] {
  return [
    question("/livez", "503 where a restart of this process would mend it", async () => health?.live() ?? {}),
    question("/readyz", "503 where no new miners may come, or (pages alone) no visitors", async () =>
      health === undefined ? { database: await askDatabase() } : health.ready(),
    ),
    question("/healthz", "503 where a part does not work", works),
  ];
}

function question(path: string, summary: string, ask: () => Promise<Checks>): ApiRoute {
  return publicRoute({
    method: "GET",
    ...{ path, summary },
    reply: "Health",
    alsoStatus: { status: 503, meaning: "a check does not pass" },
    query: {},
    body: NO_BODY,
    run: async () => {
      const { status, answer } = answerOf(await ask());
      return { kind: "view", status, view: answer };
    },
  });
}
