/** The poll function as a Lambda: run by a schedule. Replies of sources are remembered as long as this process lives. */

import type { Context } from "aws-lambda";
import { activationsFrom } from "../../shared/opr/assets.ts";
import { orderSources } from "../../shared/prices/order.ts";
import { readEnvironment } from "../environment.ts";
import { lambdaModules } from "../lambda-modules.ts";
import { createPollHandler, type PollSummary } from "./handler.ts";
import { cachePeriodMs, createSourceCache } from "./source-cache.ts";

const env = readEnvironment("poll");
const modules = lambdaModules(env);
const { priorities, overrides, urls: baseUrls, fixed, rule } = env.PRICES;

const poll = createPollHandler(
  {
    order: orderSources({ priorities, overrides, baseUrls, keys: {} }),
    rule,
    cacheMs: cachePeriodMs(env.BLOCK_SECONDS * 1000),
    lastGoodMaxMs: env.STALE_SECONDS * 1000,
    fixed: new Map(Object.entries(fixed).map(([asset, price]) => [asset.toUpperCase(), price])),
    carry: new Set(),
    activations: activationsFrom(env.ACTIVATION),
    startHeight: env.START_HEIGHT,
  },
  { ...modules, fetch, cache: createSourceCache() },
);

export async function handler(event: unknown, context: Context): Promise<PollSummary> {
  const summary = await poll(event, context);
  modules.count(summary.kind === "unpriced" ? { Unpriced: 1 } : { Polled: 1 });
  return summary;
}
