/** The stratum codec: nothing that comes in makes it throw or leak, and what it writes is Go's JSON. */

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  encodeError,
  encodeRefusal,
  encodeRequest,
  encodeResult,
  formatTarget,
  parseJobId,
  parseStratumLine,
  parseTarget,
  stratumError,
} from "../../../shared/messages/stratum.ts";

const KINDS = ["blank", "unparsable", "invalid", "request", "response"];

describe("parseStratumLine", () => {
  it("never throws, whatever the line", () => {
    const line = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.json(),
      fc
        .dictionary(
          fc.constantFrom(
            "id",
            "ID",
            "method",
            "Method",
            "params",
            "result",
            "error",
            "__proto__",
            "constructor",
          ),
          fc.jsonValue(),
        )
        .map((value) => JSON.stringify(value)),
    );
    fc.assert(
      fc.property(line, (text) => {
        expect(KINDS).toContain(parseStratumLine(text).kind);
      }),
      { numRuns: 2_000 },
    );
  });

  it("reads a share by the short way as by the general one", () => {
    const texts = [
      "",
      "miner",
      "12",
      "00ff",
      "é\u{1f600}",
      '\\"',
      "\\\\",
      "a b",
      "\\u0041",
      "\u0001",
      "\x7f",
      "]}",
      ",",
    ];
    const text = fc.oneof(fc.constantFrom(...texts), fc.string({ unit: "binary" }));
    const id = fc.constantFrom(
      "0",
      "7",
      "-1",
      "01",
      "1e3",
      "999999999999999",
      "9007199254740993",
      '"a"',
      "null",
    );
    const spelling = fc.constantFrom(
      (id: string, params: string) => `{"id":${id},"method":"mining.submit","params":[${params}]}`,
      (id: string, params: string) => `{"id":${id},"method":"mining.submit","params":[${params}],"id":3}`,
      (id: string, params: string) => `{"id":${id},"method":"mining.submit","params":[${params}]}}`,
      (id: string, params: string) => `{"id":${id}, "method":"mining.submit","params":[${params}]}\n`,
    );
    const line = fc
      .tuple(spelling, id, fc.array(text, { minLength: 4, maxLength: 6 }))
      .map(([write, id, params]) => write(id, params.map((param) => `"${param}"`).join(",")));
    fc.assert(
      // Space before it is white space to JSON, and nothing that the short way takes.
      fc.property(line, (text) => {
        expect(parseStratumLine(text)).toEqual(parseStratumLine(` ${text}`));
      }),
      { numRuns: 5_000 },
    );
    const share = '{"id":7,"method":"mining.submit","params":["miner","12","00ff","ab","f0"]}';
    expect(parseStratumLine(share)).toEqual({
      kind: "request",
      id: 7,
      method: "mining.submit",
      params: { kind: "list", values: ["miner", "12", "00ff", "ab", "f0"] },
    });
  });

  it("survives the deepest nesting a line can hold", () => {
    for (const open of ["[", '{"a":']) {
      const depth = Math.floor(2_000 / open.length);
      const deep = open.repeat(depth);
      expect(parseStratumLine(deep).kind).toBe("unparsable");
      const closed = `{"id":1,"method":"m","params":${"[".repeat(2_000)}${"]".repeat(2_000)}}`;
      expect(parseStratumLine(closed)).toEqual({
        kind: "request",
        id: 1,
        method: "m",
        params: { kind: "bad" },
      });
    }
  });

  it("pollutes no prototype", () => {
    parseStratumLine(
      '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"id":1,"method":"m"}',
    );

    expect("polluted" in {}).toBe(false);
  });

  it("takes keys in any case and the last of several", () => {
    expect(parseStratumLine('{"id":1,"METHOD":"a","Params":["x"],"ID":2}')).toEqual({
      kind: "request",
      id: 2,
      method: "a",
      params: { kind: "list", values: ["x"] },
    });
  });

  it.each([
    ["1.5", 0],
    ["null", 0],
    ["[1]", 0],
    ["9007199254740992", 0],
    ["1e400", 0],
    [JSON.stringify("x".repeat(65)), 0],
    ['"7"', "7"],
    [JSON.stringify("x".repeat(64)), "x".repeat(64)],
    ["9007199254740991", 9007199254740991],
    ["2147483648", 2147483648],
    ["-5", -5],
  ])("reads the id %s as %j, and answers with it", (text, id) => {
    expect(parseStratumLine(`{"id":${text},"method":"m","params":[]}`)).toMatchObject({ id });
    expect(encodeResult(id, true)).toBe(`{"id":${JSON.stringify(id)},"result":true}\n`);
  });

  it.each([
    ['["a",null]', { kind: "list", values: ["a", ""] }],
    ["null", { kind: "list", values: [] }],
    ["[1]", { kind: "bad" }],
    ["{}", { kind: "bad" }],
    ['"a"', { kind: "bad" }],
  ])("reads the params %s", (text, params) => {
    expect(parseStratumLine(`{"id":1,"method":"m","params":${text}}`)).toMatchObject({ params });
  });

  it("reads an answer with its error", () => {
    expect(
      parseStratumLine('{"id":3,"result":false,"error":{"code":32022,"message":"x","data":"y"}}'),
    ).toEqual({
      kind: "response",
      id: 3,
      result: false,
      error: { code: 32022, message: "x", data: "y" },
    });
    expect(parseStratumLine('{"id":3,"result":true,"error":null}')).toMatchObject({ error: undefined });
  });
});

