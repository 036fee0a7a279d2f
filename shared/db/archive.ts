/** Statements of the archive of deltas (docs/design.md, "The archive of deltas"; the rules stand in 0080_archive.sql). */

import * as v from "valibot";
import type { ArchivedDelta, DeltaKey } from "../archive/block-file.ts";
import { PAGE_BODY_BYTES, PAGE_DELTAS } from "./delta-pages.ts";
import { bigintText, type Db, first, one, type Sql, sql } from "./port.ts";

/** Bodies that one statement takes away. */
const DROPPED_AT_ONCE = 1_000;

const fileRow = v.object({
  /** From 1, in the order of writing. */
  no: v.number(),
  height: v.number(),
  part: v.number(),
  isLast: v.boolean(),
  deltas: v.number(),
  /** Key of its last delta; null where it has none. */
  lastJob: v.nullable(v.number()),
  lastSlot: v.nullable(v.number()),
  lastEpoch: v.nullable(v.string()),
  lastSeq: v.nullable(v.number()),
  /** Of its content, not compressed. */
  bytes: bigintText,
  sha256: v.string(),
  keysSha256: v.string(),
  /** Hash over the row before and this one. */
  chain: v.string(),
  /** Of its block; null where that is not sealed, which nothing but tampering makes. */
  root: v.nullable(v.string()),
});
export type ArchiveFile = v.InferOutput<typeof fileRow>;

const FILE = sql`f.no, f.height, f.part, f.is_last AS "isLast", f.deltas, f.last_job AS "lastJob", f.last_slot AS "lastSlot",
  f.last_epoch::text AS "lastEpoch", f.last_seq AS "lastSeq", f.bytes::text AS bytes, f.sha256, f.keys_sha256 AS "keysSha256", f.chain, j.root
  FROM archive_files f JOIN jobs j USING (height)`;

export function lastArchiveFile(db: Db): Promise<ArchiveFile | undefined> {
  return first(db, sql`SELECT ${FILE} ORDER BY f.no DESC LIMIT 1`, fileRow);
}

/** In their order, those behind `after`. */
export function archiveFiles(db: Db, after: number, limit: number): Promise<ArchiveFile[]> {
  return db.query(sql`SELECT ${FILE} WHERE f.no > ${after}::int ORDER BY f.no LIMIT ${limit}::int`, fileRow);
}

/** Of the blocks from `height` on, `blocks` heights. */
export function archiveFilesOf(db: Db, height: number, blocks: number): Promise<ArchiveFile[]> {
  return db.query(
    sql`SELECT ${FILE} WHERE f.height >= ${height}::int AND f.height < ${height + blocks}::bigint ORDER BY f.no`,
    fileRow,
  );
}

const dueRow = v.object({
  /** The lowest sealed block of which no file is on record, or not the last one. */
  height: v.number(),
  /** Since its seal, by the database's clock. */
  ageSeconds: v.number(),
});

/** Undefined where the archive has every sealed block. */
export function nextToArchive(db: Db): Promise<v.InferOutput<typeof dueRow> | undefined> {
  return first(
    db,
    sql`SELECT height, extract(epoch FROM clock_timestamp() - sealed_at)::float8 AS "ageSeconds" FROM jobs
      WHERE state = 'sealed' AND height > COALESCE((SELECT CASE WHEN f.is_last THEN f.height ELSE f.height - 1 END
        FROM archive_files f ORDER BY f.no DESC LIMIT 1), -1)
      ORDER BY height LIMIT 1`,
    dueRow,
  );
}

const deltaRow = v.object({
  job: v.number(),
  slot: v.number(),
  epoch: v.string(),
  seq: v.number(),
  sha256: v.string(),
  /** Null where it has gone already. */
  body: v.nullable(v.string()),
});
export type UnarchivedDelta = v.InferOutput<typeof deltaRow>;

/** A page of the deltas booked into the block, by key, behind `after`; an empty one is the end. */
export function deltasBookedInto(
  db: Db,
  height: number,
  after: DeltaKey | undefined,
): Promise<UnarchivedDelta[]> {
  return db.query(
    sql`WITH page AS (
        SELECT d.*, octet_length(d.body) AS length FROM books_deltas_of(${height}::int) d WHERE ${behind(after)}
        ORDER BY d.job, d.slot, d.epoch, d.seq LIMIT ${PAGE_DELTAS}::int
      ), sized AS (
        SELECT *, sum(page.length) OVER (ORDER BY page.job, page.slot, page.epoch, page.seq) - page.length AS before FROM page
      )
      SELECT s.job, s.slot, s.epoch::text AS epoch, s.seq, s.sha256, s.body FROM sized s WHERE COALESCE(s.before, 0) < ${PAGE_BODY_BYTES}::bigint
      ORDER BY s.job, s.slot, s.epoch, s.seq`,
    deltaRow,
  );
}

function behind(after: DeltaKey | undefined): Sql {
  return after === undefined
    ? sql`true`
    : sql`(d.job, d.slot, d.epoch, d.seq) > (${after.job}::int, ${after.slot}::smallint, ${after.epoch}::bigint, ${after.seq}::int)`;
}

export interface NewArchiveFile {
  readonly no: number;
  readonly height: number;
  readonly part: number;
  readonly isLast: boolean;
  readonly bytes: number;
  readonly sha256: string;
  readonly keysSha256: string;
  readonly deltas: readonly ArchivedDelta[];
}

/** Throws CodedError `db-conflict` where another process was first; refused where the tables have other deltas. */
export async function recordArchiveFile(db: Db, file: NewArchiveFile): Promise<void> {
  const last = file.deltas.at(-1);
  await db.execute(sql`INSERT INTO archive_files (no, height, part, is_last, deltas, last_job, last_slot, last_epoch, last_seq, bytes, sha256, keys_sha256, chain)
    VALUES (${file.no}::int, ${file.height}::int, ${file.part}::int, ${file.isLast}::boolean, ${file.deltas.length}::int,
      ${last?.job ?? null}::int, ${last?.slot ?? null}::smallint, ${last?.epoch ?? null}::bigint, ${last?.seq ?? null}::int,
      ${file.bytes}::bigint, ${file.sha256}, ${file.keysSha256}, '')`);
}

/** Takes away the bodies of a block that are in its files, some at a time. Resolves to how many; 0: none is left. */
export function dropBodies(db: Db, height: number): Promise<number> {
  return db.execute(sql`UPDATE deltas SET body = NULL
    FROM (SELECT d.job, d.slot, d.epoch, d.seq FROM books_deltas_of(${height}::int) d
      WHERE d.body IS NOT NULL AND EXISTS (SELECT 1 FROM archive_files f WHERE f.height = ${height}::int
        AND (f.last_job, f.last_slot, f.last_epoch, f.last_seq) >= (d.job, d.slot, d.epoch, d.seq))
      LIMIT ${DROPPED_AT_ONCE}::int) k
    WHERE deltas.job = k.job AND deltas.slot = k.slot AND deltas.epoch = k.epoch AND deltas.seq = k.seq AND deltas.body IS NOT NULL`);
}

const sumsRow = v.object({ files: v.number(), blocks: v.number(), deltas: v.string(), bytes: v.string() });

/** What is in the archive. */
export function archiveSums(db: Db): Promise<v.InferOutput<typeof sumsRow>> {
  return one(
    db,
    sql`SELECT count(*)::int AS files, (count(*) FILTER (WHERE is_last))::int AS blocks, COALESCE(sum(deltas), 0)::text AS deltas,
      COALESCE(sum(bytes), 0)::text AS bytes FROM archive_files`,
    sumsRow,
  );
}
