/** Roots on the chain: entries that were composed, and what the chain was read to say (docs/proofs.md, "Roots on the chain"). */

import * as v from "valibot";
import { CodedError } from "../errors.ts";
import { ENTRY_HEADER_BYTES } from "../factom/entry.ts";
import type { PlacedRoot } from "../proofs/root-chain.ts";
import { type Db, first, json, one, sql } from "./port.ts";

export interface RootEntryRow {
  readonly no: number;
  readonly chainId: string;
  readonly entryHash: string;
  /** Hex. */
  readonly raw: string;
}

/** The directory block up to which a chain was read, and whether an entry was composed for it; undefined: never read, nor announced. */
export function rootChainRead(
  db: Db,
  chainId: string,
): Promise<{ readonly through: number; readonly hasEntries: boolean } | undefined> {
  return first(
    db,
    sql`SELECT c.read_through AS through, EXISTS (SELECT 1 FROM root_entries e WHERE e.chain_id = c.chain_id) AS "hasEntries"
      FROM root_chains c WHERE c.chain_id = ${chainId}`,
    v.object({ through: v.number(), hasEntries: v.boolean() }),
  );
}

/** The lowest height that a root can be of; undefined before the first job. */
export async function firstJob(db: Db): Promise<number | undefined> {
  const { height } = await one(
    db,
    sql`SELECT min(height) AS height FROM jobs`,
    v.object({ height: v.nullable(v.number()) }),
  );
  return height ?? undefined;
}

/** Sealed heights that no entry has, in their order: those below the first unsealed job, which comes before them on the chain. */
export async function unwrittenRoots(db: Db, limit: number): Promise<number[]> {
  const rows = await db.query(
    sql`SELECT j.height FROM jobs j
      WHERE j.height > COALESCE((SELECT max(last_height) FROM root_entries), -1)
        AND j.height < COALESCE((SELECT min(height) FROM jobs WHERE state <> 'sealed'), 2147483647)
        AND NOT EXISTS (SELECT 1 FROM chain_roots c WHERE c.height = j.height)
      ORDER BY j.height LIMIT ${limit}::int`,
    v.object({ height: v.number() }),
  );
  return rows.map(({ height }) => height);
}

export interface ComposedEntry {
  readonly chainId: string;
  readonly firstHeight: number;
  readonly lastHeight: number;
  readonly entryHash: string;
  readonly raw: string;
}

/**
 * Keeps an entry before it is sent, unless another one has its blocks: of two that compose at a time the number lets one through. Throws CodedError
 * `lease-lost` where an epoch is given and another edge holds the chain lease.
 */
export async function keepRootEntry(db: Db, entry: ComposedEntry, epoch: bigint | undefined): Promise<void> {
  await db.transaction(async (tx) => {
    if (epoch !== undefined) await requireLease(tx, epoch);
    await tx.execute(sql`INSERT INTO root_entries (no, chain_id, first_height, last_height, entry_hash, raw)
      SELECT COALESCE(max(no), 0) + 1, ${entry.chainId}, ${entry.firstHeight}::int, ${entry.lastHeight}::int, ${entry.entryHash}, ${entry.raw}
      FROM root_entries HAVING COALESCE(max(last_height), -1) < ${entry.firstHeight}::int
      ON CONFLICT DO NOTHING`);
  });
}

/** Tells who reads the chain which it is: the one of the key that signs now. Nothing before the first job. */
export async function announceRootChain(db: Db, chainId: string, key: string): Promise<void> {
  await db.execute(sql`INSERT INTO root_chains (chain_id, key, read_through)
    SELECT ${chainId}::text, ${key}::text, min(height) FROM jobs HAVING count(*) > 0
    ON CONFLICT (chain_id) DO UPDATE SET at = now()`);
}

/** Public key (hex) of the chain that was announced, or read, last. */
export async function announcedRootKey(db: Db): Promise<string | undefined> {
  const row = await first(
    db,
    sql`SELECT key FROM root_chains ORDER BY at DESC LIMIT 1`,
    v.object({ key: v.string() }),
  );
  return row?.key;
}

/** Whether the chain was read up to the newest block that the pool knows. */
export async function isRootChainRead(db: Db, chainId: string): Promise<boolean> {
  const row = await one(
    db,
    sql`SELECT EXISTS (SELECT 1 FROM root_chains WHERE chain_id = ${chainId}
      AND read_through >= (SELECT max(height) FROM blocks)) AS "isRead"`,
    v.object({ isRead: v.boolean() }),
  );
  return row.isRead;
}

const entryRow = v.object({ no: v.number(), chainId: v.string(), entryHash: v.string(), raw: v.string() });

/** Entries that are in no block yet, the oldest first. */
export function unplacedRootEntries(db: Db, limit: number): Promise<RootEntryRow[]> {
  return db.query(
    sql`SELECT no, chain_id AS "chainId", entry_hash AS "entryHash", raw FROM root_entries WHERE placed_in IS NULL
      ORDER BY no LIMIT ${limit}::int`,
    entryRow,
  );
}

