/**
 * The database's roles: who may do what (docs/design.md, "Storage"). The owner migrates and pays; each part that answers to the network has a role of
 * its own that can do its work and nothing else. None owns a table, so none can disable a trigger that keeps the books.
 */

import { sha256Hex } from "../sha256.ts";
import { type Db, sql } from "./port.ts";

export const ROLES = ["accounting", "auth", "api", "poll", "edge", "alerts", "canary"] as const;
export type Role = (typeof ROLES)[number];

/** As PostgreSQL knows it; one name in a whole server. */
export function roleName(role: Role): string {
  return `prosper_${role}`;
}

/** What every role may read: no secret is in it. A table that is in none of the lists nobody but the owner can use; a test asks for a decision. */
export const READABLE = [
  ...[
    "adjustments",
    "archive_files",
    "balances",
    "bars",
    "best_targets",
    "block_places",
    "blocks",
    "booked_sums",
    "books_proved",
    "canary",
    "chain_roots",
    "check_states",
    "close_markers",
    "deltas",
  ],
  ...[
    "edge_epochs",
    "edge_slots",
    "heartbeat",
    "jobless_rewards",
    "jobs",
    "leaf_groups",
    "leases",
    "migrations",
    "money_log",
    "notices",
    "payments",
    "payouts",
  ],
  ...[
    "pool_minutes",
    "prices",
    "root_chains",
    "root_entries",
    "schema_minimum",
    "shown_balances",
    "submissions",
    "tallies",
    "withholding",
    "withholding_through",
    "work",
  ],
  ...[
    "user_minutes",
    "worker_changes",
    "worker_hours",
    "worker_minutes",
    "worker_refused",
    "worker_status",
    "worker_watch",
  ],
  ...["workers", "workers_seen"],
] as const;
/** Of users everybody may read all but the hash of the password. */
const PUBLIC_USER = "id, name, payout_address, is_admin, created_at, deleted_at";
/** The tables of accounts: hashes of passwords, sessions, codes, what guesses were made. */
export const ACCOUNTS = [
  ...[
    "address_holds",
    "adjustment_requests",
    "admin_log",
    "api_tokens",
    "invites",
    "login_failures",
    "login_guesses",
    "login_places",
    "password_resets",
    "public_miners",
    "recovery_codes",
    "second_factors",
  ],
  ...["sessions", "users"],
] as const;
/** What a page waits for, and what edges saw: who has the code is told. */
export const CONNECTING = ["connect_sightings", "connect_watches"] as const;
/** Where users are told what happens, and the outbox: users change them by the api, and who delivers says what became of it. */
export const ALERTS = ["alert_destinations", "alert_tries", "alerts"] as const;
/** The operator's own, at the command line; the api shows some of them. */
export const OWNERS = [
  ...[
    "payout_approvals",
    "payout_batches",
    "payout_compared",
    "payout_disregarded",
    "payout_entries",
    "payout_lines",
    "payout_reserved",
  ],
] as const;

const LOGINS = "login_failures, login_guesses, login_places, recovery_codes, second_factors, sessions";
const SEAL =
  "state, closed_seen_at, sealed_at, forced, winning, shares, work, reward, carried_in, fee, paid, carried, root, attempt, looked_at, watched_ms, closed_ms";

