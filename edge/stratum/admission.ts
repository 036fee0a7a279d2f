/** Who may connect: a limit for all, a limit per address, and bans that end by themselves. Its memory is bounded. */

import { dropOldest } from "../../shared/drop-oldest.ts";
import { type AddressRanges, addressKey, addressRanges } from "../../shared/ip-address.ts";
import type { EndReason } from "./metrics.ts";
import type { StratumSettings } from "./settings.ts";

/** Addresses whose ban or record is remembered; the oldest are forgotten first. */
const MAX_RECORDS = 10_000;
/** How many offences of one address ban it. */
const OFFENCES_TO_BAN = 5;
/** Offences are forgotten when none has been added for this long: a farm collects a few of them over months. */
const FORGIVEN_AFTER_MS = 10 * 60_000;

/**
 * What counts against an address: abuse of the protocol only. Shares that are wrong count against their session and worker
 * (user-limits.ts), since a whole farm may share the address.
 */
const OFFENCES: Readonly<Partial<Record<EndReason, number>>> = {
  "malformed-lines": OFFENCES_TO_BAN,
  "oversized-line": 1,
  "line-deadline": 1,
  "slow-reader": 1,
};

interface AddressRecord {
  readonly offences: number;
  readonly lastMs: number;
  readonly bannedUntilMs: number;
}

export class Admission {
  readonly #settings: StratumSettings;
  readonly #exempt: AddressRanges;
  readonly #open = new Map<string, number>();
  readonly #records = new Map<string, AddressRecord>();
  #total = 0;

  /** Throws RangeError when an exempt address is neither an address nor a CIDR range. */
  constructor(settings: StratumSettings) {
    this.#settings = settings;
    this.#exempt = addressRanges("exemptAddresses", settings.exemptAddresses);
  }

  /** Takes a place for the address, or says why there is none. */
  enter(address: string, nowMs: number): EndReason | undefined {
    if (this.#total >= this.#settings.maxConnections) return "full";
    if (!this.#exempt.has(address)) {
      const key = addressKey(address);
      if ((this.#records.get(key)?.bannedUntilMs ?? 0) > nowMs) return "banned";
      const open = this.#open.get(key) ?? 0;
      if (open >= this.#settings.maxConnectionsPerAddress) return "address-full";
      this.#open.set(key, open + 1);
    }
    this.#total += 1;
    return undefined;
  }

  /** True if fewer than a tenth of the places are free, either of all places or of those for the address. */
  isShort(address: string): boolean {
    const { maxConnections, maxConnectionsPerAddress } = this.#settings;
    if (isNearly(this.#total, maxConnections)) return true;
    return (
      !this.#exempt.has(address) &&
      isNearly(this.#open.get(addressKey(address)) ?? 0, maxConnectionsPerAddress)
    );
  }

  /** Gives the place back and remembers what the connection did. Call once for each successful enter. */
  leave(address: string, reason: EndReason, nowMs: number): void {
    this.#total -= 1;
    if (this.#exempt.has(address)) return;
    const key = addressKey(address);
    const open = (this.#open.get(key) ?? 1) - 1;
    if (open > 0) this.#open.set(key, open);
    else this.#open.delete(key);
    const offences = OFFENCES[reason];
    if (offences !== undefined) this.#punish(key, offences, nowMs);
  }

  #punish(key: string, offences: number, nowMs: number): void {
    const before = this.#records.get(key);
    const kept = before !== undefined && nowMs - before.lastMs < FORGIVEN_AFTER_MS ? before.offences : 0;
    const banned = kept + offences >= OFFENCES_TO_BAN;
    this.#records.delete(key);
    this.#records.set(key, {
      offences: banned ? 0 : kept + offences,
      lastMs: nowMs,
      bannedUntilMs: banned ? nowMs + this.#settings.banMs : (before?.bannedUntilMs ?? 0),
    });
    dropOldest(this.#records, MAX_RECORDS);
  }
}

function isNearly(open: number, all: number): boolean {
  return 10 * open > 9 * all;
}
