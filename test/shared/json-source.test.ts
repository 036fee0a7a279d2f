import { describe, expect, it } from "vitest";
import {
  arrayElements,
  compactJson,
  jsonParts,
  nestingDepth,
  objectMembers,
} from "../../shared/json-source.ts";

describe("the source of JSON", () => {
  it("keeps an object's duplicate keys, their order, and each value as it is written", () => {
    const text = ' { "a" : 1e2 , "b\\u0041":[ 1, "}" ], "a":{"x" :12345678901234567890} }\n';

    expect(objectMembers(text)).toEqual([
      ["a", "1e2"],
      ["bA", '[ 1, "}" ]'],
      ["a", '{"x" :12345678901234567890}'],
    ]);
  });

  it("keeps an array's elements as they are written, those of an element among them not", () => {
    expect(arrayElements('\t[ "a,\\"]", [1 , 2], {"b":[3]} , null ]')).toEqual([
      '"a,\\"]"',
      "[1 , 2]",
      '{"b":[3]}',
      "null",
    ]);
    expect([arrayElements("[ ]"), objectMembers("{}")]).toEqual([[], []]);
  });

  it("has members only in an object and elements only in an array", () => {
    const texts = ["[1]", '{"a":1}', '"[1]"', "null", "7"];

    expect(texts.map((text) => objectMembers(text)?.length)).toEqual([undefined, 1, ...Array(3)]);
    expect(texts.map((text) => arrayElements(text)?.length)).toEqual([1, ...Array(4)]);
  });

  it("tells where in the whole text a value stands", () => {
    const text = '{"a": {"b": "c"}}';
    const [a] = jsonParts(text, 0);
    const [b] = jsonParts(text, a?.start ?? 0);

    expect(text.slice(b?.start, b?.end)).toBe('"c"');
  });

  it("is shown without the white space between its parts, and with that in its strings", () => {
    expect(compactJson('{ "a b" :\r\n\t[ 1 , "\\" }" ] }')).toBe('{"a b":[1,"\\" }"]}');
  });

  it("nests as deep as its brackets do, those in strings not counted", () => {
    expect(['"[["', "[]", '{"[[":[{}]}'].map(nestingDepth)).toEqual([0, 1, 3]);
  });
});
