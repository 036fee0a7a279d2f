import { describe, expect, it } from "vitest";
import { RefusedShares } from "../../../edge/shares/refused-shares.ts";
import type { SubmittedShare } from "../../../edge/stratum/backend.ts";
import type { RefusedCount } from "../../../shared/db/refused.ts";
import { SILENT } from "../../../shared/logger.ts";
import { manualClock } from "../../support/manual-clock.ts";

const share = (user: string, worker: string, nonce: string): SubmittedShare => ({
  ...{ user, worker, nonce, sessionId: "1", remoteAddress: "10.0.0.1", jobId: "1000" },
  ...{ oprHash: "", target: "ff", readAtMs: 0 },
});

/** Runs it once; `isAway`: the database does not answer. */
async function written(refused: RefusedShares): Promise<void> {
  await refused.run(AbortSignal.abort());
}

describe("refused shares", () => {
  it("are counted by user, worker, reason and hour, and written once", async () => {
    const clock = manualClock();
    const batches: RefusedCount[][] = [];
    const refused = new RefusedShares({
      clock,
      logger: SILENT,
      write: async (counts) => void batches.push([...counts]),
    });
    for (let n = 0; n < 3; n++) refused.add(share("ann", "rig", `aa0${n}`), "stale", "over");
    refused.add(share("ann", "rig", "aa09"), "duplicate", "again");
    await written(refused);
    await written(refused);

    const hour = Math.floor(clock.wallMs() / 3_600_000) * 3_600_000;
    expect(batches).toEqual([
      [
        { user: "ann", worker: "rig", atMs: hour, reason: "stale", shares: 3 },
        { user: "ann", worker: "rig", atMs: hour, reason: "duplicate", shares: 1 },
      ],
    ]);
  });

  it("that could not be written are written with the next ones", async () => {
    let isAway = true;
    const got: RefusedCount[] = [];
    const refused = new RefusedShares({
      ...{ clock: manualClock(), logger: SILENT },
      write: async (counts) => {
        if (isAway) throw new Error("away");
        got.push(...counts);
      },
    });
    refused.add(share("ann", "rig", "aa01"), "stale", "over");
    await written(refused);
    isAway = false;
    refused.add(share("ann", "rig", "aa02"), "stale", "over");
    await written(refused);

    expect(got.map(({ shares }) => shares)).toEqual([2]);
  });

  it("are found by their nonce with the reason, and the oldest are forgotten: names and nonces without end stay in bounds", async () => {
    const got: RefusedCount[] = [];
    const clock = manualClock();
    const refused = new RefusedShares({
      ...{ clock, logger: SILENT },
      write: async (counts) => void got.push(...counts),
    });
    const readAtMs = clock.monotonicMs();
    clock.advance(40);
    refused.add({ ...share("ann", "rig", "AB12"), readAtMs }, "stale", "this job is over");
    expect(refused.find("ab12")).toMatchObject([
      { user: "ann", code: "stale", reason: "this job is over", waitedMs: 40 },
    ]);
    for (let n = 0; n < 20_000; n++)
      refused.add(share("eve", `made-up-${n}`, n.toString(16)), "stale", "over");
    await written(refused);

    expect(refused.find("ab12")).toEqual([]);
    expect(refused.find((19_999).toString(16))).toHaveLength(1);
    expect(got).toHaveLength(8_192);
  });
});
