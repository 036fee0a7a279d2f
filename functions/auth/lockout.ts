/** Slows down guesses at passwords, over stratum and over the web together, and never locks out the owner (shared/accounts/guesses.ts). */

import * as v from "valibot";
import {
  addressLimit,
  createGuessCounters,
  GUESS_LIMIT,
  type GuessCounters,
  type GuessLimit,
} from "../../shared/accounts/guesses.ts";
import { addressPlace, devicePlace, type Place } from "../../shared/accounts/place.ts";
import type { Clock } from "../../shared/clock.ts";
import {
  beginGuess,
  beginSessionGuess,
  forgetPlace,
  rememberPlace,
  takeBackGuess,
  takeBackSessionGuess,
} from "../../shared/db/login-places.ts";
import type { Db } from "../../shared/db/port.ts";
import { addressKey } from "../../shared/ip-address.ts";
import { userName } from "../../shared/messages/summary.ts";
import { sha256Hex } from "../../shared/sha256.ts";

/** How a try ended; `unknown`: there was no verdict. */
export type TryOutcome = "passed" | "failed" | "unknown";

/** A try that may be made, and must then be ended; or how long to wait before trying. */
export type Try =
  | { readonly kind: "begun"; end(outcome: TryOutcome): Promise<void> }
  | { readonly kind: "locked"; readonly waitMs: number };

/** Where a try comes from. */
export interface Origin {
  /** "" when it is not known (an edge of the version before does not send it): then tries are counted by name only. */
  readonly remoteAddress: string;
  /** True: tries are not counted by this address for all names together, since many people share it. */
  readonly exempt?: boolean;
  /** The token of the device, "" without one. */
  readonly device: string;
}

/**
 * What a try is counted by. A login from one of the owner's places (an address or a device that the right password came from): by that place.
 * A login from elsewhere: by its address, in this process, and by the name, in the database: at most 9 in any hour from all strangers
 * together. A try in a live session: by that session. A name that does not exist is counted like any other, but in this process.
 */
export interface Lockout {
  login(name: string, from: Origin): Promise<Try>;
  session(tokenHash: string): Promise<Try>;
  /** Counted by the address only. */
  registration(remoteAddress: string): Promise<Try>;
  /** The owner has logged in from here: it is one of the owner's places from now on. `replaces`: the device's token until now. */
  remember(name: string, from: Origin, replaces?: string): Promise<void>;
}

/** How many addresses this process remembers, and how many names that do not exist. */
const MAX_KEYS = 20_000;

interface Parts {
  readonly db: Db;
  readonly clock: Clock;
  readonly limit: GuessLimit;
  readonly addresses: GuessCounters;
  /** Names that do not exist. */
  readonly nobodies: GuessCounters;
}

export function createLockout(
  options: { readonly limit?: GuessLimit | undefined },
  modules: { readonly db: Db; readonly clock: Clock },
): Lockout {
  const { db, clock } = modules;
  const limit = options.limit ?? GUESS_LIMIT;
  const nowMs = (): number => clock.monotonicMs();
  const parts: Parts = {
    ...{ db, clock, limit },
    addresses: createGuessCounters({ limit: addressLimit(limit), maxKeys: MAX_KEYS }, { nowMs }),
    nobodies: createGuessCounters({ limit, maxKeys: MAX_KEYS }, { nowMs }),
  };
  return {
    login: (name, from) => login(parts, name, from),
    async session(tokenHash) {
      const waitMs = await beginSessionGuess(db, tokenHash, limit, clock.wallMs());
      return waitMs > 0 ? locked(waitMs) : begun(() => takeBackSessionGuess(db, tokenHash, limit));
    },
    async registration(remoteAddress) {
      const from = addressKey(remoteAddress);
      const waitMs = parts.addresses.count(from);
      return waitMs > 0 ? locked(waitMs) : begun(async () => parts.addresses.takeBack(from));
    },
    async remember(name, from, replaces = "") {
      if (replaces !== "") await forgetPlace(db, name, devicePlace(replaces));
      for (const place of placesOf(from)) await rememberPlace(db, name, place, clock.wallMs());
    },
  };
}

async function login(parts: Parts, given: string, from: Origin): Promise<Try> {
  const { db, clock, limit, addresses, nobodies } = parts;
  // An invalid name is counted like any other. To the database it is "", since that cannot hold every text (U+0000).
  const name = v.is(userName, given) ? given : "";
  const address = addressKey(from.remoteAddress);
  const isCounted = address !== "" && from.exempt !== true;
  const addressWaitMs = isCounted ? addresses.count(address) : 0;
  const key = sha256Hex(given);
  const stranger = addressWaitMs === 0 && nobodies.waitMs(key) === 0;
  const takeBackAddress = (): void => {
    if (isCounted && addressWaitMs === 0) addresses.takeBack(address);
  };
  const guess = { name, places: placesOf(from), stranger };
  const { counter, waitMs } = await beginGuess(db, guess, limit, clock.wallMs()).catch((thrown: unknown) => {
    takeBackAddress();
    throw thrown;
  });
  const isNobody = counter === "nobody" && nobodies.count(key) === 0;
  const isStranger = isNobody || counter === "strangers";
  if (!isStranger) takeBackAddress();
  if (counter === null || (counter === "nobody" && !isNobody))
    return locked(waitMs ?? Math.max(1, addressWaitMs, nobodies.waitMs(key)));
  return begun(async () => {
    if (isStranger) takeBackAddress();
    if (isNobody) nobodies.takeBack(key);
    else await takeBackGuess(db, name, counter, limit);
  });
}

/** The device first: nobody shares it. */
export function placesOf({ remoteAddress, device }: Origin): Place[] {
  return [
    ...(device === "" ? [] : [devicePlace(device)]),
    ...(remoteAddress === "" ? [] : [addressPlace(remoteAddress)]),
  ];
}

function locked(waitMs: number): Try {
  return { kind: "locked", waitMs };
}

function begun(takeBack: () => Promise<void>): Try {
  return {
    kind: "begun",
    async end(outcome) {
      if (outcome !== "failed") await takeBack();
    },
  };
}
