import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Disk } from "../../../edge/journal/disk.ts";
import { Journal, type JournalOptions } from "../../../edge/journal/journal.ts";
import { nodeDisk } from "../../../edge/journal/node-disk.ts";
import { readJournal } from "../../../edge/journal/read-journal.ts";
import { systemClock, systemRandom } from "../../../shared/clock.ts";
import type { CodedError } from "../../../shared/errors.ts";
import { SILENT } from "../../../shared/logger.ts";
import { type ManualClock, manualClock } from "../../support/manual-clock.ts";
import { memoryDisk } from "../../support/memory-disk.ts";
import { passUntil, settle } from "../../support/turns.ts";

const FOLDER = "/data/journal";

interface Opened {
  journal: Journal;
  clock: ManualClock;
  failures: CodedError[];
  /** Texts found at the start. */
  found: string[];
  state: string;
}

const text = (body: Uint8Array): string => new TextDecoder().decode(body);
const record = (body: string) => ({ kind: 3, body: new TextEncoder().encode(body) });

async function open(disk: Disk, options: Partial<JournalOptions> = {}): Promise<Opened> {
  const found: string[] = [];
  let state = "";
  const folder = options.folder ?? FOLDER;
  const end = await readJournal(
    folder,
    {
      start: (header) => {
        state = header;
      },
      record: ({ body }) => void found.push(text(body)),
    },
    { disk, logger: SILENT },
  );
  const clock = manualClock();
  const failures: CodedError[] = [];
  const journal = new Journal({ ...options, folder }, end, {
    disk,
    clock,
    random: systemRandom,
    logger: SILENT,
    state: () => `after ${journal.lastRecord()}`,
    onFailure: (error) => void failures.push(error),
  });
  return { journal, clock, failures, found, state };
}

/** Appends texts at once and tells what became of each. */
async function append({ journal, clock }: Opened, ...texts: string[]): Promise<string[]> {
  const outcomes = Promise.all(texts.map((body) => journal.append(record(body))));
  return (await passUntil(clock, outcomes)).map(({ kind }) => kind);
}