/** Records what directory blocks up to `through` say. Throws CodedError `lease-lost` where another edge holds the chain lease. */
export async function recordChainRoots(
  db: Db,
  read: {
    readonly chainId: string;
    readonly key: string;
    readonly through: number;
    readonly roots: readonly PlacedRoot[];
  },
  epoch: bigint,
): Promise<void> {
  const { chainId, key, through, roots } = read;
  await db.transaction(async (tx) => {
    await requireLease(tx, epoch);
    if (roots.length > 0) {
      await tx.execute(sql`INSERT INTO chain_roots (height, entry_hash, placed_in, place, root, reward, carried_in, fee, paid, carried, books)
        SELECT r.height, r."entryHash", r."placedIn", r.place, r.root, r.reward, r."carriedIn", r.fee, r.paid, r.carried, r.books
        FROM jsonb_to_recordset(${json(roots)}::jsonb) AS r(height integer, "entryHash" text, "placedIn" integer, place integer, root text,
          reward bigint, "carriedIn" bigint, fee bigint, paid bigint, carried bigint, books text)
        ON CONFLICT DO NOTHING`);
      await tx.execute(sql`UPDATE root_entries e SET placed_in = r."placedIn"
        FROM (SELECT DISTINCT "entryHash", "placedIn" FROM jsonb_to_recordset(${json(roots)}::jsonb) AS r("entryHash" text, "placedIn" integer)) r
        WHERE e.entry_hash = r."entryHash" AND e.placed_in IS NULL`);
    }
    await tx.execute(sql`INSERT INTO root_chains (chain_id, key, read_through) VALUES (${chainId}, ${key}, ${through}::int)
      ON CONFLICT (chain_id) DO UPDATE SET read_through = greatest(root_chains.read_through, excluded.read_through), at = now()`);
  });
}

async function requireLease(tx: Db, epoch: bigint): Promise<void> {
  const held = await first(
    tx,
    sql`SELECT 1 AS held FROM leases WHERE name = 'chain' AND epoch = ${epoch}::bigint FOR SHARE`,
    v.object({ held: v.number() }),
  );
  if (held === undefined)
    throw new CodedError(
      "lease-lost",
      `chain lease epoch ${epoch} is over: another edge writes to the chain now`,
    );
}

const saidRow = v.object({
  entryHash: v.string(),
  directoryBlock: v.number(),
  root: v.string(),
  /** As the sealed block. */
  isSame: v.boolean(),
  /** As the first one, which counts. */
  isRepeated: v.boolean(),
});
export type SaidRoot = v.InferOutput<typeof saidRow>;

/** What the chain was read to say of a block, in the chain's order. */
export function saidRoots(db: Db, height: number): Promise<SaidRoot[]> {
  return db.query(
    sql`SELECT c.entry_hash AS "entryHash", c.placed_in AS "directoryBlock", c.root, c.said = c.sealed AS "isSame",
        c.told = first_value(c.told) OVER (ORDER BY c.placed_in, c.place) AS "isRepeated"
      FROM (SELECT r.*, concat_ws(' ', r.root, r.reward, r.carried_in, r.fee, r.paid, r.carried, r.books) AS told,
          concat_ws(' ', r.root, r.reward, r.carried_in, r.fee, r.paid, r.carried) AS said,
          COALESCE(concat_ws(' ', j.root, j.reward, j.carried_in, j.fee, j.paid, j.carried), '') AS sealed
        FROM chain_roots r LEFT JOIN jobs j ON j.height = r.height AND j.state = 'sealed' WHERE r.height = ${height}::int) c
      ORDER BY c.placed_in, c.place`,
    saidRow,
  );
}

const standRow = v.object({
  chainId: v.string(),
  readThrough: v.number(),
  lastHeight: v.nullable(v.number()),
  waiting: v.number(),
  /** Since the oldest of them was sealed. */
  waitingSeconds: v.nullable(v.number()),
  /** Of the last 24 hours. */
  credits: v.number(),
});
export type RootStand = v.InferOutput<typeof standRow> & {
  /** Sealed blocks of which the chain says something else than the pool does now, or two things: the first of them. */
  readonly wrong: readonly number[];
};

/** Until a root is late: an entry takes a block or two to be placed, and the block after to be read. */
export const ROOT_PATIENCE_BLOCKS = 6;
/** Blocks named as wrong, at most. */
const WRONG = 20;

/** Where the chain that was read last stands; undefined where none ever was. Reads every root on the chain: keep the answer for a while. */
export async function rootStand(db: Db): Promise<RootStand | undefined> {
  const stand = await first(
    db,
    sql`SELECT c.chain_id AS "chainId", c.read_through AS "readThrough", s.last_height AS "lastHeight", w.waiting, w.seconds AS "waitingSeconds",
        (SELECT COALESCE(sum(greatest(1, ceil((length(raw) / 2 - ${ENTRY_HEADER_BYTES}::int) / 1024.0))), 0)::int FROM root_entries
          WHERE at > now() - interval '1 day') AS credits
      FROM (SELECT * FROM root_chains ORDER BY at DESC LIMIT 1) c
      CROSS JOIN (SELECT max(height) AS last_height FROM chain_roots) s
      CROSS JOIN LATERAL (SELECT count(*)::int AS waiting, extract(epoch FROM now() - min(sealed_at))::float8 AS seconds
        FROM jobs WHERE state = 'sealed' AND height > COALESCE(s.last_height, -1)) w`,
    standRow,
  );
  if (stand === undefined) return undefined;
  const wrong = await db.query(
    sql`SELECT w.height FROM (
        SELECT r.height FROM chain_roots r JOIN jobs j ON j.height = r.height AND j.state = 'sealed'
          WHERE (r.root, r.reward, r.carried_in, r.fee, r.paid, r.carried) IS DISTINCT FROM (j.root, j.reward, j.carried_in, j.fee, j.paid, j.carried)
        UNION SELECT t.height FROM (SELECT height FROM chain_roots
            WHERE height IN (SELECT height FROM chain_roots GROUP BY height HAVING count(*) > 1) GROUP BY height HAVING min(books) <> max(books)) t
          JOIN jobs j ON j.height = t.height AND j.state = 'sealed') w
      ORDER BY w.height LIMIT ${WRONG}::int`,
    v.object({ height: v.number() }),
  );
  return { ...stand, wrong: wrong.map(({ height }) => height) };
}
