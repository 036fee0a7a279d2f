import { expect, it } from "vitest";
import { SipHash } from "../../../edge/shares/siphash.ts";

const KEY = Uint8Array.from({ length: 16 }, (_, n) => n);

function hashOf(message: Uint8Array): bigint {
  const sip = new SipHash(KEY);
  sip.hash(message);
  return (BigInt(sip.high) << 32n) | BigInt(sip.low);
}

it.each([
  // The authors' vectors: the message is the bytes 0, 1, 2 … under the key 0, 1 … 15.
  [0, 0x726fdb47dd0e0e31n],
  [1, 0x74f839c593dc67fdn],
  [7, 0xab0200f58b01d137n],
  [8, 0x93f5f5799a932462n],
  [15, 0xa129ca6149be45e5n],
  [63, 0x958a324ceb064572n],
])("gives the authors' hash of %i bytes", (length, expected) => {
  expect(hashOf(Uint8Array.from({ length }, (_, n) => n))).toBe(expected);
});

it("refuses a key of another length", () => {
  expect(() => new SipHash(new Uint8Array(8))).toThrow(RangeError);
});
