/** Edges and their leases: slots with fencing epochs, named leases, and what has arrived of an edge's work (docs/design.md, "Slots, leases and epochs"). */

import * as v from "valibot";
import { CodedError } from "../errors.ts";
import { bigintText, type Db, first, json, one, type Sql, sql } from "./port.ts";

/** One period in which an edge holds a slot. */
export interface SlotGrant {
  /** The upper 12 bits of the nonce prefixes it may give out. */
  readonly slot: number;
  readonly epoch: number;
  /** The newest job when it began; undefined when there was none. */
  readonly firstJob: number | undefined;
}

/** All work of one edge epoch for one job. */
export interface TallyKey {
  readonly job: number;
  readonly slot: number;
  readonly epoch: number;
}

/**
 * `ended`: the slot is still this edge's, but its epoch was closed for being late; acquire again.
 * `taken`: another edge, or another process with this edge's identity, has the slot.
 */
export type RenewOutcome = "renewed" | "ended" | "taken";

/** What an edge asks of the database. Every call rejects with CodedError `db-away` when it may be tried again. */
export interface EdgeRecords {
  /**
   * Its own slot with the next epoch, at once. Else a fresh slot. Else one whose lease has expired and whose last job takes no more
   * shares: `lateMs` is how long after the next job's row shares may still be taken. Undefined: all 4,096 are in use.
   */
  acquireSlot(edge: { edgeId: string; leaseMs: number; lateMs: number }): Promise<SlotGrant | undefined>;
  renewSlot(edgeId: string, grant: SlotGrant, leaseMs: number): Promise<RenewOutcome>;
  /**
   * To be called before the first share of a job is taken. After it nobody else gets the slot before that job is over. Returns the lowest job for
   * which this epoch owes a close marker. Rejects with `lease-lost` when the slot is not this epoch's.
   */
  coverJob(edgeId: string, grant: SlotGrant, job: number): Promise<number>;
  /** Ends the epoch: it takes no more shares. Its slot stays reserved for this edge until the lease would have expired. */
  endEpoch(edgeId: string, grant: SlotGrant): Promise<void>;
  /** Unsealed jobs for which an ended epoch of this edge still owes its close marker. */
  unmarkedJobs(edgeId: string): Promise<TallyKey[]>;
  /** Which of the deltas of `key` from `fromSeq` to `toSeq` are in the books. */
  appliedSeqs(
    ranges: readonly (TallyKey & { fromSeq: number; toSeq: number })[],
  ): Promise<(TallyKey & { seq: number })[]>;
  /** Which of these have their close marker and all deltas up to `lastSeq` in the books. Read afresh at every call. */
  fullyApplied(tallies: readonly (TallyKey & { lastSeq: number })[]): Promise<TallyKey[]>;
}

const slotRow = v.object({ slot: v.number(), epoch: bigintText, firstJob: v.nullable(v.number()) });
const keyRow = v.object({ job: v.number(), slot: v.number(), epoch: bigintText });

/** The records over a database. */
export function edgeRecords(db: Db): EdgeRecords {
  return {
    acquireSlot: (edge) => acquireSlot(db, edge),
    renewSlot: (edgeId, grant, leaseMs) => renewSlot(db, edgeId, grant, leaseMs),
    coverJob: (edgeId, grant, job) => coverJob(db, edgeId, grant, job),
    async endEpoch(edgeId, grant) {
      await db.execute(sql`UPDATE edge_epochs e SET last_job = ${lastJob()} FROM edge_slots s
        WHERE e.slot = ${grant.slot} AND e.epoch = ${grant.epoch}::bigint AND e.edge_id = ${edgeId} AND e.last_job IS NULL
          AND s.slot = e.slot`);
    },
    async unmarkedJobs(edgeId) {
      const rows = await db.query(
        sql`SELECT j.height AS job, e.slot, e.epoch::text FROM edge_epochs e
          JOIN jobs j ON j.height BETWEEN COALESCE(e.first_job, j.height) AND e.last_job
          WHERE e.edge_id = ${edgeId} AND j.state <> 'sealed' AND NOT EXISTS (
            SELECT 1 FROM close_markers m WHERE m.job = j.height AND m.slot = e.slot AND m.epoch = e.epoch)
          ORDER BY j.height, e.slot, e.epoch`,
        keyRow,
      );
      return rows.map(toKey);
    },
    async appliedSeqs(ranges) {
      const rows = await db.query(
        sql`SELECT d.job, d.slot, d.epoch::text, d.seq
          FROM jsonb_to_recordset(${json(ranges)}::jsonb) AS r(job integer, slot smallint, epoch bigint, "fromSeq" integer, "toSeq" integer)
          JOIN deltas d ON d.job = r.job AND d.slot = r.slot AND d.epoch = r.epoch AND d.seq BETWEEN r."fromSeq" AND r."toSeq"
          ORDER BY d.job, d.slot, d.epoch, d.seq LIMIT 10000`,
        v.object({ ...keyRow.entries, seq: v.number() }),
      );
      return rows.map((row) => ({ ...toKey(row), seq: row.seq }));
    },
    async fullyApplied(tallies) {
      const rows = await db.query(
        sql`SELECT r.job, r.slot, r.epoch::text
          FROM jsonb_to_recordset(${json(tallies)}::jsonb) AS r(job integer, slot smallint, epoch bigint, "lastSeq" integer)
          JOIN close_markers m ON m.job = r.job AND m.slot = r.slot AND m.epoch = r.epoch
          WHERE r."lastSeq" + 1 = (SELECT count(*) FROM deltas d
            WHERE d.job = r.job AND d.slot = r.slot AND d.epoch = r.epoch AND d.seq <= r."lastSeq")`,
        keyRow,
      );
      return rows.map(toKey);
    },
  };
}

