/** Which addresses of the internet a user's target may have: none that lead into a network of the pool's own. */

import { BlockList, isIP } from "node:net";
import { withoutMapping } from "../../shared/ip-address.ts";

/** IANA's special-purpose registry for IPv4 (RFC 6890 and its updates), multicast and reserved: nothing of it is a public server. */
const IPV4 = new BlockList();
for (const [network, bits] of [
  ...([
    ["0.0.0.0", 8],
    ["10.0.0.0", 8],
    ["100.64.0.0", 10],
    ["127.0.0.0", 8],
    ["169.254.0.0", 16],
  ] as const),
  ...([
    ["172.16.0.0", 12],
    ["192.0.0.0", 24],
    ["192.0.2.0", 24],
    ["192.88.99.0", 24],
    ["192.168.0.0", 16],
  ] as const),
  ...([
    ["198.18.0.0", 15],
    ["198.51.100.0", 24],
    ["203.0.113.0", 24],
    ["224.0.0.0", 3],
  ] as const),
])
  IPV4.addSubnet(network, bits, "ipv4");

/** Of IPv6 only what is global unicast today, without what leads to IPv4 addresses (6to4, Teredo) or is for documentation. */
const GLOBAL = new BlockList();
GLOBAL.addSubnet("2000::", 3, "ipv6");
const IPV6 = new BlockList();
for (const [network, bits] of [
  ["2001::", 23],
  ["2001:db8::", 32],
  ["2002::", 16],
  ["3fff::", 20],
] as const)
  IPV6.addSubnet(network, bits, "ipv6");

/** False for what is no address. */
export function isPublicAddress(address: string): boolean {
  const plain = withoutMapping(address);
  switch (isIP(plain)) {
    case 4:
      return !IPV4.check(plain, "ipv4");
    case 6:
      // A zone (fe80::1%eth0) is of a network that this machine is in.
      return !plain.includes("%") && GLOBAL.check(plain, "ipv6") && !IPV6.check(plain, "ipv6");
    default:
      return false;
  }
}
