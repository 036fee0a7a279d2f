/** The poll function as a Lambda: run by a schedule. Replies of sources are remembered as long as this process lives. */

import type { Context } from "aws-lambda";
import { KeptSecret } from "../../shared/aws/kept-secret.ts";
import { readSecret } from "../../shared/aws/secret.ts";
import { activationsFrom } from "../../shared/opr/assets.ts";
import { awsOptions, readEnvironment } from "../environment.ts";
import { lambdaModules } from "../lambda-modules.ts";
import { createPollHandler, type PollHandler, type PollSummary } from "./handler.ts";
import { pollOptionsOf } from "./options.ts";
import { parsePriceKeys } from "./price-keys.ts";
import { createSourceCache } from "./source-cache.ts";

const env = readEnvironment("poll");
const modules = lambdaModules(env);
const cache = createSourceCache();
/** A new key is in use within this time; a service that refuses the old one costs no more than that. */
const KEYS_MS = 10 * 60_000;

const name = env.PRICE_KEYS_SECRET;
const secret = new KeptSecret(
  {
    name,
    read: async () => (name === "" ? {} : parsePriceKeys(name, await readSecret(awsOptions(env), name))),
    ...{ maxAgeMs: KEYS_MS, againMs: KEYS_MS },
  },
  modules,
);
let made: { readonly keys: Readonly<Record<string, string>>; readonly poll: PollHandler } | undefined;

/** With the keys of now. */
async function currentPoll(): Promise<PollHandler> {
  const keys = await secret.get();
  if (made?.keys !== keys) {
    const { urls: baseUrls, ...prices } = env.PRICES;
    const options = pollOptionsOf(
      { ...prices, baseUrls, keys, staleMs: env.STALE_SECONDS * 1000 },
      {
        blockMs: env.BLOCK_SECONDS * 1000,
        activations: activationsFrom(env.ACTIVATION),
        startHeight: env.START_HEIGHT,
      },
    );
    made = { keys, poll: createPollHandler(options, { ...modules, fetch, cache }) };
  }
  return made.poll;
}

export async function handler(event: unknown, context: Context): Promise<PollSummary> {
  const poll = await currentPoll();
  const summary = await poll(event, context);
  modules.count(summary.kind === "unpriced" ? { Unpriced: 1 } : { Polled: 1 });
  return summary;
}