/** Beside what all may read, as `GRANT … TO role` takes it. */
const GRANTS: Readonly<Record<Role, readonly string[]>> = {
  accounting: [
    // Applying. What is written of a delta is never changed but for the job that it goes into.
    "INSERT ON close_markers, deltas, jobless_rewards, payouts, pool_minutes, tallies, withholding, work, worker_minutes, workers, workers_seen",
    "INSERT, UPDATE ON user_minutes, worker_hours, worker_status",
    "UPDATE (into_job, folded, dropped) ON deltas",
    // Archiving: the triggers let a body go where its file is on record, and record only what the tables have.
    "INSERT ON archive_files",
    "UPDATE (body) ON deltas",
    "UPDATE ON pool_minutes, tallies, withholding, withholding_through, work, worker_minutes, workers, workers_seen",
    // Sealing. Drafts of another attempt go.
    `UPDATE (${SEAL}) ON jobs`,
    "DELETE ON payouts",
    "INSERT ON leaf_groups",
    "UPDATE ON books_proved",
    // The janitor.
    "UPDATE (last_job) ON edge_epochs",
    "DELETE ON pool_minutes, worker_minutes, workers, workers_seen",
    "DELETE ON user_minutes, worker_changes, worker_hours, worker_refused, worker_status",
    "INSERT ON worker_changes",
    "UPDATE ON worker_watch",
    // Roots: what was signed, and which chain it is for.
    "INSERT ON root_chains, root_entries",
    "UPDATE (at) ON root_chains",
    "INSERT, UPDATE ON booked_sums",
    "SELECT, DELETE ON connect_watches",
  ],
  auth: [
    "SELECT ON invites, users",
    "INSERT (name, password, payout_address) ON users",
    "UPDATE (password, payout_address, deleted_at) ON users",
    "UPDATE ON invites",
    `SELECT, INSERT, UPDATE, DELETE ON ${LOGINS}`,
  ],
  api: [
    // It logs visitors in, so it reads hashes; it makes no administrator.
    "SELECT ON address_holds, admin_log, invites, users",
    "SELECT, INSERT, UPDATE, DELETE ON password_resets",
    "INSERT (name, password, payout_address) ON users",
    "UPDATE (password, payout_address, deleted_at) ON users",
    "INSERT, UPDATE ON invites",
    `SELECT, INSERT, UPDATE, DELETE ON ${LOGINS}`,
    "SELECT, INSERT, UPDATE (used_at), DELETE ON api_tokens",
    // Payday's page shows what is prepared and sent, and takes an administrator's word for it; it prepares and sends nothing.
    "SELECT ON payout_approvals, payout_batches, payout_entries, payout_lines, payout_reserved",
    "INSERT ON payout_approvals",
    "SELECT, INSERT ON adjustment_requests",
    "UPDATE (decided_at, decided_by, adjustment) ON adjustment_requests",
    "INSERT ON adjustments, admin_log, bars, money_log, notices",
    "UPDATE (lifted_at, lifted_by) ON bars",
    "UPDATE (ended_at, ended_by) ON notices",
    "INSERT, UPDATE, DELETE ON workers",
    "UPDATE (hidden_at) ON worker_status",
    "SELECT, INSERT, UPDATE, DELETE ON public_miners",
    `SELECT, INSERT, UPDATE, DELETE ON ${ALERTS.join(", ")}`,
    "SELECT ON connect_sightings",
    "SELECT, INSERT, UPDATE ON connect_watches",
  ],
  poll: ["INSERT, DELETE ON prices"],
  edge: [
    "INSERT ON best_targets, block_places, blocks, edge_epochs, edge_slots, jobs, leases, submissions",
    "UPDATE ON edge_epochs, edge_slots, leases",
    "UPDATE (state, reason) ON submissions",
    // Roots on the chain: what was read from it is never changed.
    "INSERT ON chain_roots, root_chains, root_entries",
    "UPDATE (read_through, at) ON root_chains",
    "UPDATE (placed_in) ON root_entries",
    // A miner's name where registration is open: neither a password nor an administrator.
    "INSERT (name) ON users",
    "SELECT ON login_places",
    "INSERT, UPDATE ON worker_refused",
    "INSERT, UPDATE, DELETE ON workers",
    "SELECT ON connect_watches",
    "SELECT, INSERT, UPDATE ON connect_sightings",
  ],
  alerts: [
    // Delivering. It cannot turn a message to somebody else.
    `SELECT ON ${ALERTS.join(", ")}`,
    "UPDATE (claimed_until, failures, failing_since, wait_until, paused_at, tried_at, result) ON alert_destinations",
    "UPDATE (taken, told_at, details, due_at) ON alerts",
    "DELETE ON alert_tries, alerts",
  ],
  // It logs in as miners do: at an edge.
  canary: ["INSERT, DELETE ON canary"],
};

/** Changes with the rights. */
export function rolesHash(): string {
  return sha256Hex(JSON.stringify([READABLE, PUBLIC_USER, GRANTS]));
}

/** Any number that nobody else locks: two runners would trip over each other's grants. */
const LOCK = 7_067_002;

/**
 * Makes the roles where they are missing and gives them exactly these rights; a role with a password may log in by it from now on. Needs an owner
 * who may make roles. To be run after each migration, as often as one likes.
 */
export async function ensureRoles(db: Db, passwords: Partial<Record<Role, string>> = {}): Promise<void> {
  await db.transaction(async (tx) => {
    const run = (text: string): Promise<number> => tx.execute({ text, values: [] });
    await tx.execute(sql`SELECT 1 AS done FROM pg_advisory_xact_lock(${LOCK}::bigint)`);
    for (const role of ROLES) {
      const name = roleName(role);
      await run(
        `DO $$ BEGIN CREATE ROLE ${name}; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$`,
      );
      // What an older version gave and this one does not.
      await run(`REVOKE ALL ON ALL TABLES IN SCHEMA public FROM ${name}`);
      await run(`GRANT SELECT ON ${READABLE.join(", ")} TO ${name}`);
      await run(`GRANT SELECT (${PUBLIC_USER}) ON users TO ${name}`);
      for (const grant of GRANTS[role]) await run(`GRANT ${grant} TO ${name}`);
    }
  });
  for (const role of ROLES) {
    const password = passwords[role];
    if (password !== undefined) await setPassword(db, roleName(role), password);
  }
}

/** Bound as a value: in the text of a statement a server's log would have it. */
function setPassword(db: Db, name: string, password: string): Promise<void> {
  return db.transaction(async (tx) => {
    await tx.execute(sql`SELECT 1 AS done FROM set_config('prosper.password', ${password}, true)`);
    await tx.execute({
      text: `DO $$ BEGIN EXECUTE format('ALTER ROLE ${name} LOGIN PASSWORD %L', current_setting('prosper.password')); END $$`,
      values: [],
    });
  });
}
