/** IP addresses as the pool counts them: ranges, and one key for all addresses that one party can have. */

import { BlockList, isIP } from "node:net";

/** A set of addresses and CIDR ranges. */
export interface AddressRanges {
  has(address: string): boolean;
}

/** Throws RangeError, naming the setting, where an entry is neither an address nor a CIDR range. */
export function addressRanges(setting: string, entries: readonly string[]): AddressRanges {
  const list = new BlockList();
  for (const entry of entries) addRange(list, setting, entry);
  return {
    has(address) {
      const plain = withoutMapping(address);
      const family = isIP(plain);
      return family !== 0 && list.check(plain, family === 6 ? "ipv6" : "ipv4");
    },
  };
}

function addRange(list: BlockList, setting: string, entry: string): void {
  const range = parseAddressRange(entry);
  if (range === undefined)
    throw new RangeError(
      `${setting}: expected an IP address or a CIDR range such as 10.0.0.0/8, got ${JSON.stringify(entry)}`,
    );
  list.addSubnet(range.address, range.bits, range.family);
}

/** Of one address all bits are fixed. */
export interface AddressRange {
  readonly address: string;
  /** How many bits, from the first, an address of the range has in common with `address`. */
  readonly bits: number;
  readonly family: "ipv4" | "ipv6";
}

/** An address or a CIDR range; undefined where the text is neither. */
export function parseAddressRange(text: string): AddressRange | undefined {
  const [address = "", prefix, ...more] = text.split("/");
  const family = isIP(address);
  const widest = family === 6 ? 128 : 32;
  const bits = prefix === undefined ? widest : /^\d{1,3}$/.test(prefix) ? Number(prefix) : Number.NaN;
  if (family === 0 || more.length > 0 || !(bits <= widest)) return undefined;
  return { address, bits, family: family === 6 ? "ipv6" : "ipv4" };
}

/** Turns an IPv4 address that a socket for both families shows as IPv6 (::ffff:192.0.2.1) back into IPv4. */
export function withoutMapping(address: string): string {
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

/** 16 bytes as text; an IPv4 address mapped into IPv6 as the IPv4 address it is. */
export function ipv6Text(bytes: Uint8Array): string {
  const groups = Array.from({ length: 8 }, (_, i) => ((bytes[2 * i] ?? 0) << 8) | (bytes[2 * i + 1] ?? 0));
  const isMapped = groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff;
  if (isMapped) return bytes.subarray(12, 16).join(".");
  return groups.map((group) => group.toString(16)).join(":");
}
