import { describe, expect, it } from "vitest";
import { lateMsOf } from "../../../edge/lease/slots.ts";
import { assignedWork } from "../../../shared/difficulty/work.ts";
import type { DeltaRow } from "../../../shared/messages/summary.ts";
import { memoryDisk } from "../../support/memory-disk.ts";
import {
  BLOCK_MS,
  granted,
  mine,
  openJob,
  restarted,
  start,
  submission,
  submit,
  type World,
  world,
} from "../../support/share-desk.ts";
import { pass } from "../../support/turns.ts";

const LATE_MS = lateMsOf(BLOCK_MS);
/** A hash in 16 reaches it. */
const THRESHOLD = 0xf000_0000_0000_0000n;
const ASSIGNED = 0x8000_0000_0000_0000n;

/** The n-th share of job 1000 that reaches the threshold, or that does not. */
async function found(isHit: boolean, n: number, prefix = 1): Promise<Awaited<ReturnType<typeof mine>>> {
  for (let skip = 0; ; skip++) {
    const share = await mine(1000, prefix, { target: ASSIGNED, skip });
    if (share.difficulty > THRESHOLD === isHit && n-- === 0) return share;
  }
}

function tallies(w: World): { judged: bigint; sent: number; work: bigint } {
  const rows: DeltaRow[] = [...w.books.deltas.values()]
    .filter(({ job }) => job === 1000)
    .flatMap(({ rows }) => rows);
  return {
    judged: rows.reduce((sum, { judged = "0" }) => sum + BigInt(judged), 0n),
    sent: rows.reduce((sum, { sent = 0 }) => sum + sent, 0),
    work: rows.reduce((sum, { work }) => sum + BigInt(work), 0n),
  };
}

const one = assignedWork(ASSIGNED);

describe("what the edge counts of hits that could win", () => {
  it("is the work below the threshold, and the hits above it that came while the job could be won", async () => {
    const w = world();
    await start(w);
    await granted(w, { target: ASSIGNED });
    await openJob(w, 1000, "assigned", THRESHOLD);
    for (const isHit of [true, false, false])
      expect(await submit(w, submission(w, 1000, await found(isHit, isHit ? 0 : 1)))).toMatch(
        /accepted|duplicate/,
      );
    // At its threshold a share is a hit by its target: it cannot be kept back and paid.
    const paid = await found(true, 2, await granted(w, { target: THRESHOLD }));
    expect(await submit(w, submission(w, 1000, paid))).toBe("accepted");
    await pass(w.clock, 1_100);
    expect(tallies(w)).toEqual({ judged: 2n * one, sent: 1, work: 2n * one + assignedWork(THRESHOLD) });

    await openJob(w, 1001);
    expect(await submit(w, submission(w, 1000, await found(true, 1)))).toBe("accepted");
    await pass(w.clock, LATE_MS + 1_100);
    expect(tallies(w)).toMatchObject({ judged: 3n * one, sent: 1 });
  });

  it("is the same after a kill, for shares that no delta held yet, late ones too", async () => {
    const w = world(memoryDisk());
    await start(w);
    await granted(w, { target: ASSIGNED });
    await openJob(w, 1000, "assigned", THRESHOLD);
    await submit(w, submission(w, 1000, await found(true, 0)));
    expect(tallies(w).work).toBe(0n);
    const inTime = restarted(w);
    await start(inTime);
    await openJob(inTime, 1000, "assigned", THRESHOLD);
    await openJob(inTime, 1001);
    const cut = tallies(inTime);
    await submit(inTime, submission(inTime, 1000, await found(true, 1)));
    expect(tallies(inTime)).toEqual(cut);

    const late = restarted(inTime);
    await start(late);
    await pass(late.clock, 1_100);
    expect(cut).toEqual({ judged: one, sent: 1, work: one });
    expect(tallies(late)).toEqual({ judged: 2n * one, sent: 1, work: 2n * one });
  });

  it("is nothing where the job has no threshold: the rows are those of earlier versions", async () => {
    const w = world();
    await start(w, 1000);
    await granted(w, { target: ASSIGNED });
    await submit(w, submission(w, 1000, await found(true, 0)));
    await pass(w.clock, 1_100);
    expect(Object.keys([...w.books.deltas.values()][0]?.rows[0] ?? {})).not.toContain("judged");
  });
});
