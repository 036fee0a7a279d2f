/** Real mainnet blocks, graded with the real table, against what the reference makes of them and the winners of the time. */

import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import * as v from "valibot";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readBlockFile } from "../../../infra/cli/tools/block-file.ts";
import { gradeCommand } from "../../../infra/cli/tools/grade.ts";
import { bytesToU64, concat, toHex } from "../../../shared/bytes.ts";
import { gradeBlock } from "../../../shared/grading/grade.ts";
import { validateEntry } from "../../../shared/grading/validate.ts";
import type { Hasher } from "../../../shared/hash/hasher.ts";
import { openTable } from "../../../shared/hash/open-table.ts";
import { LxrPool } from "../../../shared/hash/pool.ts";
import { SILENT } from "../../../shared/logger.ts";
import { MAINNET_ACTIVATIONS, versionAt } from "../../../shared/opr/assets.ts";
import { expectGraded, gradedResult } from "../../support/graded-vector.ts";
import { casesOf, decimal, readCases } from "../../support/vectors.ts";

const BLOCKS =
  process.env["PROSPER_MAINNET_BLOCKS"] ??
  fileURLToPath(new URL("../../../../shared/vectors", import.meta.url));

const mainnetCase = v.object({
  addedCount: v.number(),
  entries: v.array(
    v.object({
      accepted: v.boolean(),
      difficulty: v.optional(decimal),
      difficultyOk: v.optional(v.boolean()),
      hash: v.string(),
    }),
  ),
  expectedWinners: v.array(v.string()),
  height: v.number(),
  result: gradedResult,
  version: v.picklist([1, 2]),
});

let hasher: Hasher;

beforeAll(async () => {
  if (!existsSync(BLOCKS))
    throw new Error(
      `expected the mainnet blocks 206422.json and 210330.json in ${BLOCKS}, found no such folder: set PROSPER_MAINNET_BLOCKS`,
    );
  const table = await openTable({ bits: 30, logger: SILENT });
  hasher = new LxrPool({ table, threads: 2 }, { logger: SILENT });
});

afterAll(() => hasher?.close());

describe.each([206_422, 210_330])("mainnet block %i", (height) => {
  const [want] = casesOf(readCases(`mainnet_${height}.json`), "mainnet", mainnetCase);
  if (want === undefined) throw new Error("a mainnet vector holds one case");
  const path = join(BLOCKS, `${height}.json`);

  it("is graded as by the reference, with the winners of the time", async () => {
    const file = await readBlockFile(path);
    const version = versionAt(file.height, MAINNET_ACTIVATIONS);
    expect([file.height, version]).toEqual([want.height, want.version]);

    const graded = await gradeBlock({ ...file, version: want.version }, hasher);

    expectGraded(graded, want.result);
    expect(graded.winners).toEqual(want.expectedWinners);
    expect(file.recordedWinners).toEqual(want.expectedWinners);
    expect(file.entries.map((entry) => toHex(entry.entryHash))).toEqual(
      want.entries.map((entry) => entry.hash),
    );
    expect(graded.verdicts.map((verdict) => verdict.kind !== "invalid")).toEqual(
      want.entries.map((entry) => entry.accepted),
    );
  });

  it("has the reference's difficulty for every valid entry", async () => {
    const { entries, prevWinners } = await readBlockFile(path);
    const block = { version: want.version, height, prevWinners: prevWinners ?? [] };
    const valid = entries.map((entry) => validateEntry(entry, block)).filter((verdict) => verdict.ok);

    const hashes = await hasher.hash(valid.map(({ entry }) => concat(entry.oprHash, entry.nonce)));

    const wanted = want.entries.filter((entry) => entry.accepted);
    expect(valid.length).toBe(want.addedCount);
    expect(hashes.map((hash) => bytesToU64(hash))).toEqual(wanted.map((entry) => entry.difficulty));
    expect(valid.map(({ entry }, i) => entry.selfReportedDifficulty === wanted[i]?.difficulty)).toEqual(
      wanted.map((entry) => entry.difficultyOk),
    );
  });

  it("is printed by `prosper grade --json`", async () => {
    let [out, complaints] = ["", ""];
    await gradeCommand(
      { file: path, json: true },
      {
        stdout: { write: (text) => (out += text) },
        stderr: { write: (text) => (complaints += text) },
        openHasher: async (bits) =>
          new LxrPool({ table: await openTable({ bits, logger: SILENT }), threads: 1 }, { logger: SILENT }),
      },
    );

    expect(complaints).toBe("");
    expect(JSON.parse(out)).toEqual({
      winners: want.expectedWinners,
      graded: want.result.graded.map(({ entryhash, grade, payout, position }) => ({
        entryHash: entryhash,
        position,
        grade,
        payout: String(payout),
      })),
    });
  });
});