function toKey(row: v.InferOutput<typeof keyRow>): TallyKey {
  return { job: row.job, slot: row.slot, epoch: Number(row.epoch) };
}

/** `milliseconds` from now, by the database's clock. */
function fromNow(milliseconds: number): Sql {
  return sql`now() + ${milliseconds}::float8 * interval '1 millisecond'`;
}

/** The last job that epoch `e` of slot `s` can have shares of: the job it covered last, or none if it covered none. */
function lastJob(): Sql {
  return sql`CASE WHEN s.covered_job >= COALESCE(e.first_job, 0) THEN s.covered_job ELSE COALESCE(e.first_job, 0) - 1 END`;
}

async function acquireSlot(
  db: Db,
  edge: { edgeId: string; leaseMs: number; lateMs: number },
): Promise<SlotGrant | undefined> {
  try {
    return await db.transaction((tx) => acquireIn(tx, edge));
  } catch (error) {
    // Two edges chose the same fresh slot: the loser looks again.
    if (error instanceof CodedError && error.code === "db-conflict") return acquireSlot(db, edge);
    throw error;
  }
}

async function acquireIn(
  tx: Db,
  { edgeId, leaseMs, lateMs }: { edgeId: string; leaseMs: number; lateMs: number },
): Promise<SlotGrant | undefined> {
  const taken =
    (await first(
      tx,
      sql`UPDATE edge_slots SET epoch = epoch + 1, expires_at = ${fromNow(leaseMs)} WHERE edge_id = ${edgeId}
        RETURNING slot, epoch::text`,
      takenRow,
    )) ??
    (await first(
      tx,
      sql`INSERT INTO edge_slots (slot, edge_id, epoch, expires_at)
        SELECT n, ${edgeId}, 1, ${fromNow(leaseMs)} FROM generate_series(0, 4095) AS n
        WHERE NOT EXISTS (SELECT 1 FROM edge_slots s WHERE s.slot = n) ORDER BY n LIMIT 1
        RETURNING slot, epoch::text`,
      takenRow,
    )) ??
    (await first(
      tx,
      sql`UPDATE edge_slots SET edge_id = ${edgeId}, epoch = epoch + 1, expires_at = ${fromNow(leaseMs)}
        WHERE slot = (
          SELECT s.slot FROM edge_slots s WHERE s.expires_at < now() AND (s.covered_job IS NULL OR EXISTS (
            SELECT 1 FROM jobs j WHERE j.height > s.covered_job AND j.created_at < ${fromNow(-lateMs)}))
          ORDER BY s.expires_at LIMIT 1 FOR UPDATE SKIP LOCKED)
        RETURNING slot, epoch::text`,
      takenRow,
    ));
  if (taken === undefined) return undefined;
  await tx.execute(sql`UPDATE edge_epochs e SET last_job = ${lastJob()} FROM edge_slots s
    WHERE e.slot = ${taken.slot} AND s.slot = e.slot AND e.last_job IS NULL`);
  const row = await one(
    tx,
    sql`INSERT INTO edge_epochs (slot, epoch, edge_id, first_job)
      VALUES (${taken.slot}, ${taken.epoch}::bigint, ${edgeId}, (SELECT max(height) FROM jobs))
      RETURNING slot, epoch::text, first_job AS "firstJob"`,
    slotRow,
  );
  return { slot: row.slot, epoch: Number(row.epoch), firstJob: row.firstJob ?? undefined };
}

const takenRow = v.object({ slot: v.number(), epoch: bigintText });

