import * as v from "valibot";
import { describe, expect, it } from "vitest";
import { toHex } from "../../../shared/bytes.ts";
import { bytesToText, textToBytes } from "../../../shared/opr/byte-text.ts";
import { encodeOprV2, parseOprV2 } from "../../../shared/opr/codec-v2.ts";
import { oprHash, type ProtobufOpr } from "../../../shared/opr/record.ts";
import { casesOf, decimal, readCases } from "../../support/vectors.ts";
import { bytes, detectedFormat, entry, expectEntry } from "./opr-vectors.ts";

const fields = v.object({
  address_hex: bytes,
  assets: v.array(decimal),
  height: v.number(),
  id_hex: bytes,
  unrecognized_hex: bytes,
  winners: v.array(bytes),
});

const cases = readCases("opr_v2.json");
const marshals = casesOf(
  cases,
  "marshal",
  v.object({
    content: bytes,
    entry,
    fields,
    note: v.string(),
    oprhash: v.string(),
    version: v.picklist([2, 3, 4, 5]),
  }),
);
const parses = casesOf(
  cases,
  "parse",
  v.object({
    autodetect: v.string(),
    content: bytes,
    error: v.nullable(v.string()),
    fields: v.optional(fields),
    note: v.string(),
    oprhash: v.string(),
    remarshal: v.optional(v.string()),
  }),
);

function toRecord(want: v.InferOutput<typeof fields>): ProtobufOpr {
  return {
    format: "protobuf",
    address: bytesToText(want.address_hex),
    id: bytesToText(want.id_hex),
    height: want.height,
    winners: want.winners,
    assets: want.assets,
    unknown: want.unrecognized_hex,
  };
}

describe("V2 to V5 OPR contents", () => {
  it("reads every case of the vectors", () => {
    expect(marshals.length + parses.length).toBe(cases.length);
    expect(cases.length).toBe(134);
  });

  it.each(marshals)("writes the reference's bytes: V$version $note", async (item) => {
    const content = encodeOprV2(toRecord(item.fields));

    expect(toHex(content)).toBe(toHex(item.content));
    expect(toHex(oprHash(content))).toBe(item.oprhash);
    await expectEntry(item.entry, content, item.version);
  });

  it.each(parses)("reads what the reference reads, and no more: $note", (item) => {
    const parsed = parseOprV2(item.content);

    expect(toHex(oprHash(item.content))).toBe(item.oprhash);
    expect(detectedFormat(item.content)).toBe(item.autodetect);
    if (item.fields === undefined) {
      expect(item.error).not.toBeNull();
      expect(parsed.ok).toBe(false);
      return;
    }
    expect(parsed).toEqual({ ok: true, value: toRecord(item.fields) });
    if (!parsed.ok) return;
    expect(toHex(textToBytes(parsed.value.address))).toBe(toHex(item.fields.address_hex));
    expect(toHex(textToBytes(parsed.value.id))).toBe(toHex(item.fields.id_hex));
    expect(toHex(encodeOprV2(parsed.value))).toBe(item.remarshal);
  });
});
