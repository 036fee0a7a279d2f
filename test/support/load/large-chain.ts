/** What a large pool knows of the chain and of itself: blocks with their places, entries, roots, prices, the canary, edges. */

import { sql } from "../../../shared/db/port.ts";
import { FARMER, FIRST_HEIGHT, hash, pastTriggers, type Seeding } from "./large-seeding.ts";

export async function seedChain({ db, blocks, now, start }: Seeding): Promise<void> {
  const all = sql`generate_series(0, ${blocks - 2}::int) n`;
  const height = sql`${FIRST_HEIGHT}::int + n`;
  const place = sql`encode(sha256(convert_to('place' || n || '/' || p, 'UTF8')), 'hex')`;
  await pastTriggers(db, [
    sql`INSERT INTO blocks (height, version, key_mr, at, entries, graded, winners, prices, network_hashrate, winning, reward, graded_entries, graded_others)
      SELECT ${height}, 5, ${hash(sql`'block' || n`)}, ${start(sql`n + 1`)}, 62, true, '[]', j.prices, 1e9, j.winning, j.reward, 50, 40
      FROM ${all} JOIN jobs j ON j.height = ${height}`,
    sql`INSERT INTO block_places (height, position, entry_hash, difficulty, payout, identity, ours)
      SELECT ${height}, p, ${place}, 18446744073709551615 - p, CASE WHEN p <= 25 THEN 36000000000 ELSE 0 END,
        CASE WHEN p <= j.winning THEN 'Prosper' ELSE 'rival' || p % 7 END, p <= j.winning
      FROM ${all} JOIN jobs j ON j.height = ${height}, generate_series(1, 50) p`,
    sql`INSERT INTO submissions (entry_hash, height, opr_hash, nonce, target, user_name, worker, edge, state, reason, at)
      SELECT CASE WHEN p <= j.winning THEN ${place} ELSE ${hash(sql`'sub' || n || '/' || p`)} END, ${height}, j.opr_hash,
        lpad(to_hex(n * 64 + p), 12, '0'), 18446744073709551615 - p, u.name, 'rig-0000', p % 4,
        CASE WHEN p <= 25 THEN 'revealed' ELSE 'blocked' END, CASE WHEN p > 25 THEN '25 better ones of this job are submitted' END, ${start(sql`n`)}
      FROM ${all} JOIN jobs j ON j.height = ${height}, generate_series(1, 30) p, LATERAL (SELECT 'user' || (n * 31 + p) % 20 AS name) u`,
    sql`INSERT INTO best_targets (height, target, entry_hash) SELECT ${height}, 18446744073709551615 - p, ${place} FROM ${all}, generate_series(1, 25) p`,
    sql`INSERT INTO root_chains (chain_id, key, read_through) VALUES (${"c".repeat(64)}, ${"k".repeat(64)}, ${FIRST_HEIGHT + blocks}::int)`,
    sql`INSERT INTO root_entries (no, chain_id, first_height, last_height, entry_hash, raw, placed_in, at)
      SELECT n + 1, ${"c".repeat(64)}, ${height}, ${height}, ${hash(sql`'root' || n`)}, repeat('ab', 300), ${height} + 1, ${start(sql`n + 1`)} FROM ${all}`,
    sql`INSERT INTO chain_roots (height, entry_hash, placed_in, place, root, reward, carried_in, fee, paid, carried, books)
      SELECT j.height, ${hash(sql`'root' || n`)}, j.height + 1, 0, j.root, j.reward, j.carried_in, j.fee, j.paid, j.carried, ${hash(sql`'books' || n`)}
      FROM ${all} JOIN jobs j ON j.height = ${height}`,
    sql`INSERT INTO prices (at, version, prices, quotes, made_at) SELECT ${now} - m * interval '1 minute', p.version, p.prices, p.quotes, ${now} - m * interval '1 minute'
      FROM prices p, generate_series(1, least(4320, ${blocks}::int)) m`,
    sql`INSERT INTO canary (at, words, height, connect_ms, login_ms, job_ms, answer_ms, row_ms)
      SELECT ${now} - m * interval '5 minutes', '', ${FIRST_HEIGHT + blocks}::int, 1, 20, 1, 5, 2000 FROM generate_series(1, least(2304, ${blocks}::int)) m`,
    sql`INSERT INTO edge_slots (slot, edge_id, epoch, expires_at, covered_job)
      SELECT s, 'edge-' || s, 1, ${now} + interval '1 minute', ${FIRST_HEIGHT + blocks}::int FROM generate_series(0, 3) s`,
    sql`INSERT INTO edge_epochs (slot, epoch, edge_id, began_at, first_job) SELECT s, 1, 'edge-' || s, ${start(sql`0`)}, ${FIRST_HEIGHT}::int FROM generate_series(0, 3) s`,
    sql`INSERT INTO check_states (name, is_red, urgent, since, said, mend, looked_at) SELECT 'check ' || n, n = 1, false, ${now}, 'said', 'mend', ${now}
      FROM generate_series(1, 20) n`,
    sql`INSERT INTO public_miners (user_name, shows) SELECT name, ARRAY['rate', 'workers', 'earned', 'address'] FROM seed_users
      WHERE name = ${FARMER} OR joined % 5 = 0`,
  ]);
}
