/** Who may connect: a cap in all, a cap by address, and bans that end by themselves. Bounded in memory. */

import { BlockList, isIP } from "node:net";
import type { EndReason } from "./metrics.ts";
import type { StratumSettings } from "./settings.ts";

/** Addresses whose ban or record is remembered; the oldest is forgotten first. */
const MAX_RECORDS = 10_000;
/** Offences of an address, none of which bans alone, that together do. */
const OFFENCES_TO_BAN = 5;

interface Record {
  offences: number;
  bannedUntilMs: number;
}

export class Admission {
  readonly #settings: StratumSettings;
  readonly #exempt = new BlockList();
  readonly #open = new Map<string, number>();
  readonly #records = new Map<string, Record>();
  #total = 0;

  /** Throws RangeError when an exempt address is neither an address nor a CIDR range. */
  constructor(settings: StratumSettings) {
    this.#settings = settings;
    for (const entry of settings.exemptAddresses) addRange(this.#exempt, entry);
  }

  /** Takes a place for the address, or says why there is none. */
  enter(address: string, nowMs: number): EndReason | undefined {
    if (this.#total >= this.#settings.maxConnections) return "full";
    if (!this.#isExempt(address)) {
      const key = addressKey(address);
      if ((this.#records.get(key)?.bannedUntilMs ?? 0) > nowMs) return "banned";
      const open = this.#open.get(key) ?? 0;
      if (open >= this.#settings.maxConnectionsPerAddress) return "address-full";
      this.#open.set(key, open + 1);
    }
    this.#total += 1;
    return undefined;
  }

  /** Gives the place back and remembers what the connection did. Call once for each successful enter. */
  leave(address: string, reason: EndReason, nowMs: number): void {
    this.#total -= 1;
    if (this.#isExempt(address)) return;
    const key = addressKey(address);
    const open = (this.#open.get(key) ?? 1) - 1;
    if (open > 0) this.#open.set(key, open);
    else this.#open.delete(key);
    if (reason === "malformed-lines" || reason === "invalid-shares")
      this.#punish(key, OFFENCES_TO_BAN, nowMs);
    else if (reason === "oversized-line" || reason === "line-deadline" || reason === "slow-reader")
      this.#punish(key, 1, nowMs);
  }

  #punish(key: string, offences: number, nowMs: number): void {
    const record = this.#records.get(key) ?? { offences: 0, bannedUntilMs: 0 };
    const total = record.offences + offences;
    const banned = total >= OFFENCES_TO_BAN;
    this.#records.delete(key);
    this.#records.set(key, {
      offences: banned ? 0 : total,
      bannedUntilMs: banned ? nowMs + this.#settings.banMs : record.bannedUntilMs,
    });
    const oldest = this.#records.keys().next();
    if (this.#records.size > MAX_RECORDS && !oldest.done) this.#records.delete(oldest.value);
  }

  #isExempt(address: string): boolean {
    const plain = withoutMapping(address);
    const family = isIP(plain);
    return family !== 0 && this.#exempt.check(plain, family === 6 ? "ipv6" : "ipv4");
  }
}

function withoutMapping(address: string): string {
  return /^::ffff:\d+\.\d+\.\d+\.\d+$/i.test(address) ? address.slice(7) : address;
}

/** One IPv4 address, or the /64 of an IPv6 one: whoever has one address there has them all. */
export function addressKey(address: string): string {
  const plain = withoutMapping(address);
  if (isIP(plain) !== 6) return plain;
  const [head = "", tail = ""] = (plain.split("%")[0] ?? plain).toLowerCase().split("::");
  const before = head === "" ? [] : head.split(":");
  const after = tail === "" ? [] : tail.split(":");
  const missing = plain.includes("::") ? Math.max(0, 8 - before.length - after.length) : 0;
  const groups = [...before, ...Array.from({ length: missing }, () => "0"), ...after];
  return `${groups
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, ""))
    .join(":")}::/64`;
}

function addRange(list: BlockList, entry: string): void {
  const [address = "", prefix] = entry.split("/");
  const family = isIP(address);
  const bits = prefix === undefined ? (family === 6 ? 128 : 32) : Number(prefix);
  if (family === 0 || !Number.isInteger(bits) || bits < 0 || bits > (family === 6 ? 128 : 32))
    throw new RangeError(
      `exemptAddresses: expected an IP address or a CIDR range such as 10.0.0.0/8, got ${JSON.stringify(entry)}`,
    );
  list.addSubnet(address, bits, family === 6 ? "ipv6" : "ipv4");
}
