import { describe, expect, it } from "vitest";
import { toHex } from "../../shared/bytes.ts";
import { sha256, sha256Hex } from "../../shared/sha256.ts";

/** FIPS 180-2, appendix B, and the empty message. */
const KNOWN: readonly (readonly [string, string])[] = [
  ["", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"],
  ["abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"],
  [
    "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
    "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
  ],
];

describe("SHA-256", () => {
  it.each(KNOWN)(
    "of %j is the one of the standard, as bytes and as hex, of text and of bytes",
    (text, digest) => {
      const bytes = new TextEncoder().encode(text);

      expect([sha256Hex(text), sha256Hex(bytes), toHex(sha256(text)), toHex(sha256(bytes))]).toEqual(
        Array.from({ length: 4 }, () => digest),
      );
    },
  );

  it("is of a view's bytes alone, and a plain array that nobody else writes into", () => {
    const view = new TextEncoder().encode("xabcx").subarray(1, 4);

    expect(sha256(view).constructor).toBe(Uint8Array);
    expect(sha256Hex(view)).toBe(KNOWN[1]?.[1]);
  });
});
