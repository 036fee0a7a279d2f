/**
 * The PROXY protocol's header, version 2 (haproxy.org, proxy-protocol.txt §2.2): it tells which client is behind a balancer's connection. Pure,
 * limited in size.
 */

import { ipv6Text } from "../../shared/ip-address.ts";
import { crc32c } from "../journal/crc32c.ts";

/** "\r\n\r\n\0\r\nQUIT\n": no line of the stratum dialect begins like this. */
export const PROXY_V2_SIGNATURE = new Uint8Array([
  0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a,
]);
/** Signature, command, family, length. */
const FIXED_BYTES = 16;
/** Addresses take 36 bytes at most for TCP; a balancer adds a few fields of its own. The format itself would allow 64 KB. */
export const PROXY_V2_MAX_BYTES = 1_024;

const LOCAL = 0x20;
const PROXY = 0x21;
const UNSPECIFIED = 0x00;
const TCP_V4 = 0x11;
const TCP_V6 = 0x21;
const UNIX_STREAM = 0x31;
/** Bytes of both addresses and ports. */
const ADDRESS_BYTES: Readonly<Record<number, number>> = {
  [UNSPECIFIED]: 0,
  [TCP_V4]: 12,
  [TCP_V6]: 36,
  [UNIX_STREAM]: 216,
};
const FIELD_CRC32C = 0x03;

/**
 * `incomplete`: more bytes are needed. `client`: the address that the balancer saw, and the length of the header.
 * `own`: there is no client behind it (a health check, or a client without an address): the connection's own address counts.
 */
export type ProxyV2 =
  | { readonly kind: "incomplete" }
  | { readonly kind: "malformed"; readonly reason: string }
  | { readonly kind: "client"; readonly address: string; readonly length: number }
  | { readonly kind: "own"; readonly length: number };

const INCOMPLETE: ProxyV2 = { kind: "incomplete" };
const malformed = (reason: string): ProxyV2 => ({ kind: "malformed", reason });

/** Reads the header at the beginning of a connection's bytes. Tells a wrong one as soon as its first wrong byte is there. */
export function parseProxyV2(bytes: Uint8Array): ProxyV2 {
  const known = Math.min(bytes.length, PROXY_V2_SIGNATURE.length);
  for (let i = 0; i < known; i++) if (bytes[i] !== PROXY_V2_SIGNATURE[i]) return malformed("no signature");
  if (bytes.length < FIXED_BYTES) return INCOMPLETE;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const command = view.getUint8(12);
  const family = view.getUint8(13);
  const length = FIXED_BYTES + view.getUint16(14);
  if (command !== LOCAL && command !== PROXY) return malformed("unknown version or command");
  if (length > PROXY_V2_MAX_BYTES) return malformed(`longer than ${PROXY_V2_MAX_BYTES} bytes`);
  // The addresses in a LOCAL header are skipped, whatever their family.
  const addressBytes = command === LOCAL ? 0 : ADDRESS_BYTES[family];
  if (addressBytes === undefined) return malformed("no TCP connection");
  if (length < FIXED_BYTES + addressBytes) return malformed("too short for its addresses");
  if (bytes.length < length) return INCOMPLETE;
  const header = bytes.subarray(0, length);
  if (command === LOCAL) return { kind: "own", length };
  const wrongField = wrongFieldOf(header, FIXED_BYTES + addressBytes);
  if (wrongField !== undefined) return malformed(wrongField);
  if (family === TCP_V4)
    return { kind: "client", address: header.subarray(FIXED_BYTES, FIXED_BYTES + 4).join("."), length };
  if (family === TCP_V6)
    return { kind: "client", address: ipv6Text(header.subarray(FIXED_BYTES, FIXED_BYTES + 16)), length };
  return { kind: "own", length };
}

/** The balancer's own fields (type, length, value) must fill the rest exactly; a checksum among them must be right. */
function wrongFieldOf(header: Uint8Array, from: number): string | undefined {
  const view = new DataView(header.buffer, header.byteOffset, header.byteLength);
  let at = from;
  while (at < header.length) {
    if (at + 3 > header.length) return "a field is cut off";
    const type = view.getUint8(at);
    const end = at + 3 + view.getUint16(at + 1);
    if (end > header.length) return "a field is cut off";
    if (type === FIELD_CRC32C) {
      if (end !== at + 7) return "a checksum has 4 bytes";
      const zeroed = new Uint8Array(header);
      zeroed.fill(0, at + 3, end);
      if (crc32c(zeroed) !== view.getUint32(at + 3)) return "the checksum is wrong";
    }
    at = end;
  }
  return undefined;
}
