/**
 * Writes the roots of sealed blocks to the pool's Factom chain, while this edge holds the chain lease (docs/proofs.md, "Roots on the chain").
 * Each round looks at the chain first: an entry that is there, or on its way, is not sent again. Nothing waits for it, neither seals nor pay. An edge
 * without the receipt key sends what was composed elsewhere (functions/janitor/root-signer.ts).
 */

import { composeRootEntries, UNPLACED } from "../../shared/audit/root-composer.ts";
import { fromHex, toHex } from "../../shared/bytes.ts";
import type { Clock } from "../../shared/clock.ts";
import type { Db } from "../../shared/db/port.ts";
import {
  announcedRootKey,
  firstJob,
  type RootEntryRow,
  recordChainRoots,
  rootChainRead,
  unplacedRootEntries,
} from "../../shared/db/root-entries.ts";
import { CodedError, coerceError } from "../../shared/errors.ts";
import { encodeAddress } from "../../shared/factom/address.ts";
import type { Factomd } from "../../shared/factom/client.ts";
import { signEntry } from "../../shared/factom/commit.ts";
import type { KeyPair } from "../../shared/factom/ed25519.ts";
import { type Entry, encodeEntry, entryCost, entryHash, parseEntry } from "../../shared/factom/entry.ts";
import { missing } from "../../shared/factom/missing.ts";
import type { Logger } from "../../shared/logger.ts";
import { type PlacedRoot, rootsInBlock } from "../../shared/proofs/root-chain.ts";
import { type RootChain, readRootEntry, rootChainOf } from "../../shared/proofs/root-entry.ts";
import { runEvery } from "../../shared/run-every.ts";
import type { NamedLease } from "../lease/named.ts";

export interface RootWriterOptions {
  /** Signs the entries: the receipt key. Without it they are composed elsewhere. */
  readonly signer?: KeyPair;
  /** Pays for them. */
  readonly payer: KeyPair;
  /** Blocks of an entry; more where it is behind, as many as fit. */
  readonly batch: number;
  readonly blockMs: number;
}

export interface RootWriterModules {
  readonly db: Db;
  readonly factomd: Factomd;
  readonly lease: Pick<NamedLease, "held" | "epoch">;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Left to the pool's records, which earn what roots only tell of. */
export const RESERVED_CREDITS = 144;
/** Directory blocks read in a round; the next one goes on. */
const READ_BLOCKS = 50;
const EVERY_MS = 10_000;
/** factomd's words for an entry that it has or has been paid for. */
const ON_ITS_WAY: ReadonlySet<string> = new Set(["TransactionACK", "DBlockConfirmed"]);

export class RootWriter {
  readonly #options: RootWriterOptions;
  readonly #modules: RootWriterModules;
  /** When each entry was last sent, monotonic. One that factomd forgot, for want of credits say, is sent again a block later. */
  readonly #sentMs = new Map<string, number>();
  #isShort = false;

  constructor(options: RootWriterOptions, modules: RootWriterModules) {
    this.#options = options;
    this.#modules = modules;
  }

