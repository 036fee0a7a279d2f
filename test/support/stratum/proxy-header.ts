/** Builds PROXY headers of version 2 as a balancer sends them, byte by byte from the format's description. */

import { crc32c } from "../../../edge/journal/crc32c.ts";

export const SIGNATURE = Buffer.from("0d0a0d0a000d0a515549540a", "hex");

export interface HeaderParts {
  /** 0x21: PROXY, 0x20: LOCAL. */
  readonly command?: number;
  /** 0x11: TCP over IPv4, 0x21: TCP over IPv6. */
  readonly family?: number;
  /** Bytes of source, destination and ports. */
  readonly addresses?: Uint8Array;
  /** Type and value of each further field. */
  readonly fields?: readonly (readonly [number, Uint8Array])[];
  /** Adds the field with the checksum of the whole. */
  readonly checksum?: boolean;
}

export function proxyHeader(parts: HeaderParts = {}): Buffer {
  const { command = 0x21, family = 0x11, addresses = v4("203.0.113.9"), fields = [], checksum } = parts;
  const all = checksum === true ? [...fields, [0x03, new Uint8Array(4)] as const] : fields;
  const tlvs = all.map(([type, value]) => Buffer.concat([Buffer.from([type]), u16(value.length), value]));
  const body = Buffer.concat([addresses, ...tlvs]);
  const header = Buffer.concat([SIGNATURE, Buffer.from([command, family]), u16(body.length), body]);
  if (checksum === true) header.writeUInt32BE(crc32c(header), header.length - 4);
  return header;
}

export function v4(source: string): Buffer {
  return Buffer.concat([
    Buffer.from(source.split(".").map(Number)),
    Buffer.from([10, 0, 0, 1, 0x30, 0x39, 4, 0xd2]),
  ]);
}

/** `source` is 32 hex digits. */
export function v6(source: string): Buffer {
  return Buffer.concat([Buffer.from(source, "hex"), Buffer.alloc(16, 1), Buffer.from([0x30, 0x39, 4, 0xd2])]);
}

function u16(value: number): Buffer {
  return Buffer.from([value >> 8, value & 0xff]);
}
