import { describe, expect, it } from "vitest";
import { fromHex } from "../../../shared/bytes.ts";
import { nextEma } from "../../../shared/difficulty/ema.ts";
import { minimumTargetFromPlace } from "../../../shared/difficulty/network-hashrate.ts";
import { parseEntryBlock } from "../../../shared/factom/block.ts";
import { gradeOrder } from "./expected.ts";
import { readRecording } from "./recording.ts";

const { blocks, db: theirs } = readRecording();

describe("the recorded run of the Go pool, read by our arithmetic", () => {
  it("reads the entry blocks that the reference names, whose names our rows do not keep", () => {
    const read = blocks.flatMap((block) => {
      if (block.eblockRaw === undefined) return [];
      const parsed = parseEntryBlock(fromHex(block.eblockRaw));
      return parsed.ok ? [{ height: block.height, ...parsed }] : [];
    });

    expect(
      read.map(({ height, block, hashes }) => [height, block.sequence, hashes.keyMr, block.prevKeyMr]),
    ).toEqual(
      theirs.pegnet_grades.map((row) => [row.height, row.eb_sequence, row.eblock_key_mr, row.prev_key_mr]),
    );
  });

  it("has no other difference in the averages: in grade order our arithmetic gives the reference's rows", () => {
    let ema: bigint | undefined;
    for (const row of theirs.emas) {
      const order = gradeOrder(row.block_height);
      const spot = Math.min(50, order.length);
      const last = order[spot - 1] ?? 0n;
      const minimum = minimumTargetFromPlace(last, spot, row.cutoff);
      ema = nextEma(ema, minimum, row.n);
      expect(
        {
          last_graded_index: spot - 1,
          last_graded: last >> 1n,
          minimum_target: minimum >> 1n,
          ema_value: (ema ?? 0n) >> 1n,
        },
        `block ${row.block_height}`,
      ).toEqual({
        last_graded_index: row.last_graded_index,
        last_graded: row.last_graded,
        minimum_target: row.minimum_target,
        ema_value: row.ema_value,
      });
      expect([row.job_id, row.n, row.cutoff]).toEqual([row.block_height, 12, 200]);
    }
  });
});