describe("the journal", () => {
  it("makes a group durable with one write and one sync, and resolves in order", async () => {
    const disk = memoryDisk();
    const opened = await open(disk);
    await append(opened, "first");
    const before = disk.operations();
    const order: number[] = [];

    const waiting = Promise.all(
      [1, 2, 3].map((n) => opened.journal.append(record(`${n}`), ({ number }) => void order.push(number))),
    );
    await passUntil(opened.clock, waiting);

    expect(order).toEqual([2, 3, 4]);
    expect(disk.operations() - before).toBe(2);
  });

  it("gives every durable record back after a kill and after a power cut that keeps only what was synced", async () => {
    const disk = memoryDisk();
    const opened = await open(disk, { segmentBytes: 300 });
    for (let n = 0; n < 40; n++) await append(opened, `record ${n}`);
    const expected = Array.from({ length: 40 }, (_, n) => `record ${n}`);

    const afterKill = await open(disk.afterCrash("kill"));
    const afterPower = await open(disk.afterCrash("power", () => 0));

    expect(afterKill.found).toEqual(expected);
    expect(afterPower.found).toEqual(expected);
    expect(disk.files().size).toBeGreaterThan(3);
  });

  it("goes on after a restart in a new file whose header knows the state", async () => {
    const disk = memoryDisk();
    await append(await open(disk), "one", "two");
    const second = await open(disk);
    await append(second, "three");
    await second.journal.freeOldest();

    const third = await open(disk);

    expect(third.found).toEqual(["three"]);
    expect(third.state).toBe("after 2");
  });

  it("answers full on a full disk, cuts back to the last whole record and recovers when there is room", async () => {
    const disk = memoryDisk();
    const opened = await open(disk);
    await append(opened, "kept");
    const size = [...disk.files().values()][0]?.length ?? 0;
    disk.capacity = size + 20;

    const refused = await append(opened, "does not fit in twenty bytes");
    const cutBack = [...disk.files().values()][0]?.length;
    disk.capacity = Number.POSITIVE_INFINITY;
    const tooSoon = opened.journal.canAppend();
    opened.clock.advance(500);
    const later = await append(opened, "fits now");

    expect([refused, cutBack, tooSoon, later]).toEqual([["full"], size, false, ["durable"]]);
    expect(opened.failures).toEqual([]);
    expect((await open(disk)).found).toEqual(["kept", "fits now"]);
  });

  it("refuses the group and ends for good when a sync fails, without asking the disk again", async () => {
    const disk = memoryDisk();
    const opened = await open(disk);
    await append(opened, "kept");
    disk.failNext("sync");

    const outcomes = await append(opened, "a", "b");
    const operations = disk.operations();
    const later = await append(opened, "c");

    expect([outcomes, later]).toEqual([["failed", "failed"], ["failed"]]);
    expect(opened.failures.map(({ code }) => code)).toEqual(["journal-failed"]);
    expect(disk.operations()).toBe(operations);
    expect((await open(disk.afterCrash("power", () => 0))).found).toEqual(["kept"]);
  });

  it("ends when half a record cannot be cut off", async () => {
    const disk = memoryDisk();
    const opened = await open(disk);
    await append(opened, "kept");
    disk.capacity = [...disk.files().values()][0]?.length ?? 0;
    disk.failNext("truncate");

    expect(await append(opened, "lost")).toEqual(["failed"]);
    expect(opened.failures).toHaveLength(1);
  });

  it("answers full beyond its bytes and beyond the records that may wait", async () => {
    const small = await open(memoryDisk(), { maxBytes: 400 });
    for (let n = 0; n < 3; n++) await append(small, "x".repeat(150));
    const short = await open(memoryDisk(), { queueLimit: 2 });

    expect(await append(small, "more")).toEqual(["full"]);
    expect(await append(short, "1", "2", "3")).toEqual(["durable", "durable", "full"]);
  });

  it("names the file and the offset of damage, and says what to do", async () => {
    const disk = memoryDisk();
    const opened = await open(disk);
    for (const body of ["one", "two", "three"]) await append(opened, body);
    const [[path, data]] = [...disk.files()] as [[string, Uint8Array]];
    const changed = data.slice();
    changed[Buffer.from(data).indexOf("two")] = 0;
    disk.overwrite(path, changed);

    await expect(open(disk)).rejects.toMatchObject({
      code: "journal-damaged",
      message: expect.stringMatching(new RegExp(`${path}.*offset \\d+.*Restore`)),
    });
  });

  it("refuses a missing file in the row, and a shortened one that is not the last", async () => {
    const disk = memoryDisk();
    const opened = await open(disk);
    for (const body of ["one", "two", "three"]) {
      opened.journal.rotate();
      await append(opened, body);
    }
    const files = [...disk.files()].sort(([a], [b]) => (a < b ? -1 : 1));
    const without = memoryDisk(new Map(files.filter((_, index) => index !== 1)));
    const shortened = memoryDisk(
      new Map(files.map(([path, data], index) => [path, index === 0 ? data.slice(0, -18) : data])),
    );

    await expect(open(without)).rejects.toMatchObject({ code: "journal-damaged" });
    await expect(open(shortened)).rejects.toMatchObject({ code: "journal-damaged" });
  });

  it("survives a crash at every operation of its life with every durable record, and nothing out of order", async () => {
    const script = async (disk: ReturnType<typeof memoryDisk>): Promise<string[]> => {
      const durable: string[] = [];
      try {
        const opened = await open(disk, { segmentBytes: 250 });
        for (let n = 0; n < 12 && !disk.dead(); n++) {
          const texts = [`${n}a`, `${n}b`, `${n}c`];
          const outcomes = await append(opened, ...texts);
          durable.push(...texts.filter((_, index) => outcomes[index] === "durable"));
        }
      } catch {
        // The process died at its start.
      }
      return durable;
    };
    const healthy = memoryDisk();
    await script(healthy);
    let seed = 1;
    const chance = (): number => {
      seed = (seed * 48271) % 2147483647;
      return seed / 2147483647;
    };

    let crashes = 0;
    for (let at = 1; at <= healthy.operations(); at++) {
      for (const kind of ["kill", "power"] as const) {
        const disk = memoryDisk();
        disk.dieAfter(at, 0.6);
        const durable = await script(disk);
        const { found } = await open(disk.afterCrash(kind, chance));
        expect(found.slice(0, durable.length)).toEqual(durable);
        expect(found).toEqual(
          [...found].sort((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10) || (a < b ? -1 : 1)),
        );
        crashes += 1;
      }
    }

    expect(crashes).toBeGreaterThan(60);
  });
});

describe("the journal on a real disk", () => {
  let folder = "";
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "prosper-journal-"));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it("writes, rotates, frees and reads back", async () => {
    const read = async () => {
      const found: string[] = [];
      const end = await readJournal(
        folder,
        { start: () => undefined, record: ({ body }) => void found.push(text(body)) },
        { disk: nodeDisk, logger: SILENT },
      );
      return { end, found };
    };
    const { end } = await read();
    const journal = new Journal({ folder }, end, {
      disk: nodeDisk,
      clock: systemClock,
      random: systemRandom,
      logger: SILENT,
      state: () => "",
      onFailure: (error) => {
        throw error;
      },
    });
    await Promise.all(Array.from({ length: 600 }, (_, n) => journal.append(record(`${n}`))));
    journal.rotate();
    const last = await journal.append(record("last"));
    await journal.freeOldest();
    await journal.close();
    await settle();

    expect(last.kind).toBe("durable");
    expect((await read()).found).toEqual(["last"]);
    expect(readdirSync(folder)).toEqual(["00000002.journal"]);
  });
});
