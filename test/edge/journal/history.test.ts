import { describe, expect, it } from "vitest";
import { findShares } from "../../../edge/journal/find-shares.ts";
import { JournalHistory } from "../../../edge/journal/history.ts";
import { SILENT } from "../../../shared/logger.ts";
import { manualClock } from "../../support/manual-clock.ts";
import { memoryDisk } from "../../support/memory-disk.ts";
import {
  granted,
  mine,
  openJob,
  start,
  submission,
  submit,
  type World,
  world,
} from "../../support/share-desk.ts";
import { pass } from "../../support/turns.ts";

const HISTORY = { keepMs: 24 * 3_600_000, maxBytes: 1_000_000 };
const FOLDER = "/data";

const historyOf = (w: World): string[] =>
  [...w.disk.files().keys()].filter((path) => path.startsWith(`${FOLDER}/history/`));

/** Blocks that come and go, so that files of the journal are freed. */
async function blocks(w: World, from: number, count: number): Promise<void> {
  for (let height = from; height < from + count; height++) {
    await openJob(w, height);
    await pass(w.clock, 20_000);
  }
}

describe("the history of shares", () => {
  it("finds a share before and after its file was freed, with its lease, its place and the delta that it went out in", async () => {
    const w = world(memoryDisk(), { history: HISTORY });
    await start(w, 1000);
    const found = await mine(1000, await granted(w));
    await submit(w, submission(w, 1000, found));
    const fresh = await findShares(FOLDER, found.nonce, w.disk);
    await pass(w.clock, 2_000);
    const cut = await findShares(FOLDER, found.nonce, w.disk);
    await blocks(w, 1001, 5);
    const freed = await findShares(FOLDER, found.nonce, w.disk);

    expect(historyOf(w).length).toBeGreaterThan(0);
    expect(fresh).toMatchObject([{ share: { job: 1000, user: "alice", worker: "rig", late: false } }]);
    // Hashing took as long as the clock was moved by hand: not at all.
    expect(fresh[0]?.share.waitedMs).toBe(0);
    expect(fresh[0]).toMatchObject({ epoch: { slot: 0, epoch: 1 }, seq: undefined });
    expect(cut).toEqual([{ ...fresh[0], seq: 0 }]);
    expect(freed).toEqual(cut);
    expect(await findShares(FOLDER, Uint8Array.of(9, 9, 9, 9, 9), w.disk)).toEqual([]);
  });

  it("is not there where it is not asked for: files are removed as ever", async () => {
    const w = world();
    await start(w, 1000);
    const found = await mine(1000, await granted(w));
    await submit(w, submission(w, 1000, found));
    await blocks(w, 1001, 5);

    expect(historyOf(w)).toEqual([]);
    expect(await findShares(FOLDER, found.nonce, w.disk)).toEqual([]);
  });

  it("keeps no more bytes and no longer than it may, also over a restart, and gives all to a full disk", async () => {
    const disk = memoryDisk();
    const clock = manualClock();
    const made = (): JournalHistory =>
      new JournalHistory({ folder: "/h", keepMs: 1000, maxBytes: 250 }, { disk, clock, logger: SILENT });
    const take = async (history: JournalHistory, n: number): Promise<void> => {
      const path = `/j/0000000${n}.journal`;
      await (await disk.create(path)).append(new Uint8Array(100));
      await history.take(path, 100);
    };
    const kept = (): number => [...disk.files().keys()].filter((path) => path.startsWith("/h/")).length;
    await disk.makeFolder("/j");
    let history = made();
    for (let n = 1; n <= 4; n++) await take(history, n);
    expect(kept()).toBe(2);
    history = made();
    clock.advance(1_500);
    await take(history, 5);
    expect(kept()).toBe(1);
    await history.clear();

    expect(kept()).toBe(0);
    expect([...disk.files().keys()]).toEqual([]);
  });

  it("frees a file of the journal even where the history cannot be written", async () => {
    const disk = memoryDisk();
    const history = new JournalHistory(
      { folder: "/h", ...HISTORY },
      { disk, clock: manualClock(), logger: SILENT },
    );
    await disk.makeFolder("/j");
    await (await disk.create("/j/00000001.journal")).append(new Uint8Array(10));
    disk.failNext("rename");
    await history.take("/j/00000001.journal", 10);

    expect([...disk.files().keys()]).toEqual([]);
  });
});
