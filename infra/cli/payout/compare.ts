/**
 * Run before money is prepared or sent: has a paying address paid anything on the chain that the books do not
 * know? A database that was restored from a backup has lost payouts, so it owes their money once more
 * (docs/decisions/payout-trust.md).
 */

import { type Clock, sleep } from "../../../shared/clock.ts";
import { counted } from "../../../shared/counted.ts";
import {
  comparedThrough,
  type EntryKnowledge,
  knownEntries,
  ownersOf,
  payingSources,
  saveCompared,
} from "../../../shared/db/payout-comparison.ts";
import type { Db } from "../../../shared/db/port.ts";
import { formatPeg } from "../../../shared/decimal.ts";
import { CodedError } from "../../../shared/errors.ts";
import type { Factomd } from "../../../shared/factom/client.ts";
import { TRANSACTION_CHAIN } from "../../../shared/factom/entry.ts";
import { type OutgoingEntry, outgoingOf, paidBy } from "../../../shared/factom/outgoing.ts";
import type { Pegnetd } from "../../../shared/factom/pegnetd.ts";
import type { Print } from "../output.ts";
import type { Progress } from "../progress.ts";

export interface CompareOptions {
  /** FA addresses that may pay, in addition to those that have paid. */
  readonly sources: readonly string[];
  /** The node deletes old blocks, as a devnet does. Those it no longer has are skipped, with a message. */
  readonly mayForget: boolean;
}

export interface CompareModules {
  readonly db: Db;
  readonly factomd: Factomd;
  /** Where there is one, entries that it refused have paid nothing. */
  readonly pegnetd?: Pegnetd | undefined;
  readonly clock: Clock;
  readonly print: Print;
  readonly progress?: Progress | undefined;
}

/** An entry of a paying address that the books do not have. */
export interface Unbooked {
  readonly entry: OutgoingEntry;
  /** `void`: the books gave the entry up, but it was executed. */
  readonly known: "void" | undefined;
}

export interface Comparison {
  readonly sources: readonly string[];
  /** The last block compared. */
  readonly through: number;
  readonly unbooked: readonly Unbooked[];
  /** Acknowledged entries that cannot be read before they are in a block: nobody knows yet who pays by them. */
  readonly unread: readonly string[];
}

/** For a pool whose books have no block yet: a day of blocks is compared. */
const FIRST_BLOCKS = 144;
const SAVE_EVERY = 500;
const SHOW_FROM = 50;
/** Entries beyond this are counted, but not listed. */
const LISTED = 10;
const POLL_MS = 2_000;
/** Three blocks of the real network. */
const WAIT_MS = 30 * 60_000;

/**
 * Compares what the paying addresses did since the last time with the books. Throws CodedErrors `payout-node` (the node cannot tell),
 * and those of the clients.
 */
export async function compareWithChain(
  options: CompareOptions,
  modules: CompareModules,
): Promise<Comparison> {
  const { db, factomd } = modules;
  const sources = [...new Set([...options.sources, ...(await payingSources(db))])];
  // Before the height: what gets into a block meanwhile is in the blocks compared, or still in this list.
  const { found, unread } = await readPending(new Set(sources), modules);
  const { directoryBlock, entry } = await factomd.heights();
  const through = Math.min(directoryBlock, entry);
  const from = await firstToCompare(sources, through, db);
  const unbooked: Unbooked[] = [];
  if (sources.length > 0) await compareBlocks({ ...options, sources, from, through }, unbooked, modules);
  const seen = new Set(unbooked.map((one) => one.entry.entryHash));
  unbooked.push(
    ...(await judge(
      found.filter(({ entryHash }) => !seen.has(entryHash)),
      modules,
    )),
  );
  return { sources, through, unbooked, unread };
}

async function firstToCompare(sources: readonly string[], through: number, db: Db): Promise<number> {
  const { compared, firstBlock } = await comparedThrough(db, sources);
  const first = firstBlock ?? Math.max(0, through - FIRST_BLOCKS);
  const next = sources.map((source) => (compared.get(source) ?? first - 1) + 1);
  const from = Math.min(...next, through + 1);
  const behind = Math.max(-1, ...compared.values());
  if (behind > through)
    throw new CodedError(
      "payout-node",
      `factomd is at block ${through}, but everything up to block ${behind} was compared before: ask a node that is not behind`,
    );
  return from;
}

async function compareBlocks(
  range: CompareOptions & { readonly from: number; readonly through: number },
  unbooked: Unbooked[],
  modules: CompareModules,
): Promise<void> {
  const { from, through, sources, mayForget } = range;
  const { db, factomd, progress, print } = modules;
  const isLong = through - from >= SHOW_FROM;
  let forgotten = 0;
  let waiting: OutgoingEntry[] = [];
  for await (const { height, entries } of outgoingOf(new Set(sources), range, factomd)) {
    if (entries === undefined && !mayForget)
      throw new CodedError(
        "payout-node",
        `factomd does not have block ${height}: what was paid in it cannot be compared; ask a node that has the whole chain`,
      );
    if (entries === undefined) forgotten += 1;
    waiting.push(...(entries ?? []));
    const isCheckpoint = (height - from + 1) % SAVE_EVERY === 0 || height === through;
    if (isLong)
      progress?.update("Comparing with the chain", height - from + 1, through - from + 1, " blocks");
    if (!isCheckpoint) continue;
    unbooked.push(...(await judge(waiting, modules)));
    waiting = [];
    // What was found must be found again until it is dealt with.
    if (unbooked.length === 0) await saveCompared(db, sources, height);
  }
  progress?.end();
  if (forgotten > 0)
    print(
      `${forgotten} old blocks are no longer kept by this devnet: what was paid in them was not compared`,
    );
}

