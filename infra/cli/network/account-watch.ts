/** What the user is owed, asked of the pool's pages each minute with a token that can only read. */

import * as v from "valibot";
import type { Clock, Timer } from "../../../shared/clock.ts";
import { coerceError } from "../../../shared/errors.ts";
import type { Logger } from "../../../shared/logger.ts";
import { readBody } from "../../../shared/read-body.ts";

/** 1e-8 PEG. */
export interface Owed {
  readonly owed: bigint;
  /** Estimated from blocks that are not sealed. */
  readonly pending: bigint;
}

export interface AccountWatch {
  /** As the pool said last; undefined before. */
  owed(): Owed | undefined;
  stop(): void;
}

export interface AccountWatchModules {
  readonly fetch: typeof globalThis.fetch;
  readonly clock: Clock;
  readonly logger: Logger;
}

const EVERY_MS = 60_000;
const TIMEOUT_MS = 10_000;
/** Of `/api/me`: some kilobytes a worker, of 50 at most. */
const MAX_BYTES = 2 ** 20;

const units = v.pipe(
  v.string(),
  v.regex(/^-?\d{1,20}$/),
  v.transform((text) => BigInt(text)),
);
const me = v.object({ owed: units, pending: units });

/** `site`: the address of the pool's pages. Asks at once. A pool that does not answer is told of once, until it does. */
export function watchAccount(
  { site, token }: { readonly site: URL; readonly token: string },
  { fetch, clock, logger }: AccountWatchModules,
): AccountWatch {
  const url = new URL("/api/me", site).href;
  const stopped = new AbortController();
  let last: Owed | undefined;
  let isFailing = false;
  let timer: Timer | undefined;

  const ask = async (): Promise<Owed> => {
    const abort = new AbortController();
    const late = clock.after(TIMEOUT_MS, () => abort.abort(new Error("no answer in time")));
    try {
      const signal = AbortSignal.any([abort.signal, stopped.signal]);
      const headers = { authorization: `Bearer ${token}` };
      // A redirect would take the token elsewhere.
      const response = await fetch(url, { redirect: "error", headers, signal });
      if (response.status === 401)
        throw new Error("it does not take the token: make another on the page Account");
      if (!response.ok) throw new Error(`status ${response.status}`);
      const body = await readBody(response.body, { maxBytes: MAX_BYTES });
      const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), me), body?.toString("utf8"));
      if (!parsed.success) throw new Error("the answer is not that of a pool of this version");
      return parsed.output;
    } finally {
      late.stop();
    }
  };
  const turn = async (): Promise<void> => {
    try {
      last = await ask();
      isFailing = false;
    } catch (thrown) {
      if (!isFailing && !stopped.signal.aborted)
        logger.warn("The pool does not say what you are owed", { url, error: coerceError(thrown).message });
      isFailing = true;
    }
    if (!stopped.signal.aborted) timer = clock.after(EVERY_MS, () => void turn());
  };
  void turn();
  return {
    owed: () => last,
    stop() {
      stopped.abort();
      timer?.stop();
    },
  };
}
