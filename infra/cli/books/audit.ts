/** `prosper audit`: whether the money of the whole pool adds up, from the database alone. */

import type { ArchiveStore } from "../../../shared/archive/store.ts";
import { type Audit, auditBooks } from "../../../shared/audit/audit.ts";
import { replayBooks } from "../../../shared/audit/replay.ts";
import { counted } from "../../../shared/counted.ts";
import { type AdjustmentListing, listAdjustments } from "../../../shared/db/payments.ts";
import { type Db, json } from "../../../shared/db/port.ts";
import { formatPeg, signedPeg } from "../../../shared/decimal.ts";
import type { Progress } from "../progress.ts";

export interface AuditModules {
  readonly db: Db;
  /** Where deltas of sealed blocks are. */
  readonly archive?: ArchiveStore | undefined;
  /** Shows how far a replay is. */
  readonly progress?: Progress;
  /** A line for stdout. */
  readonly print: (line: string) => void;
  /** A line for stderr: what does not agree. */
  readonly warn: (line: string) => void;
}

export interface AuditOptions {
  json?: boolean;
  /** Make the books a second time from the deltas, those in the archive too, and the recorded decisions. */
  replay?: boolean;
}

/**
 * Prints the books, as one JSON line or as a table, and returns the exit code. It is 1 when money is not
 * conserved, or when a replay makes other books than the stored ones.
 */
export async function auditCommand(options: AuditOptions, modules: AuditModules): Promise<number> {
  if (options.replay === true) return replayCommand(options, modules);
  const audit = await auditBooks(modules.db);
  if (options.json === true) modules.print(formatAudit(audit));
  else
    for (const line of auditTable(
      audit,
      await listAdjustments(modules.db, SHOWN_ADJUSTMENTS),
      verdictOf(audit),
    ))
      modules.print(line);
  for (const problem of audit.problems) modules.warn(problem);
  return audit.problems.length === 0 ? 0 : 1;
}

async function replayCommand(options: AuditOptions, modules: AuditModules): Promise<number> {
  const { db, print, warn, progress, archive } = modules;
  const replay = await replayBooks(db, {
    ...{ named: NAMED_DIFFERENCES, archive },
    onProgress: (done, total) => progress?.update("Replaying the books", done, total, " blocks"),
  }).finally(() => progress?.end());
  const { audit, differences, deltas, archiveFiles, through, sha256 } = replay;
  const facts = { deltas, archiveFiles, through, differences, booksSha256: sha256 };
  if (options.json === true) print(formatAudit(audit, { replay: { ...facts, first: audit.problems } }));
  else {
    const adjustments = await listAdjustments(db, SHOWN_ADJUSTMENTS);
    const verdict =
      differences === 0
        ? "Identical: every stored row is what the deltas and recorded decisions make."
        : `NOT IDENTICAL: ${differences} differences.`;
    for (const line of auditTable(audit, adjustments, verdict)) print(line);
    const archived = archiveFiles === 0 ? "" : ` (${counted(archiveFiles, "file")} of the archive)`;
    print(`${deltas} deltas replayed${archived}, sealed through block ${through}. Books sha256: ${sha256}`);
  }
  for (const difference of audit.problems) warn(difference);
  if (differences > audit.problems.length) warn(`… and ${differences - audit.problems.length} more`);
  return differences === 0 ? 0 : 1;
}

/** The JSON of the machine interface: money in 1e-8 PEG and work in hashes as strings. */
export function formatAudit(audit: Audit, more: Readonly<Record<string, unknown>> = {}): string {
  const users = [...audit.users].map(([name, user]) => [name, { ...user, accepted: Number(user.accepted) }]);
  const { blocks, reward, fee, paid, carried, adjusted, problems } = audit;
  const conserved = problems.length === 0;
  const sums = { blocks, reward, fee, paid, carried, conserved, adjusted };
  return json({ ...sums, users: Object.fromEntries(users), ...more });
}

const COLUMNS = ["user", "shares", "booked", "adjusted", "paid out", "owed"] as const;

const SHOWN_ADJUSTMENTS = 20;
const NAMED_DIFFERENCES = 20;

function verdictOf({ problems }: Audit): string {
  return problems.length === 0
    ? "Conserved: fee + paid + carried = reward, and every block and root was computed again."
    : `NOT CONSERVED: ${problems.length} disagreements.`;
}

function auditTable(audit: Audit, adjustments: readonly AdjustmentListing[], verdict: string): string[] {
  const rows = [...audit.users].map(([name, user]) => [
    name,
    `${user.accepted}`,
    ...[user.booked, user.adjusted, user.paidOut, user.owed].map(formatPeg),
  ]);
  const all = [[...COLUMNS], ...rows];
  const widths = COLUMNS.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  const lines = all.map((row) =>
    row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join("  "),
  );
  const totals = (["reward", "fee", "paid", "carried", "adjusted"] as const).map(
    (name) => `${name} ${formatPeg(audit[name])}`,
  );
  const newest = adjustments.map(
    ({ atMs, user, amount, madeBy, reason }) =>
      `${new Date(atMs).toISOString()}  ${user}  ${signedPeg(amount)} PEG, by ${madeBy}: ${reason}`,
  );
  const corrections = newest.length === 0 ? [] : ["", "Adjustments, the newest first:", ...newest];
  return [
    `${counted(audit.blocks, "block")} sealed (PEG): ${totals.join(", ")}`,
    "",
    ...lines,
    ...corrections,
    "",
    verdict,
  ];
}
