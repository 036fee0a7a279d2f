/** Names that mine without a password: who may, and how many unknown ones an address may try (docs/design.md, "Accounts"). */

import { createGuessCounters, type GuessLimit } from "../../shared/accounts/guesses.ts";
import { addressPlace } from "../../shared/accounts/place.ts";
import type { Clock } from "../../shared/clock.ts";
import { insertMiner, mayMine } from "../../shared/db/accounts.ts";
import { minersAt } from "../../shared/db/login-places.ts";
import type { Db } from "../../shared/db/port.ts";
import { coerceError } from "../../shared/errors.ts";
import { addressKey, addressRanges } from "../../shared/ip-address.ts";
import type { Logger } from "../../shared/logger.ts";
import { createLruMap } from "./lru-map.ts";

export interface NamesOptions {
  /** How many names, and how many pairs of name and address, are remembered. */
  readonly cacheSize: number;
  /** Addresses that many people share: they may try more names. */
  readonly exemptAddresses: readonly string[];
  /** An unknown name gets an account that can be credited; an address is needed before it can be paid. Counted like a try. */
  readonly open: boolean;
}

export interface NamesModules {
  readonly db: Db;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * `new`: an account was made. `no` is certain. `unavailable`: no verdict, because the database is away or too many unknown names came from that
 * address.
 */
export type MayMine = "yes" | "new" | "no" | "unavailable";

export interface Names {
  mayMine(user: string, address: string): Promise<MayMine>;
  /** The user's right password came from there, on this edge or another. For addresses over a limit. */
  owns(user: string, address: string): Promise<boolean>;
  /** The name's right password came from that address: the name exists, and tries by others do not limit it there. */
  passed(user: string, address: string): void;
}

/** Per address. A farm with a few names and a typing error never reaches this limit; somebody who tries a list of names reaches it soon. */
const UNKNOWN_NAMES: GuessLimit = { free: 20, everyMs: 60_000 };
const EXEMPT_UNKNOWN_NAMES: GuessLimit = { free: 200, everyMs: 6_000 };
/** A name that exists is read again after this time: it may have become an administrator's, which cannot mine. */
const FRESH_MS = 5 * 60_000;
/** An unknown name is not read again for this long. Until then it gets no verdict, since it may have registered elsewhere. */
const UNKNOWN_MS = 60_000;
/** For addresses over their limit: how often the names whose password came from there are read. */
const OWNERS_MS = 60_000;
const MAX_ADDRESSES = 1_000;
const MAX_OWNERS = 1_000;

/**
 * For an address over its limit every name is closed without a verdict, whether it exists or not. Only names that mined from there, or whose right
 * password came from there, still get in: tries by others do not limit them.
 */
export function createNames(options: NamesOptions, modules: NamesModules): Names {
  const { db, clock, logger } = modules;
  const { cacheSize } = options;
  const exempt = addressRanges("exemptAddresses", options.exemptAddresses);
  const nowMs = (): number => clock.monotonicMs();
  const counters = (limit: GuessLimit) => createGuessCounters({ limit, maxKeys: cacheSize }, { nowMs });
  const tries = counters(UNKNOWN_NAMES);
  const exemptTries = counters(EXEMPT_UNKNOWN_NAMES);
  /** When the row was last read. */
  const miners = createLruMap<number>(cacheSize);
  const unknown = createLruMap<number>(cacheSize);
  /** Pairs of a name and an address from which it got in. */
  const pairs = createLruMap<true>(cacheSize);
  /** A farm's rigs come at once under one name: they share one question. */
  const pending = new Map<string, Promise<MayMine>>();
  /** Names by address, of addresses over their limit. */
  const owners = createLruMap<{ readonly atMs: number; readonly names: Promise<ReadonlySet<string>> }>(
    MAX_ADDRESSES,
  );

  async function lookUp(user: string): Promise<MayMine> {
    if (await mayMine(db, user)) return "yes";
    const isNew = options.open && (await insertMiner(db, user));
    return isNew ? "new" : "no";
  }

  async function read(user: string): Promise<MayMine> {
    const readMs = miners.get(user);
    if (readMs !== undefined && nowMs() - readMs < FRESH_MS) return "yes";
    try {
      const verdict = await lookUp(user);
      if (verdict === "no") unknown.set(user, nowMs());
      if (verdict === "no") miners.delete(user);
      else miners.set(user, nowMs());
      return verdict;
    } catch (error) {
      logger.warn("no verdict on a login without password", { error: coerceError(error).message });
      // Users are never deleted, so that a known name still exists.
      return readMs === undefined ? "unavailable" : "yes";
    }
  }

  async function owns(user: string, address: string): Promise<boolean> {
    const key = addressKey(address);
    const known = owners.get(key);
    const isFresh = known !== undefined && nowMs() - known.atMs < OWNERS_MS;
    const names = isFresh ? known.names : readOwners(address);
    if (!isFresh) owners.set(key, { atMs: nowMs(), names });
    return (await names).has(user);
  }

  async function readOwners(address: string): Promise<ReadonlySet<string>> {
    try {
      return new Set(await minersAt(db, addressPlace(address), MAX_OWNERS));
    } catch (error) {
      logger.warn("the names of an address could not be read", { error: coerceError(error).message });
      return new Set();
    }
  }

  async function judge(user: string, address: string, pair: string): Promise<MayMine> {
    const triedMs = unknown.get(user);
    if (triedMs !== undefined && nowMs() - triedMs < UNKNOWN_MS) return "unavailable";
    if (pairs.get(pair) === true) return read(user);
    const [kept, key] = [exempt.has(address) ? exemptTries : tries, addressKey(address)];
    const isOver = kept.count(key) > 0;
    if (isOver && !(await owns(user, address))) return "unavailable";
    const verdict = isOver ? "yes" : await read(user);
    if (!isOver && (verdict === "yes" || verdict === "unavailable")) kept.takeBack(key);
    if (verdict === "yes" || verdict === "new") pairs.set(pair, true);
    return verdict;
  }

  return {
    owns,
    mayMine(user, address) {
      const pair = pairOf(user, address);
      const shared = pending.get(pair);
      if (shared !== undefined) return shared;
      const verdict = judge(user, address, pair).finally(() => pending.delete(pair));
      pending.set(pair, verdict);
      return verdict;
    },
    passed(user, address) {
      unknown.delete(user);
      pairs.set(pairOf(user, address), true);
    },
  };
}

function pairOf(user: string, address: string): string {
  return JSON.stringify([user, addressKey(address)]);
}
