import { describe, expect, it } from "vitest";
import { csvOf } from "../../../../functions/api/http/csv.ts";

/** One cell of a file with that cell only, with its quotes. */
const cell = (text: string): string => csvOf([text], []).slice(0, -2);

describe("csvOf", () => {
  it("writes lines as RFC 4180 has them, and quotes what would end a cell", () => {
    expect(
      csvOf(
        ["a", "b"],
        [
          ["1", "x,y"],
          ['say "hi"', "two\nlines"],
          ["", " "],
        ],
      ),
    ).toBe('a,b\r\n1,"x,y"\r\n"say ""hi""","two\nlines"\r\n, \r\n');
  });

  it("puts an apostrophe before what a spreadsheet would run", () => {
    for (const evil of ["=1+1", "+1+1", "-1+1", "@SUM(A1)", "＝1", "－1"])
      expect(cell(evil)).toBe(`'${evil}`);
    expect(cell("\t=1")).toBe(`"'\t'=1"`);
    expect(cell("\r=1")).toBe(`"'\r'=1"`);
    expect(cell('=HYPERLINK("http://evil.example")')).toBe(`"'=HYPERLINK(""http://evil.example"")"`);
  });

  it("guards also what another separator would make a cell of", () => {
    expect(cell("a;=1+1")).toBe(`"a;'=1+1"`);
    expect(cell("a,=1+1")).toBe(`"a,'=1+1"`);
    expect(cell('a"=1+1')).toBe(`"a""'=1+1"`);
    expect(cell("a; =1+1")).toBe(`"a;' =1+1"`);
  });

  it("leaves numbers alone, below 0 too, and text that is none", () => {
    for (const plain of ["-12.50000000", "0", "rig-1", "a=b", "someone@example.org", "2026-11-29 10:00:00"])
      expect(cell(plain)).toBe(plain);
  });
});
