import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as v from "valibot";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { lineOfPath, lineOfSyntaxError } from "../../../../infra/cli/json-lines.ts";
import { parseBlockFile } from "../../../../infra/cli/tools/block-file.ts";
import { type GradeOptions, gradeCommand } from "../../../../infra/cli/tools/grade.ts";
import { toHex } from "../../../../shared/bytes.ts";
import { buildOpr } from "../../../../shared/grading/build-record.ts";
import { assetsOf } from "../../../../shared/opr/assets.ts";
import { gradedResult } from "../../../support/graded-vector.ts";
import { smallHasher } from "../../../support/hash/small-hasher.ts";
import { casesOf, readCases } from "../../../support/vectors.ts";

const blocks = casesOf(
  readCases("grading.json"),
  "block",
  v.object({
    contents: v.array(v.string()),
    entries: v.array(v.object({ content: v.number(), extids: v.array(v.string()), hash: v.string() })),
    height: v.number(),
    prevWinners: v.array(v.string()),
    result: gradedResult,
    version: v.picklist([1, 2, 3, 4, 5]),
  }),
);

type BlockCase = (typeof blocks)[number];

/** The form with hex. */
function plain(block: BlockCase): Record<string, unknown> {
  return {
    version: block.version,
    height: block.height,
    prevWinners: block.prevWinners,
    entries: block.entries.map(({ content, extids, hash }) => ({
      entryHash: hash,
      extIds: extids,
      content: block.contents[content],
    })),
  };
}

/** The form of pegnet's test data. */
function recorded(block: BlockCase): Record<string, unknown> {
  const base64 = (hex: string | undefined): string => Buffer.from(hex ?? "", "hex").toString("base64");
  return {
    Height: block.height,
    PreviousWinners: block.prevWinners,
    Winners: block.result.winnersShortHashes,
    Entries: block.entries.map(({ content, extids, hash }) => ({
      Hash: hash,
      ExtIDs: extids.map(base64),
      Content: base64(block.contents[content]),
    })),
  };
}

const printed = ({ result }: BlockCase): unknown => ({
  winners: result.winnersShortHashes,
  graded: result.graded.map(({ entryhash, grade, payout, position }) => ({
    entryHash: entryhash,
    position,
    grade,
    payout: String(payout),
  })),
});

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "prosper-grade-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function run(
  content: unknown,
  options: Omit<GradeOptions, "file"> = {},
): Promise<{ out: string; complaints: string; bits: number[] }> {
  const file = join(folder, "block.json");
  await writeFile(file, typeof content === "string" ? content : JSON.stringify(content));
  const result = { out: "", complaints: "", bits: [] as number[] };
  await gradeCommand(
    { file, ...options },
    {
      stdout: { write: (text) => (result.out += text) },
      stderr: { write: (text) => (result.complaints += text) },
      openHasher: async (bits) => {
        result.bits.push(bits);
        return smallHasher(10);
      },
    },
  );
  return result;
}

