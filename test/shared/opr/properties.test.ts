import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { toHex } from "../../../shared/bytes.ts";
import { validateEntry } from "../../../shared/grading/validate.ts";
import { nestingDepth } from "../../../shared/json-source.ts";
import { assetsOf, OPR_VERSIONS } from "../../../shared/opr/assets.ts";
import { bytesToReplacedText, bytesToText, textToBytes } from "../../../shared/opr/byte-text.ts";
import { encodeOprV1, parseOprV1 } from "../../../shared/opr/codec-v1.ts";
import { encodeOprV2, parseOprV2 } from "../../../shared/opr/codec-v2.ts";
import { oprExtIds } from "../../../shared/opr/opr-entry.ts";

const bytes = (maxLength = 40): fc.Arbitrary<Uint8Array> => fc.uint8Array({ maxLength });
const anyText = bytes().map(bytesToText);
const int32 = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
const finite = fc.double({ noNaN: true, noDefaultInfinity: true });

const protobufOpr = fc.record({
  format: fc.constant("protobuf" as const),
  address: anyText,
  id: anyText,
  height: int32,
  winners: fc.array(bytes(), { maxLength: 30 }),
  assets: fc.array(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), { maxLength: 70 }),
  // Field 15, bytes: one that the message does not know.
  unknown: fc
    .option(bytes(20), { nil: undefined })
    .map((data) => (data === undefined ? new Uint8Array(0) : Uint8Array.of(0x7a, data.length, ...data))),
});

const jsonOpr = fc.record({
  format: fc.constant("json" as const),
  address: fc.string({ unit: "binary" }),
  id: fc.string({ unit: "binary" }),
  height: int32,
  winners: fc.option(fc.array(fc.string({ unit: "binary", maxLength: 20 }), { maxLength: 12 })),
  assets: fc
    .array(finite, { minLength: assetsOf(1).length, maxLength: assetsOf(1).length })
    .map((prices) => new Map(assetsOf(1).map((name, i) => [name, prices[i] ?? 0]))),
});

/** Contents that are nearly right: a good one with some bytes changed. */
const nearlyRight = fc
  .tuple(
    fc.oneof(jsonOpr.map(encodeOprV1), protobufOpr.map(encodeOprV2)),
    fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 8 }),
  )
  .map(([content, changes]) => {
    const changed = content.slice();
    for (const [at, byte] of changes) changed[at % Math.max(1, changed.length)] = byte;
    return changed;
  });

describe("OPR codecs", () => {
  it("give a protobuf record back as it was written", () => {
    fc.assert(
      fc.property(protobufOpr, (opr) => {
        expect(parseOprV2(Uint8Array.of(...encodeOprV2(opr), 0x18, 0))).toEqual({
          ok: true,
          value: { ...opr, height: 0 },
        });
        const content = encodeOprV2(opr);
        if (content.length > 0) expect(parseOprV2(content)).toEqual({ ok: true, value: opr });
      }),
    );
  });

  it("give a JSON record back as it was written", () => {
    fc.assert(
      fc.property(jsonOpr, (opr) => {
        expect(parseOprV1(encodeOprV1(opr))).toEqual({ ok: true, value: opr });
      }),
    );
  });

  it("write the same bytes again for whatever JSON content they wrote", () => {
    fc.assert(
      fc.property(jsonOpr, (opr) => {
        const content = encodeOprV1(opr);
        const parsed = parseOprV1(content);
        expect(parsed.ok && toHex(encodeOprV1(parsed.value))).toBe(toHex(content));
      }),
    );
  });

  it("never throw on foreign bytes, but answer with a reason", () => {
    fc.assert(
      fc.property(
        fc.oneof(bytes(300), nearlyRight),
        fc.constantFrom(...OPR_VERSIONS),
        bytes(),
        (content, version, hash) => {
          for (const parsed of [parseOprV1(content), parseOprV2(content)])
            if (!parsed.ok) expect(parsed.reason).not.toBe("");
          const entry = { entryHash: hash, extIds: [hash, content], content };
          expect(validateEntry(entry, { version, height: 5, prevWinners: [] })).toMatchObject({ ok: false });
          const claimed = { entryHash: new Uint8Array(32), extIds: oprExtIds(version, hash, 1n), content };
          expect(typeof validateEntry(claimed, { version, height: 5, prevWinners: [] }).ok).toBe("boolean");
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe("hostile contents", () => {
  it("that nest as deep as an entry is long are refused or read without overflowing the stack", () => {
    const deepJson = new TextEncoder().encode(`{"a":${"[".repeat(200_000)}${"]".repeat(200_000)}}`);
    const allowedJson = new TextEncoder().encode(`{"a":${"[".repeat(9_999)}${"]".repeat(9_999)}}`);
    const openGroups = new Uint8Array(200_000).fill(0x3b);
    const closedGroups = Uint8Array.from({ length: 200_000 }, (_, i) => (i < 100_000 ? 0x3b : 0x3c));

    expect(parseOprV1(deepJson)).toMatchObject({
      ok: false,
      reason: expect.stringContaining("10000 levels"),
    });
    expect(parseOprV1(allowedJson).ok).toBe(true);
    expect(parseOprV2(openGroups).ok).toBe(false);
    expect(parseOprV2(closedGroups)).toMatchObject({ ok: true, value: { unknown: closedGroups } });
    const manyFields = new Uint8Array(600_000).fill(0x38);
    expect(parseOprV2(manyFields)).toMatchObject({ ok: true, value: { unknown: manyFields } });
    expect(nestingDepth('{"[[":[{}]}')).toBe(3);
  });
});

describe("text of bytes", () => {
  it("gives every byte back, also those that are no UTF-8", () => {
    const mixed = fc.array(
      fc.oneof(
        bytes(4),
        fc.string({ unit: "binary", maxLength: 3 }).map((text) => new TextEncoder().encode(text)),
      ),
    );
    fc.assert(
      fc.property(mixed, (parts) => {
        const joined = Uint8Array.from(parts.flatMap((part) => [...part]));
        expect(toHex(textToBytes(bytesToText(joined)))).toBe(toHex(joined));
      }),
    );
  });

  it("replaces each invalid byte by one U+FFFD, as Go does and browsers do not", () => {
    expect(bytesToReplacedText(Uint8Array.of(0xf0, 0x9f, 0x98, 0x41))).toBe("\ufffd\ufffd\ufffdA");
    expect(bytesToReplacedText(Uint8Array.of(0xed, 0xa0, 0x80))).toBe("\ufffd\ufffd\ufffd");
    expect(bytesToReplacedText(Uint8Array.of(0xc3, 0xa9, 0xff))).toBe("é\ufffd");
    expect(bytesToReplacedText(Uint8Array.of(0xef, 0xbb, 0xbf))).toBe("\ufeff");
  });
});