async function renewSlot(db: Db, edgeId: string, grant: SlotGrant, leaseMs: number): Promise<RenewOutcome> {
  const renewed = await db.execute(sql`UPDATE edge_slots s SET expires_at = ${fromNow(leaseMs)}
    WHERE s.slot = ${grant.slot} AND s.edge_id = ${edgeId} AND s.epoch = ${grant.epoch}::bigint AND EXISTS (
      SELECT 1 FROM edge_epochs e WHERE e.slot = s.slot AND e.epoch = s.epoch AND e.last_job IS NULL)`);
  if (renewed === 1) return "renewed";
  const own = await db.query(
    sql`SELECT 1 AS own FROM edge_slots
      WHERE slot = ${grant.slot} AND edge_id = ${edgeId} AND epoch = ${grant.epoch}::bigint`,
    v.object({ own: v.number() }),
  );
  return own.length === 1 ? "ended" : "taken";
}

function coverJob(db: Db, edgeId: string, grant: SlotGrant, job: number): Promise<number> {
  return db.transaction(async (tx) => {
    const covered =
      await tx.execute(sql`UPDATE edge_slots SET covered_job = GREATEST(covered_job, ${job}::integer)
      WHERE slot = ${grant.slot} AND edge_id = ${edgeId} AND epoch = ${grant.epoch}::bigint`);
    const epoch = await first(
      tx,
      sql`UPDATE edge_epochs
        SET first_job = COALESCE(first_job, (SELECT min(height) FROM jobs WHERE state <> 'sealed'), ${job}::integer)
        WHERE slot = ${grant.slot} AND epoch = ${grant.epoch}::bigint AND last_job IS NULL RETURNING first_job AS "firstJob"`,
      v.object({ firstJob: v.number() }),
    );
    if (covered === 1 && epoch !== undefined) return Math.min(epoch.firstJob, job);
    throw new CodedError(
      "lease-lost",
      `slot ${grant.slot} is not this edge's in epoch ${grant.epoch} any more: it takes no shares of job ${job}`,
    );
  });
}

/**
 * Ends the epochs of edges that are gone: their lease expired more than `graceMs` ago. Jobs after the last one that such an edge covered
 * do not wait for it. Returns how many epochs it ended.
 */
export function endExpiredEpochs(db: Db, graceMs: number): Promise<number> {
  return db.execute(sql`UPDATE edge_epochs e SET last_job = ${lastJob()} FROM edge_slots s
    WHERE s.slot = e.slot AND s.epoch = e.epoch AND e.last_job IS NULL AND s.expires_at < ${fromNow(-graceMs)}`);
}

/** Ends the epochs of one edge, whose process is gone for good. They owe close markers for the jobs that they covered (`unmarkedJobs`). */
export function endEpochsOf(db: Db, edgeId: string): Promise<number> {
  return db.execute(sql`UPDATE edge_epochs e SET last_job = ${lastJob()} FROM edge_slots s
    WHERE s.slot = e.slot AND e.edge_id = ${edgeId} AND e.last_job IS NULL`);
}

const leaseRow = v.object({ epoch: bigintText });

/**
 * Takes a named lease that is free, expired or this holder's own, with the next epoch; undefined while another holds it. If another's lease
 * runs for longer than `leaseMs` from now, it is shortened to `leaseMs`: the database's clock was set back since, and a dead holder must not
 * keep the lease for the length of the jump. A live holder renews it in time.
 */
export async function acquireLease(
  db: Db,
  lease: { name: string; holder: string; leaseMs: number },
): Promise<bigint | undefined> {
  const row = await first(
    db,
    sql`INSERT INTO leases AS l (name, holder, epoch, expires_at)
      VALUES (${lease.name}, ${lease.holder}, 1, ${fromNow(lease.leaseMs)})
      ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, epoch = l.epoch + 1, expires_at = excluded.expires_at
        WHERE l.holder = excluded.holder OR l.expires_at < now()
      RETURNING l.epoch::text`,
    leaseRow,
  );
  if (row === undefined)
    await db.execute(sql`UPDATE leases SET expires_at = LEAST(expires_at, ${fromNow(lease.leaseMs)})
      WHERE name = ${lease.name} AND holder <> ${lease.holder} AND expires_at > ${fromNow(lease.leaseMs)}`);
  return row?.epoch;
}

/** True when the lease still was this holder's in `epoch` and is now extended. It may have expired, as long as nobody took it. */
export async function renewLease(
  db: Db,
  lease: { name: string; holder: string; leaseMs: number },
  epoch: bigint,
): Promise<boolean> {
  const renewed = await db.execute(sql`UPDATE leases SET expires_at = ${fromNow(lease.leaseMs)}
    WHERE name = ${lease.name} AND holder = ${lease.holder} AND epoch = ${epoch}::bigint`);
  return renewed === 1;
}

/** Gives the lease up: another may take it at once. */
export async function releaseLease(db: Db, name: string, holder: string, epoch: bigint): Promise<void> {
  await db.execute(sql`UPDATE leases SET expires_at = now() - interval '1 millisecond'
    WHERE name = ${name} AND holder = ${holder} AND epoch = ${epoch}::bigint`);
}
