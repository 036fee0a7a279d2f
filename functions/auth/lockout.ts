/** Slows down failed logins over the web by rows in the database: every function counts together (shared/accounts/backoff.ts). */

import { createHash } from "node:crypto";
import { type LoginBackoff, loginLimits } from "../../shared/accounts/backoff.ts";
import type { Clock } from "../../shared/clock.ts";
import { beginLoginTry, endLoginTry, type FailureKey } from "../../shared/db/login-failures.ts";
import type { Db } from "../../shared/db/port.ts";
import { addressKey } from "../../shared/ip-address.ts";

/** How a try ended; `unknown`: there was no verdict. */
export type TryOutcome = "passed" | "failed" | "unknown";

/** A name that does not exist is counted like any other. */
export interface Lockout {
  /** Milliseconds to wait; 0 begins a try, which `end` must end. Without a name only the address counts. */
  begin(name: string | undefined, remoteAddress: string): Promise<number>;
  end(name: string | undefined, remoteAddress: string, outcome: TryOutcome): Promise<void>;
}

export function createLockout(
  backoff: LoginBackoff,
  modules: { readonly db: Db; readonly clock: Clock },
): Lockout {
  const { db, clock } = modules;
  const limits = loginLimits(backoff);
  const keysOf = (name: string | undefined, remoteAddress: string): FailureKey[] => {
    const from = addressKey(remoteAddress);
    const address = { key: hash("address", from), ...limits.address };
    if (name === undefined) return [address];
    return [
      { key: hash("pair", name, from), ...limits.pair },
      address,
      { key: hash("user", name), ...limits.user },
    ];
  };
  return {
    begin: (name, remoteAddress) => beginLoginTry(db, keysOf(name, remoteAddress), clock.wallMs()),
    async end(name, remoteAddress, outcome) {
      if (outcome === "failed") return;
      const keys = keysOf(name, remoteAddress);
      const forget = outcome === "passed" && name !== undefined ? (keys[0]?.key ?? null) : null;
      await endLoginTry(db, keys, forget);
    },
  };
}

function hash(...parts: string[]): string {
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex");
}
