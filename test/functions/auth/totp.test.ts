/** The published vectors: RFC 6238 appendix B (its 8 digits end in the 6 that apps show), RFC 4648 section 10. */

import { describe, expect, it } from "vitest";
import { base32, codeOf, otpauthUri, stepAt, stepOf } from "../../../functions/auth/totp.ts";

const SECRET = new TextEncoder().encode("12345678901234567890");

describe("one-time passwords", () => {
  it.each([
    [59, "94287082"],
    [1_111_111_109, "07081804"],
    [1_111_111_111, "14050471"],
    [1_234_567_890, "89005924"],
    [2_000_000_000, "69279037"],
    [20_000_000_000, "65353130"],
  ])("of second %i are those of RFC 6238", (seconds, published) => {
    expect(codeOf(SECRET, stepAt(seconds * 1000))).toBe(published.slice(-6));
  });

  it("are good in their half minute and the ones beside it, and tell which one it was", () => {
    const nowMs = 1_234_567_890_000;
    const now = stepAt(nowMs);

    expect([-2, -1, 0, 1, 2].map((drift) => stepOf(SECRET, codeOf(SECRET, now + drift), nowMs))).toEqual([
      undefined,
      now - 1,
      now,
      now + 1,
      undefined,
    ]);
  });

  it.each(["", "28708", "2870822", "abcdef", "287082 ", "２８７０８２"])("are not %j", (code) => {
    expect(stepOf(SECRET, code, 59_000)).toBeUndefined();
  });

  it("have a secret that apps can be told, by typing or by camera", () => {
    const words = ["", "f", "fo", "foo", "foob", "fooba", "foobar"].map((text) =>
      base32(new TextEncoder().encode(text)),
    );

    expect(words).toEqual(["", "MY", "MZXQ", "MZXW6", "MZXW6YQ", "MZXW6YTB", "MZXW6YTBOI"]);
    expect(otpauthUri(SECRET, { issuer: "A pool", name: "ann&bob" })).toBe(
      "otpauth://totp/A%20pool:ann%26bob?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=A%20pool&algorithm=SHA1&digits=6&period=30",
    );
  });
});
