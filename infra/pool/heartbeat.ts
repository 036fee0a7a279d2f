/**
 * Dead man's switch: an address of an outside service that is called while the pool is well, so that the service notices when it falls silent, and at
 * `/fail` (as healthchecks.io and its likes take it) while something about money or the chain is red.
 */

import { guardedRequest, type RequestOptions, type Resolve } from "../../functions/alerts/guarded-request.ts";
import type { Clock } from "../../shared/clock.ts";
import { noteHeartbeat } from "../../shared/db/heartbeat.ts";
import type { Db } from "../../shared/db/port.ts";
import { coerceError } from "../../shared/errors.ts";
import type { Logger } from "../../shared/logger.ts";

/** How the pool is; undefined: nobody has looked yet, and nothing is told. */
export type Wellness = () =>
  | { readonly isWell: true }
  | { readonly isWell: false; readonly why: string }
  | undefined;

const MOST_CHARACTERS = 2_000;

/** Makes one call. Never rejects; what became of it is in the database, where that is there, and in the log where it failed. */
export function createHeartbeat(
  options: RequestOptions & { readonly url: string },
  modules: {
    readonly db: Db;
    readonly clock: Clock;
    readonly logger: Logger;
    readonly wellness: Wellness;
    readonly resolve?: Resolve;
  },
): () => Promise<void> {
  const { db, clock, logger, wellness, resolve } = modules;
  let failing = false;

  return async () => {
    const state = wellness();
    if (state === undefined) return;
    const outcome = await guardedRequest(
      state.isWell
        ? { method: "GET", url: options.url, headers: {}, body: "" }
        : {
            ...{ method: "POST", url: failAddress(options.url), headers: { "content-type": "text/plain" } },
            body: state.why.slice(0, MOST_CHARACTERS),
          },
      options,
      resolve,
    );
    const result =
      outcome.kind === "failed"
        ? outcome.words
        : outcome.status >= 200 && outcome.status < 300
          ? ""
          : `it answered ${outcome.status}`;
    if (result !== "" && !failing) logger.warn("the heartbeat does not arrive", { result });
    if (result === "" && failing) logger.info("the heartbeat arrives again");
    failing = result !== "";
    // An outage of the database is what the call itself tells of.
    await noteHeartbeat(db, { atMs: clock.wallMs(), wasWell: state.isWell, result }).catch(
      (thrown: unknown) =>
        logger.debug("the heartbeat could not be noted", { error: coerceError(thrown).message }),
    );
  };
}

/** `https://hc-ping.com/ID/fail` of `https://hc-ping.com/ID`; a query stays one. */
export function failAddress(address: string): string {
  const url = new URL(address);
  url.pathname = `${url.pathname.replace(/\/$/, "")}/fail`;
  return url.href;
}