describe("what is written", () => {
  it("reads back as it was", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 0x7fffffff }),
        fc.array(fc.string({ unit: "grapheme" })),
        (id, params) => {
          const line = encodeRequest(id, "client.show_message", params);

          expect(line.endsWith("\n")).toBe(true);
          expect(line.slice(0, -1)).not.toMatch(/[<>&\n\u2028\u2029]/);
          expect(parseStratumLine(line)).toEqual({
            kind: "request",
            id,
            method: "client.show_message",
            params: { kind: "list", values: params.map((text) => text.toWellFormed()) },
          });
        },
      ),
    );
  });

  it("has Go's key order and escapes", () => {
    expect(encodeResult(1, true)).toBe('{"id":1,"result":true}\n');
    expect(encodeRequest(1, "m", null)).toBe('{"id":1,"method":"m","params":null}\n');
    expect(encodeRequest(1, "m", ["<b>&\ud800"])).toBe(
      '{"id":1,"method":"m","params":["\\u003cb\\u003e\\u0026\ufffd"]}\n',
    );
    expect(encodeError(null, stratumError("ErrorParseError"))).toBe(
      '{"id":null,"result":null,"error":{"code":32700,"message":"ErrorParseError","data":null}}\n',
    );
    expect(encodeRefusal(2, stratumError("ErrorStaleShare", "the job is over"))).toBe(
      '{"id":2,"result":false,"error":{"code":32021,"message":"ErrorStaleShare","data":"the job is over"}}\n',
    );
  });
});

describe("targets and job ids", () => {
  it("a target reads back as it was, in any case and with leading zeros", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), fc.nat({ max: 20 }), (target, zeros) => {
        const text = "0".repeat(zeros) + formatTarget(target);
        expect(parseTarget(text)).toBe(target);
        expect(parseTarget(text.toUpperCase())).toBe(target);
      }),
    );
  });

  it.each(["", "0x1", "xyz", "10000000000000000", " 1", "1 ", "-1"])("%j is no target", (text) => {
    expect(parseTarget(text)).toBeUndefined();
  });

  it.each(["", "x", "01", "+1", "1.0", "1e3", "2147483648", "99999999999", "-1"])(
    "%j is no job id",
    (text) => {
      expect(parseJobId(text)).toBeUndefined();
    },
  );

  it("a height is a job id", () => {
    expect(parseJobId("301000")).toBe(301000);
    expect(parseJobId("0")).toBe(0);
  });
});
