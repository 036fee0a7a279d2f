import * as v from "valibot";
import { describe, expect, it } from "vitest";
import { fromHex, toHex } from "../../../shared/bytes.ts";
import { poolContentCheck } from "../../../shared/grading/pool-content-check.ts";
import { checkPreviousWinners } from "../../../shared/grading/previous-winners.ts";
import { type EntryRefusal, validateEntry } from "../../../shared/grading/validate.ts";
import { isOprVersion } from "../../../shared/opr/assets.ts";
import { casesOf, decimal, readCases } from "../../support/vectors.ts";
import { bytes } from "../opr/opr-vectors.ts";

const version = v.picklist([1, 2, 3, 4, 5]);
const winners = v.nullable(v.array(v.string()));
const cases = readCases("opr_validation.json");

const validations = casesOf(
  cases,
  "validate",
  v.object({
    content: bytes,
    entryhash: bytes,
    error: v.nullable(v.string()),
    errorType: v.optional(v.string()),
    extids: v.nullable(v.array(bytes)),
    height: v.number(),
    note: v.string(),
    oprhash: v.optional(v.string()),
    prevWinners: winners,
    selfReportedDifficulty: v.optional(decimal),
    valid: v.boolean(),
    version,
  }),
);
const graders = casesOf(
  cases,
  "newGrader",
  v.object({
    graderPrevWinners: v.optional(winners),
    height: v.number(),
    note: v.string(),
    ok: v.boolean(),
    prevWinners: winners,
    version: v.number(),
  }),
);
const contentChecks = casesOf(
  cases,
  "poolContentCheck",
  v.object({
    content: bytes,
    error: v.optional(v.nullable(v.string())),
    note: v.string(),
    panic: v.optional(v.string()),
    valid: v.boolean(),
    version,
  }),
);

/** Our codes for the reference's texts; where it has one text for several things, or looks in another order, there are several. */
const CODES: readonly (readonly [RegExp, readonly EntryRefusal[]])[] = [
  [/^invalid entry hash length/, ["entry-hash-length"]],
  [/^invalid extid count/, ["extid-count"]],
  // V1 looks at the version first; we always look at the difficulty first.
  [/^invalid version/, ["version", "difficulty-length"]],
  [/^self reported difficulty/, ["difficulty-length"]],
  [/^invalid height/, ["height"]],
  [/^asset list is not correct/, ["asset-missing"]],
  [/^invalid assets/, ["asset-count"]],
  [/^(all values other than PNT|assets must be|asset quote must be)/, ["asset-zero"]],
  [/^must have exactly/, ["winner-count"]],
  [/^factoidaddress is invalid/, ["address"]],
  [/^only alphanumeric/, ["identity"]],
  [/^(invalid list|incorrect amount) of previous winners/, ["winner-format", "winner-count"]],
  [/^incorrect set of previous winners/, ["winners-differ"]],
];

function codesFor(error: string | null | undefined, errorType?: string): readonly string[] {
  if (errorType === "DecodeError") return ["content-format"];
  return CODES.find(([text]) => text.test(error ?? ""))?.[1] ?? [];
}

describe("validation of OPR entries", () => {
  it("has every case of the vectors", () => {
    expect([validations.length, graders.length, contentChecks.length]).toEqual([531, 126, 36]);
    expect(validations.length + graders.length + contentChecks.length).toBe(cases.length);
  });

  it.each(validations)("gives the reference's verdict: V$version $note", (item) => {
    const entry = { entryHash: item.entryhash, extIds: item.extids ?? [], content: item.content };
    const block = { version: item.version, height: item.height, prevWinners: item.prevWinners ?? [] };

    const verdict = validateEntry(entry, block);

    expect(verdict.ok).toBe(item.valid);
    if (!verdict.ok) {
      expect(codesFor(item.error, item.errorType)).toContain(verdict.code);
      return;
    }
    expect(toHex(verdict.entry.oprHash)).toBe(item.oprhash);
    expect(verdict.entry.selfReportedDifficulty).toBe(item.selfReportedDifficulty);
    expect(verdict.entry.opr.height).toBe(item.height);
  });
});

describe("the winners to grade with", () => {
  it.each(graders)("are taken as in the reference: V$version at $height, $note", (item) => {
    if (!isOprVersion(item.version)) {
      expect(item.ok).toBe(false);
      return;
    }

    const checked = checkPreviousWinners(item.version, item.height, item.prevWinners);

    expect(checked.ok).toBe(item.ok);
    if (checked.ok && item.graderPrevWinners) expect(checked.winners).toEqual(item.graderPrevWinners);
  });
});

describe("the pool's check of its own content", () => {
  it.each(contentChecks)("gives the reference's verdict: V$version $note", (item) => {
    const verdict = poolContentCheck(item.version, item.content);

    expect(verdict.ok).toBe(item.valid);
    if (verdict.ok) return;
    if (item.panic !== undefined) {
      // Differs from prosper-pool: there a zero price beyond the 30th asset crashes the check.
      expect(item.panic).toContain("index out of range");
      const last = item.version === 4 ? "XTZ" : "NGN";
      expect(verdict).toMatchObject({ code: "asset-zero", reason: expect.stringContaining(last) });
      return;
    }
    expect(codesFor(item.error)).toContain(verdict.code);
    const named = /([A-Z]+) is 0$/.exec(item.error ?? "")?.[1];
    if (named !== undefined) expect(verdict.reason).toContain(named);
  });

  it("is made for V1 too, where the reference makes none", () => {
    const priceless = new TextEncoder().encode('{"assets":{"PNT":0,"USD":0}}');
    expect(poolContentCheck(1, priceless)).toMatchObject({ ok: false, code: "asset-zero" });
    expect(poolContentCheck(1, fromHex("00"))).toMatchObject({ ok: false, code: "content-format" });
  });
});