  /** Runs until `signal` aborts. Never rejects: what failed is logged, and tried again in the next round. */
  run(signal: AbortSignal): Promise<void> {
    const everyMs = Math.min(EVERY_MS, this.#options.blockMs / 10);
    const run = (): Promise<void> => this.round();
    return runEvery({ name: "roots on the chain", everyMs, run }, { ...this.#modules, signal });
  }

  /** Reads what is new on the chain, composes what is due, and sends what is not there. */
  async round(): Promise<void> {
    const { db, lease, factomd } = this.#modules;
    const { signer, batch } = this.#options;
    const epoch = lease.held() ? lease.epoch() : undefined;
    if (epoch === undefined) return;
    const waiting = (await unplacedRootEntries(db, UNPLACED)).map(entryOf);
    const own = signer === undefined ? await announcedRootKey(db) : toHex(signer.publicKey);
    // Entries that an earlier key has signed stand on its own chain. That of today is read last: it is what the pages show.
    const wanted = [...waiting.map(chainOf), ...(own === undefined ? [] : [rootChainOf(fromHex(own))])];
    const chains = new Map(wanted.map((chain) => [chain.chainId, chain]));
    if (chains.size === 0) return;
    const { directoryBlock: top } = await factomd.heights();
    const made = new Set<string>();
    for (const chain of chains.values()) {
      const hasChain = (await factomd.chainHead(chain.chainId)) !== undefined;
      if (hasChain) made.add(chain.chainId);
      if (!(await this.#read(chain, { top, hasChain, epoch }))) return;
    }
    if (signer !== undefined) await composeRootEntries(db, { signer, batch, epoch });
    await this.#send(made);
  }

  /** True once all blocks up to `top` were read. */
  async #read(
    { chainId, key }: RootChain,
    { top, hasChain, epoch }: { top: number; hasChain: boolean; epoch: bigint },
  ): Promise<boolean> {
    const { db, factomd } = this.#modules;
    const read = await rootChainRead(db, chainId);
    // A root stands behind its block. Without a chain, and nothing sent there, there is none up to here.
    const isNew = !hasChain && !(read?.hasEntries ?? false);
    const after = isNew ? top : (read?.through ?? (await firstJob(db)) ?? top);
    const through = Math.min(top, after + READ_BLOCKS);
    if (read !== undefined && through <= read.through) return true;
    const roots: PlacedRoot[] = [];
    for (let height = after + 1; height <= through; height++) {
      const inBlock = await rootsInBlock(height, [key], factomd);
      if (inBlock === undefined) throw missing(`directory block ${height}`);
      roots.push(...inBlock);
    }
    const found = { chainId, key: toHex(key), through: Math.max(through, after), roots };
    await recordChainRoots(db, found, epoch);
    return through >= top;
  }

  async #send(made: ReadonlySet<string>): Promise<void> {
    const waiting = (await unplacedRootEntries(this.#modules.db, UNPLACED)).map(entryOf);
    const wanted = new Set<string>();
    for (const entry of waiting) {
      const chain = chainOf(entry);
      const isMade = made.has(chain.chainId);
      // What is written before its chain is there would wait for it at the node, or be lost.
      const next = isMade ? entry : chain.first;
      const raw = encodeEntry(next);
      const hash = entryHash(raw);
      if (!wanted.has(hash)) await this.#put(next, { raw, hash, isFirst: !isMade });
      wanted.add(hash);
    }
    for (const hash of this.#sentMs.keys()) if (!wanted.has(hash)) this.#sentMs.delete(hash);
  }

  async #put(
    entry: Entry,
    { raw, hash, isFirst }: { raw: Uint8Array; hash: string; isFirst: boolean },
  ): Promise<void> {
    const { factomd, clock, logger } = this.#modules;
    const { payer, blockMs } = this.#options;
    const nowMs = clock.monotonicMs();
    if (nowMs - (this.#sentMs.get(hash) ?? Number.NEGATIVE_INFINITY) < blockMs) return;
    const known = await factomd.ack(hash, entry.chainId);
    if (ON_ITS_WAY.has(known.entry)) return;
    if (!(await this.#canPay(entryCost(raw.length, isFirst)))) return;
    this.#sentMs.set(hash, nowMs);
    const signed = signEntry({ entry, payer, timestampMs: clock.wallMs(), newChain: isFirst });
    try {
      await (isFirst ? factomd.commitChain(signed.commit) : factomd.commitEntry(signed.commit));
      await (isFirst ? factomd.revealChain(signed.reveal) : factomd.revealEntry(signed.reveal));
    } catch (thrown) {
      logger.warn("factomd did not take a root's entry; it is sent again", {
        entryHash: hash,
        error: coerceError(thrown).message,
      });
    }
  }

  async #canPay(credits: number): Promise<boolean> {
    const { factomd, logger } = this.#modules;
    const address = encodeAddress("EC", this.#options.payer.publicKey);
    const balance = await factomd.entryCreditBalance(address);
    const isShort = balance < credits + RESERVED_CREDITS;
    if (isShort && !this.#isShort)
      logger.warn("the entry credits are too few for roots on the chain: what is left is for records", {
        ...{ balance, needed: credits + RESERVED_CREDITS, address },
      });
    this.#isShort = isShort;
    return !isShort;
  }
}

/** Nothing else is paid for: what has no root's form, or another signature, was not composed as it should be. */
function entryOf({ raw, entryHash: hash }: RootEntryRow): Entry {
  const parsed = parseEntry(fromHex(raw));
  const { entry } = parsed.ok ? parsed : {};
  if (entry !== undefined && readRootEntry(entry, chainOf(entry).key) !== undefined) return entry;
  const why = parsed.ok ? "it is no entry of roots that its key has signed" : parsed.reason;
  throw new CodedError("root-entry", `the entry ${hash} that was composed is damaged: ${why}`);
}

/** The chain of the key that has signed the entry. */
function chainOf(entry: Entry): RootChain {
  return rootChainOf(entry.extIds[1] ?? new Uint8Array());
}