describe("prosper grade", () => {
  const large = blocks.filter(({ entries }) => entries.length === 50 || entries.length === 9);

  it.each(large)("prints a V$version block of either form as one line of JSON", async (block) => {
    const fromHexFile = await run(plain(block), { bits: 10, json: true });
    const fromBase64File = await run(recorded(block), { bits: 10, json: true, version: block.version });

    for (const { out, complaints, bits } of [fromHexFile, fromBase64File]) {
      expect(out.trimEnd().split("\n").length).toBe(1);
      expect(JSON.parse(out)).toEqual(printed(block));
      expect(complaints).toBe("");
      expect(bits).toEqual([10]);
    }
  });

  it("takes 30 bits and mainnet's version at the height where nothing else is said", async () => {
    const { bits, out } = await run({ height: 210_330, prevWinners: null, entries: [] });

    expect(bits).toEqual([30]);
    expect(out).toContain("Block 210330, version 2");
  });

  it("prints a table for people, without the control characters of strangers", async () => {
    const prices = new Map(assetsOf(1).map((name) => [name, 100_000_000n]));
    const draft = {
      version: 1,
      height: 7,
      address: "",
      identity: "\u001b[2Jcls",
      prevWinners: null,
      prices,
    } as const;
    const opr = buildOpr(draft);
    if (!opr.ok) throw new Error(opr.reason);
    const [difficulty = new Uint8Array(8)] = await smallHasher(10).hash([opr.oprHash]);
    const extIds = ["", toHex(difficulty.subarray(0, 8)), "01"];
    const entry = { entryHash: "ab".repeat(32), extIds, content: toHex(opr.content) };

    const { out } = await run({
      version: 1,
      height: 7,
      entries: [entry, { ...entry, content: "00" }, entry],
    });

    expect(out).toContain("3 entries, 2 valid, 1 left of the 10 it takes: not graded");
    expect(out).toMatch(/abababababababab .* 0 PEG {2}\?\[2Jcls\n/);
    expect(out).toContain("1  invalid: content-format");
    expect(out).toContain("1  duplicate");
    expect(out).not.toContain("\u001b");
  });

  it("says on stderr when the file records other winners", async () => {
    const [block] = large;
    if (block === undefined) throw new Error("the vectors have such blocks");
    const { complaints } = await run(
      { ...recorded(block), Winners: ["0011223344556677"] },
      { version: block.version },
    );

    expect(complaints).toContain("other winners");
  });

  it.each([
    { name: "a missing file", file: "nowhere.json", message: /nowhere\.json.*no such file/ },
    { name: "an unknown version", options: { version: 6 }, message: /--version 1 to 5, got 6/ },
    { name: "a height before PegNet", height: 5, message: /from height 206421 on.*got 5/ },
  ])("refuses $name", async ({ file, height = 300_000, message, options }) => {
    const block = { height, prevWinners: [], entries: [] };
    const attempt =
      file === undefined ? run(block, options) : gradeCommand({ file: join(folder, file) }, unused);

    await expect(attempt).rejects.toThrow(message);
    await expect(attempt).rejects.toMatchObject({ name: "CodedError" });
  });
});

const unused = {
  stdout: { write: () => undefined },
  stderr: { write: () => undefined },
  openHasher: () => Promise.reject(new Error("no table is opened for a file that cannot be read")),
};

describe("a block file's errors", () => {
  const entry = { entryHash: "ab".repeat(32), extIds: ["00"], content: "00" };
  const lines = (json: unknown): string => JSON.stringify(json, null, 1);

  it.each([
    {
      name: "a wrong type",
      text: lines({ height: "5", prevWinners: [], entries: [] }),
      message: /^f\.json:2: height: .*number/,
    },
    {
      name: "a missing field, at the line of its object",
      text: lines({ height: 5, entries: [entry, { entryHash: entry.entryHash, extIds: [] }] }),
      message: /^f\.json:11: entries\[1\]\.content: /,
    },
    {
      name: "odd hex",
      text: lines({ height: 5, entries: [{ ...entry, extIds: ["00", "abc"] }] }),
      message: /^f\.json:8: entries\[0\]\.extIds\[1\]: expected an even number of hex digits/,
    },
    {
      name: "a short entry hash",
      text: lines({ height: 5, entries: [{ ...entry, entryHash: "ab" }] }),
      message: /^f\.json:5: entries\[0\]\.entryHash: expected 64 hex digits/,
    },
    {
      name: "bad base64",
      text: lines({ Height: 5, Entries: [{ Hash: entry.entryHash, ExtIDs: ["!"], Content: "" }] }),
      message: /^f\.json:7: Entries\[0\]\.ExtIDs\[0\]: expected base64/,
    },
    { name: "a file of another kind", text: "[]", message: /^f\.json:1: / },
    {
      name: "a slip in the JSON",
      text: '{"height": 5,\n"entries": [}',
      message: /^f\.json:2: expected JSON/,
    },
  ])("name the line and the field: $name", ({ message, text }) => {
    expect(() => parseBlockFile(text, "f.json")).toThrow(message);
  });

  it("point at the first wrong character of a text that is no JSON", () => {
    expect(lineOfSyntaxError('{\n"a":1,\n"b" 2}')).toBe(3);
    expect(lineOfSyntaxError('{"a":\n tru}\n\n')).toBe(2);
    expect(lineOfSyntaxError('{"a":1}\nx\n')).toBe(2);
    expect(lineOfSyntaxError('{"a":\n[1,2\n')).toBe(3);
    expect(lineOfSyntaxError("")).toBe(1);
  });

  it("point at the last of several equal keys, as the parser reads them", () => {
    expect(lineOfPath('{"a":1,\n"a":\n{"b":2}}', ["a", "b"])).toBe(3);
  });
});
