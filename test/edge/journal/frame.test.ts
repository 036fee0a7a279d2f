import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { crc32c } from "../../../edge/journal/crc32c.ts";
import { encodeFrames, type JournalRecord, scanFrames } from "../../../edge/journal/frame.ts";
import {
  decodeRecord,
  type EdgeRecord,
  encodeRecord,
  MOST_WAIT_MS,
  type ShareRecord,
} from "../../../edge/journal/records.ts";
import { concat } from "../../../shared/bytes.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe("CRC-32C", () => {
  it.each([
    ["123456789", 0xe3069283],
    ["", 0],
    ["\0".repeat(32), 0x8a9136aa],
  ])("of %j is that of RFC 3720", (text, expected) => {
    expect(crc32c(bytes(text))).toBe(expected);
  });

  it("goes on from a part", () => {
    const all = bytes("group commit");

    expect(crc32c(all, 5, all.length, crc32c(all, 0, 5))).toBe(crc32c(all));
  });
});

/** Groups of records written one after the other, as the journal does. */
function writeGroups(
  groups: readonly (readonly JournalRecord[])[],
  salt: number,
): { file: Uint8Array; ends: number[] } {
  let file: Uint8Array = new Uint8Array();
  const ends: number[] = [];
  for (const group of groups) {
    file = concat(file, encodeFrames(group, { salt, durable: file.length }));
    ends.push(file.length);
  }
  return { file, ends };
}

const recordArb = fc.record({ kind: fc.integer({ min: 1, max: 6 }), body: fc.uint8Array({ maxLength: 60 }) });
const groupsArb = fc.array(fc.array(recordArb, { minLength: 1, maxLength: 4 }), {
  minLength: 1,
  maxLength: 5,
});

function scan(file: Uint8Array, salt: number) {
  const seen: JournalRecord[] = [];
  const end = scanFrames(file, 0, salt, ({ kind, body }) => void seen.push({ kind, body: body.slice() }));
  return { seen, end };
}

describe("a segment's records", () => {
  it("read back as written", () => {
    fc.assert(
      fc.property(groupsArb, fc.nat(), (groups, salt) => {
        const { seen, end } = scan(writeGroups(groups, salt).file, salt);

        expect(end.kind).toBe("whole");
        expect(seen).toEqual(groups.flat());
      }),
    );
  });

  it("cut anywhere give a prefix, and never damage", () => {
    fc.assert(
      fc.property(groupsArb, fc.nat(), (groups, cut) => {
        const { file } = writeGroups(groups, 7);
        const length = cut % (file.length + 1);

        const { seen, end } = scan(file.subarray(0, length), 7);

        expect(end.kind === "damaged").toBe(false);
        expect(seen).toEqual(groups.flat().slice(0, seen.length));
      }),
    );
  });

  it("with any byte changed give a prefix, and are called damaged when a later group is whole", () => {
    fc.assert(
      fc.property(groupsArb, fc.nat(), fc.integer({ min: 1, max: 255 }), (groups, at, flip) => {
        const { file, ends } = writeGroups(groups, 7);
        const place = at % file.length;
        file[place] = (file[place] ?? 0) ^ flip;

        const { seen, end } = scan(file, 7);

        const lastGroupStart = ends.at(-2) ?? 0;
        expect(seen).toEqual(groups.flat().slice(0, seen.length));
        expect(seen.length).toBeLessThan(groups.flat().length);
        expect(end.kind).toBe(place < lastGroupStart ? "damaged" : "torn");
      }),
      { numRuns: 300 },
    );
  });

  it("of a group torn in the middle are a torn tail even when later sectors of that group reached the disk", () => {
    const first: JournalRecord[] = [{ kind: 1, body: bytes("acknowledged") }];
    const torn: JournalRecord[] = [1, 2, 3].map((n) => ({ kind: 3, body: bytes(`not acknowledged ${n}`) }));
    const { file, ends } = writeGroups([first, torn], 9);
    file.fill(0, (ends[0] ?? 0) + 20, (ends[0] ?? 0) + 30);

    const { seen, end } = scan(file, 9);

    expect(seen).toEqual(first);
    expect(end).toEqual({ kind: "torn", end: ends[0] });
  });

  it("of another file are not taken for this one's", () => {
    const { file } = writeGroups([[{ kind: 1, body: bytes("old") }]], 1);

    expect(scan(file, 2).seen).toEqual([]);
  });
});

const name = fc.string({ unit: fc.constantFrom(..."abcXYZ09!~{\\\"'"), minLength: 1, maxLength: 254 });
const u64 = fc.bigInt({ min: 0n, max: (1n << 64n) - 1n });
const height = fc.nat(0x7fff_ffff);
const key = { job: height, slot: fc.nat(4095), epoch: fc.integer({ min: 1, max: 2 ** 40 }) };
const edgeRecordArb: fc.Arbitrary<EdgeRecord> = fc.oneof(
  fc.record({
    kind: fc.constant("share" as const),
    share: fc.record({
      job: height,
      user: name,
      worker: fc.oneof(fc.constant(""), name),
      nonce: fc.uint8Array({ minLength: 5, maxLength: 32 }),
      assigned: u64,
      reached: u64,
      atMs: fc.nat(),
      waitedMs: fc.option(fc.nat(MOST_WAIT_MS), { nil: undefined }),
      late: fc.boolean(),
    }),
  }),
  fc.record({
    kind: fc.constant("cut" as const),
    cut: fc.record({ ...key, seq: fc.nat(), through: fc.nat(), bodies: fc.array(fc.string()) }),
  }),
  fc.record({
    kind: fc.constant("close" as const),
    close: fc.record({ ...key, lastSeq: fc.integer({ min: -1, max: 1e6 }) }),
  }),
  fc.record({
    kind: fc.constant("epoch" as const),
    epoch: fc.record({ slot: key.slot, epoch: key.epoch, firstJob: fc.option(height) }),
  }),
  fc.record({
    kind: fc.constant("sessions" as const),
    sessions: fc.record({ slot: key.slot, next: fc.nat(0xf_ffff) }),
  }),
);

describe("the edge's records", () => {
  it("of shares say when the line was read where the version that wrote them did", () => {
    const share: ShareRecord = {
      ...{ job: 1, user: "ann", worker: "rig", nonce: Uint8Array.of(1, 2, 3, 4, 5), late: false },
      ...{ assigned: 1n, reached: 2n, atMs: 1_700_000_000_000, waitedMs: 40 },
    };
    const { kind, body } = encodeRecord({ kind: "share", share });
    const before = decodeRecord({ kind, body: body.subarray(0, -2) });

    expect(decodeRecord({ kind, body })).toEqual({ kind: "share", share });
    expect(before).toEqual({ kind: "share", share: { ...share, waitedMs: undefined } });
  });

  it("decode to what was encoded", () => {
    fc.assert(
      fc.property(edgeRecordArb, (record) => {
        expect(decodeRecord(encodeRecord(record))).toEqual(record);
      }),
    );
  });

  it("of any other bytes are refused with a code, never misread", () => {
    fc.assert(
      fc.property(fc.nat(255), fc.uint8Array({ maxLength: 30 }), (kind, body) => {
        expect(() => decodeRecord({ kind, body })).toThrow(
          expect.objectContaining({ code: "journal-version" }),
        );
      }),
    );
  });
});
