/** Looks for a share by its nonce in an edge's journal and its history. Reads only, also beside an edge of another process that writes. */

import { join } from "node:path";
import * as v from "valibot";
import { parseJson } from "../../shared/json-source.ts";
import { delta, REST_WORKER } from "../../shared/messages/summary.ts";
import type { Disk } from "./disk.ts";
import { walkFrames } from "./frame.ts";
import { historyFolder } from "./history.ts";
import {
  type CutRecord,
  decodeRecord,
  type EpochRecord,
  epochRecord,
  isShareOf,
  mayBe,
  type ShareRecord,
} from "./records.ts";
import { decodeHeader } from "./segment.ts";

/** A share that was taken. */
export interface FoundShare {
  readonly share: ShareRecord;
  /** Its place in the journal, counted over the journal's whole life. */
  readonly record: number;
  /** Undefined where no file says it any more. */
  readonly epoch: EpochRecord | undefined;
  /** The delta that it was sent to the books in; undefined: it was not cut yet, or that is forgotten. */
  readonly seq: number | undefined;
}

/** Of shares with one nonce: one for each job, at most. */
const MOST = 16;

const headerState = v.object({ epoch: v.nullable(epochRecord) });

/** The oldest first. `folder` is the edge's. Damaged files are read as far as they can be. */
export async function findShares(folder: string, nonce: Uint8Array, disk: Disk): Promise<FoundShare[]> {
  const found: FoundShare[] = [];
  let epoch: EpochRecord | undefined;
  for (const path of await journalFiles(folder, disk)) {
    // One that was freed meanwhile is in the history, or gone.
    const bytes = await disk.read(path).catch(() => undefined);
    const header = bytes && decodeHeader(bytes);
    if (bytes === undefined || header === undefined) continue;
    const state = v.safeParse(headerState, parseJson(header.header.state));
    if (state.success) epoch = state.output.epoch ?? epoch;
    let record = header.header.firstRecord;
    walkFrames(bytes, header.end, (frame) => {
      if (mayBe("epoch", frame)) {
        const decoded = decodeRecord(frame);
        if (decoded.kind === "epoch") epoch = decoded.epoch;
      } else if (isShareOf(frame, nonce) && found.length < MOST) {
        const decoded = decodeRecord(frame);
        if (decoded.kind === "share") found.push({ share: decoded.share, record, epoch, seq: undefined });
      } else if (mayBe("cut", frame) && found.some(({ seq }) => seq === undefined)) {
        const decoded = decodeRecord(frame);
        if (decoded.kind === "cut") noteCut(found, decoded.cut);
      }
      record += 1;
    });
  }
  return found;
}

async function journalFiles(folder: string, disk: Disk): Promise<string[]> {
  const namesIn = async (path: string): Promise<string[]> =>
    (await disk.list(path).catch(() => []))
      .filter((name) => name.endsWith(".journal"))
      .map((name) => join(path, name));
  return [...(await namesIn(historyFolder(folder))), ...(await namesIn(join(folder, "journal")))];
}

/** The first cut of its job and epoch that goes so far holds it. */
function noteCut(found: FoundShare[], cut: CutRecord): void {
  for (const [i, one] of found.entries()) {
    const { share, epoch, record, seq } = one;
    if (seq !== undefined || share.job !== cut.job || record > cut.through) continue;
    if (epoch?.slot !== cut.slot || epoch.epoch !== cut.epoch) continue;
    found[i] = { ...one, seq: cut.seq + Math.max(0, placeOf(share, cut.bodies)) };
  }
}

/** Which of the messages of a cut has this worker's row, or the row that its share was counted in. */
function placeOf({ user, worker }: ShareRecord, bodies: readonly string[]): number {
  const rows = bodies.map((body) => {
    const parsed = v.safeParse(delta, parseJson(body));
    return parsed.success ? parsed.output.rows : [];
  });
  const of = (name: string): number =>
    rows.findIndex((some) => some.some((row) => row.user === user && row.worker === name));
  const own = of(worker);
  return own >= 0 ? own : of(REST_WORKER);
}
