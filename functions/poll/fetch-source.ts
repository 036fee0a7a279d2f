/** One round of a price source: makes its requests, each with the reference's back-off, and joins their results (docs/spec.md, "Asking"). */

import type { Clock, Random } from "../../shared/clock.ts";
import { sleep } from "../../shared/clock.ts";
import type { EnabledSource } from "../../shared/prices/order.ts";
import type { Quote } from "../../shared/prices/quote.ts";
import type { SourceRequest } from "../../shared/prices/source.ts";
import { type Fetch, type FetchOutcome, fetchOnce } from "./fetch-once.ts";

export interface FetchModules {
  readonly fetch: Fetch;
  readonly clock: Clock;
  readonly random: Random;
}

/** Quotes and failures may come together: some requests of a round can fail. */
export interface SourceRound {
  readonly quotes: readonly Quote[];
  readonly failures: readonly string[];
  /** The longest pause that the service asked for. */
  readonly retryAfterMs: number;
}

const TIMEOUT_MS = 5_000;
const MAX_BYTES = 1_000_000;

const FIRST_PAUSE_MS = 800;
const PAUSE_FACTOR = 1.5;
const LONGEST_PAUSE_MS = 3_000;
const GIVE_UP_AFTER_MS = 10_000;

/** Asks the source for the given assets. Never rejects. */
export async function fetchSource(
  { source, config }: EnabledSource,
  assets: readonly string[],
  modules: FetchModules,
): Promise<SourceRound> {
  const requests = source.buildRequests(config, assets);
  const outcomes =
    requests.length === 0
      ? [{ kind: "answered", body: "" } as const]
      : await Promise.all(
          requests.map((request, i) => fetchPatiently(request, i * (source.spacingMs ?? 0), modules)),
        );
  const quotes: Quote[] = [];
  const failures: string[] = [];
  let retryAfterMs = 0;
  for (const outcome of outcomes) {
    const reply =
      outcome.kind === "answered"
        ? source.parse(outcome.body, modules.clock.wallMs())
        : { failure: outcome.failure };
    if ("quotes" in reply) quotes.push(...reply.quotes.filter(({ asset }) => isWanted(asset, assets)));
    else failures.push(printable(reply.failure, config.key));
    if (outcome.kind === "failed") retryAfterMs = Math.max(retryAfterMs, outcome.retryAfterMs ?? 0);
  }
  return { quotes, failures, retryAfterMs };
}

const LONGEST_FAILURE = 300;

/** A service's message for logs and terminals: short, without control characters, and without our key, which some services quote. */
function printable(failure: string, key: string | undefined): string {
  const keyless = key === undefined ? failure : failure.replaceAll(key, "(key)");
  return keyless.slice(0, LONGEST_FAILURE).replace(/[^\x20-\x7e]/g, "?");
}

/** The Tether price is always wanted: every quote in Tether needs it. */
function isWanted(asset: string, assets: readonly string[]): boolean {
  return asset === "USDT" || assets.includes(asset);
}

/** Tries again after 0.8 s, 1.2 s, … at most 3 s, each pause times a random factor of 0.5 to 1.5, until 10 s are over. */
async function fetchPatiently(
  request: SourceRequest,
  delayMs: number,
  modules: FetchModules,
): Promise<FetchOutcome> {
  if (delayMs > 0) await sleep(modules.clock, delayMs);
  const startedMs = modules.clock.monotonicMs();
  let pauseMs = FIRST_PAUSE_MS;
  for (;;) {
    const outcome = await fetchOnce(request, { timeoutMs: TIMEOUT_MS, maxBytes: MAX_BYTES }, modules);
    if (outcome.kind === "answered" || !outcome.retry) return outcome;
    const jitteredMs = pauseMs * (0.5 + (modules.random(1)[0] ?? 0) / 255);
    const elapsedMs = modules.clock.monotonicMs() - startedMs;
    if (elapsedMs + jitteredMs > GIVE_UP_AFTER_MS) return outcome;
    await sleep(modules.clock, jitteredMs);
    pauseMs = Math.min(pauseMs * PAUSE_FACTOR, LONGEST_PAUSE_MS);
  }
}
