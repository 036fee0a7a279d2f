/** What the books know of the entries that paid from the pool's addresses, and the heights up to which this was compared with the chain (0050_payout_trust.sql). */

import * as v from "valibot";
import { logAdminAction } from "./admin-log.ts";
import { type Db, json, one, sql } from "./port.ts";

/** Addresses that the pool has paid from. */
export async function payingSources(db: Db): Promise<string[]> {
  const rows = await db.query(
    sql`SELECT DISTINCT source FROM payout_batches WHERE source <> '' ORDER BY source`,
    v.object({ source: v.string() }),
  );
  return rows.map(({ source }) => source);
}

/**
 * `booked`: it is in the payments. `sent`: on record as sent. `void`: given up, so its payments are owed again. `disregarded`: an
 * administrator said that it paid no miner.
 */
export type EntryKnowledge = "booked" | "sent" | "void" | "disregarded";

/** What is known of each of these entries; entries that the books do not know are not in the map. */
export async function knownEntries(
  db: Db,
  entryHashes: readonly string[],
): Promise<ReadonlyMap<string, EntryKnowledge>> {
  const rows = await db.query(
    sql`SELECT h AS "entryHash", CASE
        WHEN EXISTS (SELECT 1 FROM payments p WHERE p.entry_hash = h) THEN 'booked'
        WHEN d.entry_hash IS NOT NULL THEN 'disregarded'
        WHEN e.state = 'void' THEN 'void'
        WHEN e.state IS NOT NULL THEN 'sent' ELSE 'unknown' END AS known
      FROM jsonb_array_elements_text(${json(entryHashes)}::jsonb) AS h
      LEFT JOIN payout_entries e ON e.entry_hash = h LEFT JOIN payout_disregarded d ON d.entry_hash = h`,
    v.object({
      entryHash: v.string(),
      known: v.picklist(["booked", "sent", "void", "disregarded", "unknown"]),
    }),
  );
  return new Map(
    rows.flatMap(({ entryHash, known }) => (known === "unknown" ? [] : [[entryHash, known] as const])),
  );
}

/** The heights up to which the sources were compared, and the first block that the pool booked. */
export async function comparedThrough(
  db: Db,
  sources: readonly string[],
): Promise<{ readonly compared: ReadonlyMap<string, number>; readonly firstBlock: number | undefined }> {
  const rows = await db.query(
    sql`SELECT source, height FROM payout_compared
      WHERE source IN (SELECT jsonb_array_elements_text(${json(sources)}::jsonb))`,
    v.object({ source: v.string(), height: v.number() }),
  );
  const { first } = await one(
    db,
    sql`SELECT min(height) AS first FROM blocks`,
    v.object({ first: v.nullable(v.number()) }),
  );
  return {
    compared: new Map(rows.map(({ source, height }) => [source, height])),
    firstBlock: first ?? undefined,
  };
}

/** Stores that everything that the sources paid up to this height is known. The height never goes back. */
export async function saveCompared(db: Db, sources: readonly string[], height: number): Promise<void> {
  await db.execute(sql`INSERT INTO payout_compared AS c (source, height)
    SELECT s, ${height}::int FROM jsonb_array_elements_text(${json(sources)}::jsonb) AS s
    ON CONFLICT (source) DO UPDATE SET height = excluded.height, at = now() WHERE c.height < excluded.height`);
}

/** Stores that the entry paid no miner: comparisons skip it from now on. Repeating it changes nothing. */
export async function disregardEntry(
  db: Db,
  entry: { readonly entryHash: string; readonly source: string; readonly reason: string },
): Promise<void> {
  await db.transaction(async (tx) => {
    const added = await tx.execute(sql`INSERT INTO payout_disregarded (entry_hash, source, reason)
      VALUES (${entry.entryHash}, ${entry.source}, ${entry.reason}) ON CONFLICT DO NOTHING`);
    if (added === 0) return;
    const { entryHash: subject, ...details } = entry;
    await logAdminAction(tx, { actor: "command line", action: "disregard-entry", subject, details });
  });
}

/** The users who have these addresses, or had them when they were paid: address → names in byte order. */
export async function ownersOf(db: Db, addresses: readonly string[]): Promise<ReadonlyMap<string, string[]>> {
  const rows = await db.query(
    sql`SELECT a AS address, u.name FROM jsonb_array_elements_text(${json([...new Set(addresses)])}::jsonb) AS a
      JOIN users u ON u.payout_address = a
        OR EXISTS (SELECT 1 FROM payout_lines l WHERE l.user_name = u.name AND l.address = a) ORDER BY a, u.name`,
    v.object({ address: v.string(), name: v.string() }),
  );
  const owners = new Map<string, string[]>();
  for (const { address, name } of rows) owners.set(address, [...(owners.get(address) ?? []), name]);
  return owners;
}