/** The entries that paid, or may still pay, without the books knowing it. */
async function judge(
  entries: readonly OutgoingEntry[],
  { db, pegnetd }: CompareModules,
): Promise<Unbooked[]> {
  if (entries.length === 0) return [];
  const known = await knownEntries(
    db,
    entries.map(({ entryHash }) => entryHash),
  );
  const unbooked: Unbooked[] = [];
  for (const entry of entries) {
    const what: EntryKnowledge | undefined = known.get(entry.entryHash);
    if (what !== undefined && what !== "void") continue;
    const status = await pegnetd?.transaction(entry.entryHash);
    if (status?.kind !== "rejected") unbooked.push({ entry, known: what });
  }
  return unbooked;
}

/**
 * Reads what is acknowledged and not in a block yet. Unpaid entries are left out: they cost nothing, so
 * anybody could hold up payouts with them.
 */
async function readPending(
  sources: ReadonlySet<string>,
  { db, factomd, clock }: CompareModules,
): Promise<{ readonly found: readonly OutgoingEntry[]; readonly unread: readonly string[] }> {
  const pending = (await factomd.pendingEntries())
    .filter(({ chainId, status }) => chainId === TRANSACTION_CHAIN && status === "TransactionACK")
    .map(({ entryHash }) => entryHash);
  const known = await knownEntries(db, pending);
  const found: OutgoingEntry[] = [];
  const unread: string[] = [];
  for (const entryHash of pending) {
    if (known.has(entryHash)) continue;
    const entry = await factomd.entry(entryHash);
    const batch = entry && paidBy(sources, entry, clock.wallMs() / 1000);
    if (entry === undefined) unread.push(entryHash);
    if (batch !== undefined) found.push({ entryHash, height: undefined, batch });
  }
  return { found, unread };
}

/**
 * Called before a list is made. Nothing is sent yet, so `requireNothingUnbooked` deals later with what is on
 * its way and cannot be read.
 */
export async function requireAllBooked(options: CompareOptions, modules: CompareModules): Promise<void> {
  const { unbooked } = await compareWithChain(options, modules);
  if (unbooked.length > 0) throw await unbookedError(unbooked, modules.db);
}

/**
 * Before anything is sent: waits until what is on its way can be read. Throws CodedErrors `payout-unbooked`, `payout-pending`, and those
 * of `compareWithChain`.
 */
export async function requireNothingUnbooked(
  options: CompareOptions,
  modules: CompareModules,
): Promise<void> {
  const { clock, print } = modules;
  const untilMs = clock.monotonicMs() + WAIT_MS;
  let awaited: readonly string[] | undefined;
  for (;;) {
    const { unbooked, unread } = await compareWithChain(options, modules);
    if (unbooked.length > 0) throw await unbookedError(unbooked, modules.db);
    // Only those of the beginning, because other people's entries never stop coming.
    const left: readonly string[] = (awaited ?? unread).filter((hash) => unread.includes(hash));
    if (left.length === 0) return;
    if (awaited === undefined)
      print(
        `Waiting for ${counted(left.length, "entry", "entries")} on the way into a block, to be read there`,
      );
    awaited = left;
    if (clock.monotonicMs() > untilMs)
      throw new CodedError(
        "payout-pending",
        `on the way into a block for half an hour: ${counted(left.length, "entry", "entries")}, and nobody can tell before who pays by that: nothing was sent; is factomd in order?`,
      );
    await sleep(clock, POLL_MS);
  }
}

/** Names what the books do not know, and what to do about it. */
export async function unbookedError(unbooked: readonly Unbooked[], db: Db): Promise<CodedError> {
  const lines: string[] = [];
  for (const one of unbooked.slice(0, LISTED)) lines.push(`  ${await unbookedLine(one, db)}`);
  if (unbooked.length > LISTED) lines.push(`  … and ${unbooked.length - LISTED} more`);
  return new CodedError(
    "payout-unbooked",
    [
      "on the chain the pool's address has paid what the books do not know: nothing was prepared or sent, for it would be paid twice. Was the database restored from a backup?",
      ...lines,
      "Book each that paid miners: prosper payout book ENTRY. Say of each other what it was for: prosper payout disregard ENTRY --reason TEXT",
      'Then run this again (docs/runbook.md, "Restoring the database").',
    ].join("\n"),
    { data: { entries: unbooked.map(({ entry }) => entry.entryHash) } },
  );
}

/** One line: entry, block, amounts, and to whom. */
export async function unbookedLine({ entry, known }: Unbooked, db: Db): Promise<string> {
  const { entryHash, height, batch } = entry;
  const where = height === undefined ? "on its way" : `block ${height}`;
  const paid = batch.transactions.filter(({ conversion }) => conversion === undefined);
  const transfers = paid.flatMap((one) => one.transfers);
  const owners = await ownersOf(
    db,
    transfers.map(({ address }) => address),
  );
  const names = [...new Set(transfers.flatMap(({ address }) => owners.get(address) ?? [address]))];
  const to = `${names.slice(0, 3).join(", ")}${names.length > 3 ? ` and ${names.length - 3} more` : ""}`;
  const total = paid.reduce((sum, { amount }) => sum + amount, 0n);
  const ticker = [...new Set(batch.transactions.map((one) => one.ticker))].join("/");
  const what = paid.length === 0 ? "a conversion" : `${formatPeg(total)} ${ticker} to ${to}`;
  const gaveUp = known === "void" ? "; the books gave it up, and owe it again" : "";
  return `${entryHash}  ${where}: ${what}${gaveUp}`;
}
