import * as v from "valibot";
import { describe, expect, it } from "vitest";
import { toHex } from "../../../shared/bytes.ts";
import { assetsOf } from "../../../shared/opr/assets.ts";
import { bytesToText, textToBytes } from "../../../shared/opr/byte-text.ts";
import { encodeOprV1, parseOprV1 } from "../../../shared/opr/codec-v1.ts";
import { floatToPrice, priceToFloat } from "../../../shared/opr/price.ts";
import { floatPrices, type JsonOpr, oprHash } from "../../../shared/opr/record.ts";
import { casesOf, decimal, float, readCases } from "../../support/vectors.ts";
import { bytes, detectedFormat, entry, expectEntry } from "./opr-vectors.ts";

const asset = v.pipe(
  v.object({
    name: v.string(),
    present: v.boolean(),
    uint: v.optional(decimal),
    bits: v.string(),
    v: v.string(),
  }),
  v.transform(({ bits, v: text, ...rest }) => ({ ...rest, price: v.parse(float, { bits, v: text }) })),
);

const fields = v.object({
  assets: v.array(asset),
  assetsNull: v.boolean(),
  coinbase_hex: bytes,
  dbht: v.number(),
  minerid_hex: bytes,
  unknownAssets: v.record(v.string(), float),
  winners: v.nullable(v.array(v.string())),
});

const cases = readCases("opr_v1.json");
const marshals = casesOf(
  cases,
  "marshal",
  v.variant("error", [
    v.object({ error: v.string(), fields, note: v.string() }),
    v.object({
      error: v.optional(v.undefined()),
      content: bytes,
      entry,
      fields,
      note: v.string(),
      oprhash: v.string(),
    }),
  ]),
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
    remarshalEqual: v.optional(v.boolean()),
  }),
);

function toRecord(want: v.InferOutput<typeof fields>): JsonOpr {
  const known = want.assets.filter((item) => item.present).map((item) => [item.name, item.price] as const);
  return {
    format: "json",
    address: bytesToText(want.coinbase_hex),
    id: bytesToText(want.minerid_hex),
    height: want.dbht,
    winners: want.winners,
    assets: want.assetsNull ? null : new Map([...known, ...Object.entries(want.unknownAssets)]),
  };
}

describe("V1 OPR contents", () => {
  it("reads every case of the vectors", () => {
    expect(marshals.length + parses.length).toBe(111);
  });

  it.each(marshals)("writes the reference's bytes: $note", async (item) => {
    const record = toRecord(item.fields);
    if (item.error !== undefined) {
      expect(() => encodeOprV1(record)).toThrow(RangeError);
      return;
    }
    const content = encodeOprV1(record);
    expect(toHex(content)).toBe(toHex(item.content));
    expect(toHex(oprHash(content))).toBe(item.oprhash);
    await expectEntry(item.entry, content, 1);
  });

  it.each(parses)("reads what the reference reads, and no more: $note", (item) => {
    const parsed = parseOprV1(item.content);

    expect(toHex(oprHash(item.content))).toBe(item.oprhash);
    expect(detectedFormat(item.content)).toBe(item.autodetect);
    if (item.fields === undefined) {
      expect(item.error).not.toBeNull();
      expect(parsed.ok).toBe(false);
      return;
    }
    expect(parsed).toEqual({ ok: true, value: toRecord(item.fields) });
    if (!parsed.ok) return;
    expect(toHex(textToBytes(parsed.value.id))).toBe(toHex(item.fields.minerid_hex));
    expect(toHex(encodeOprV1(parsed.value)) === toHex(item.content)).toBe(item.remarshalEqual);
    const prices = floatPrices(parsed.value, assetsOf(1));
    expect([...prices]).toEqual(item.fields.assets.map((want) => want.price));
    for (const [i, want] of item.fields.assets.entries()) {
      // Where the reference's conversion depends on the processor the vector has no value; ours is null.
      expect(floatToPrice(prices[i] ?? Number.NaN)).toBe(want.uint ?? null);
    }
  });
});

describe("prices", () => {
  const toUint = casesOf(cases, "floatToUint64", v.object({ float, uint: decimal }));
  const toFloat = casesOf(cases, "uint64ToFloat", v.object({ float, uint: decimal }));

  it("turn from doubles into integers of 1e-8 as in the reference", () => {
    expect(toUint.length).toBe(78);
    for (const { float: usd, uint } of toUint) expect(floatToPrice(usd), String(usd)).toBe(uint);
  });

  it("turn from integers of 1e-8 into doubles as in the reference", () => {
    expect(toFloat.length).toBe(71);
    for (const { float: usd, uint } of toFloat) expect(priceToFloat(uint), String(uint)).toBe(usd);
  });

  it("are refused where no unsigned 64-bit integer fits, instead of what the processor makes of them", () => {
    for (const usd of [-1, -6e-9, 184_467_440_737.1, 1e300, Number.POSITIVE_INFINITY, Number.NaN])
      expect(floatToPrice(usd), String(usd)).toBeNull();
  });
});
