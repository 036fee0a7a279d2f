/** The devnet's chain: blocks by height and hash, balances, and the log that keeps them. It has no clock. */

import * as v from "valibot";
import { CodedError } from "../../shared/errors.ts";
import { type EncodedBlock, encodeDirectoryBlock, encodeEntryBlock } from "../../shared/factom/block.ts";
import { OPR_CHAIN, TRANSACTION_CHAIN } from "../../shared/factom/entry.ts";
import type { Logger } from "../../shared/logger.ts";
import { type BlockLog, type BodyPlace, createMemoryLog, openBlockLog } from "./block-log.ts";
import {
  type BlockRecord,
  packEntries,
  RECORD,
  type StateRecord,
  toJson,
  unpackEntries,
} from "./chain-records.ts";

export interface ChainOptions {
  /** Undefined keeps everything in memory. */
  readonly folder: string | undefined;
  /** Blocks that can be read; older ones are deleted. */
  readonly keepBlocks: number;
}

export interface ChainTip {
  readonly height: number;
  readonly keyMr: string;
  readonly fullHash: string;
}

interface ChainHead {
  readonly keyMr: string;
  readonly fullHash: string;
  readonly sequence: number;
}

export interface BatchFate {
  readonly height: number;
  readonly executed: number;
  readonly timestampMinutes: number;
}

const ZERO_HASH = "00".repeat(32);
/** The network id of a local factomd. */
export const NETWORK_ID = "fa92e5a4";
/** Executed batches are remembered for two salt windows, so that none is executed twice. */
const REMEMBER_MINUTES = 24 * 60;

/** Admin, entry-credit and factoid blocks of a devnet are empty, but they stand in the directory. */
const SYSTEM_CHAINS = ["0a", "0c", "0f"].map((last) => ({
  chainId: last.padStart(64, "0"),
  keyMr: ZERO_HASH,
}));

export class DevnetChain {
  readonly #keepBlocks: number;
  readonly #segmentBlocks: number;
  readonly #blocks = new Map<number, { readonly record: BlockRecord; readonly place: BodyPlace }>();
  readonly #heightOf = new Map<string, number>();
  readonly #heads = new Map<string, ChainHead>();
  readonly #balances = new Map<string, bigint>();
  readonly #credits = new Map<string, number>();
  readonly #transactions = new Map<string, BatchFate>();
  #log: BlockLog = createMemoryLog();
  #tip: ChainTip | undefined;
  #winners: readonly string[] = [];
  /** The last block read: follower and submitter ask for many entries of one block in a row. */
  #cached: { readonly height: number; readonly raws: Promise<readonly Uint8Array[]> } | undefined;
  #inSegment = 0;

  private constructor(keepBlocks: number) {
    this.#keepBlocks = keepBlocks;
    this.#segmentBlocks = Math.max(1, Math.ceil(keepBlocks / 10));
  }

  /** Reads the folder's blocks, or starts empty. */
  static async open(options: ChainOptions, logger: Logger): Promise<DevnetChain> {
    const chain = new DevnetChain(options.keepBlocks);
    if (options.folder === undefined) return chain;
    chain.#log = await openBlockLog(
      options.folder,
      (header, place) => {
        const record = v.parse(RECORD, header);
        chain.#requireNext(record);
        if (record.type === "state") chain.#restore(record);
        else chain.#apply(record, place);
      },
      logger,
    );
    return chain;
  }

  get tip(): ChainTip | undefined {
    return this.#tip;
  }

  /** Of the last graded block; empty before it. */
  get winners(): readonly string[] {
    return this.#winners;
  }

  /** The lowest height that can be read. */
  get oldest(): number | undefined {
    const [oldest] = this.#blocks.keys();
    return oldest;
  }

  block(height: number): BlockRecord | undefined {
    return this.#blocks.get(height)?.record;
  }

  /** Height of the block that has this entry, entry block or directory block. */
  heightOf(hash: string): number | undefined {
    return this.#heightOf.get(hash);
  }

  head(chainId: string): ChainHead | undefined {
    return this.#heads.get(chainId);
  }

  /** The two PegNet chains exist from the start: their first entries were written long before a devnet begins. */
  hasChain(chainId: string): boolean {
    return chainId === OPR_CHAIN || chainId === TRANSACTION_CHAIN || this.#heads.has(chainId);
  }

  /** 1e-8 PEG; undefined for an address never seen. */
  balance(address: string): bigint | undefined {
    return this.#balances.get(address);
  }

  transaction(hash: string): BatchFate | undefined {
    return this.#transactions.get(hash);
  }

  /** Entry credits of a public key. */
  credits(publicKey: string): number {
    return this.#credits.get(publicKey) ?? 0;
  }

  /** Gives an address PEG from nowhere, for tests that cannot wait until it is won; not kept in the log. */
  setBalance(address: string, balance: bigint): void {
    this.#balances.set(address, balance);
  }

  /** Written to the log with the next block. */
  setCredits(publicKey: string, credits: number): void {
    this.#credits.set(publicKey, credits);
  }

  /** Balances to write with a block. */
  allCredits(): [string, number][] {
    return [...this.#credits];
  }

  /** The block's raw entries in the order of its chains. */
  async entries(height: number): Promise<readonly Uint8Array[]> {
    const found = this.#blocks.get(height);
    if (found === undefined) return [];
    if (this.#cached?.height !== height)
      this.#cached = { height, raws: this.#log.read(found.place).then(unpackEntries) };
    return this.#cached.raws;
  }

  async entry(hash: string): Promise<Uint8Array | undefined> {
    const height = this.#heightOf.get(hash);
    const record = height === undefined ? undefined : this.block(height);
    if (height === undefined || record === undefined) return undefined;
    const index = record.chains.flatMap((one) => one.entries).findIndex((one) => one.hash === hash);
    return index < 0 ? undefined : (await this.entries(height))[index];
  }

  /** Writes the block and makes it the tip. Resolves when it is on disk. */
  async append(record: BlockRecord, raws: readonly Uint8Array[]): Promise<void> {
    const expected = this.#tip === undefined ? record.height : this.#tip.height + 1;
    if (record.height !== expected) throw new Error(`expected block ${expected}, got ${record.height}`);
    if (this.#inSegment >= this.#segmentBlocks && this.#tip !== undefined) {
      await this.#log.rotate(record.height, this.#oldestSegment());
      await this.#log.append({ header: toJson(this.#snapshot(this.#tip)), body: new Uint8Array() });
      this.#inSegment = 0;
    }
    const place = await this.#log.append({ header: toJson(record), body: packEntries(raws) });
    this.#apply(record, place);
  }

  close(): Promise<void> {
    return this.#log.close();
  }

  /**
   * Records on disk must follow on each other. Otherwise other blocks could silently take the place of those
   * that the pool has booked.
   */
  #requireNext({ type, height, ...record }: BlockRecord | StateRecord): void {
    if (this.#tip === undefined) return;
    const expected = type === "state" ? this.#tip : { height: this.#tip.height + 1 };
    const below = "prevKeyMr" in record ? record.prevKeyMr : record.keyMr;
    if (height === expected.height && below === this.#tip.keyMr) return;
    throw new CodedError(
      "devnet-data-damaged",
      `the devnet's folder is damaged: expected ${type} ${expected.height} on ${this.#tip.keyMr}, got ${height} on ${below}: move the folder away to start a new chain`,
    );
  }

  #oldestSegment(): number {
    const [oldest] = this.#blocks.values();
    return oldest?.place.segment ?? 0;
  }

  #apply(record: BlockRecord, place: BodyPlace): void {
    this.#blocks.set(record.height, { record, place });
    this.#inSegment = place.segment === this.#lastSegment ? this.#inSegment + 1 : 1;
    this.#lastSegment = place.segment;
    this.#tip = { height: record.height, keyMr: record.keyMr, fullHash: record.fullHash };
    this.#winners = record.winners;
    for (const hash of hashesOf(record)) this.#heightOf.set(hash, record.height);
    for (const { chainId, keyMr, fullHash, sequence } of record.chains)
      this.#heads.set(chainId, { keyMr, fullHash, sequence });
    for (const [address, balance] of record.balances) this.#balances.set(address, balance);
    for (const [publicKey, credits] of record.credits) this.#credits.set(publicKey, credits);
    for (const { hash, executed } of record.transactions)
      this.#transactions.set(hash, {
        height: record.height,
        executed,
        timestampMinutes: record.timestampMinutes,
      });
    this.#forget(record);
  }

  #lastSegment = -1;

  #forget(newest: BlockRecord): void {
    const old = this.#blocks.get(newest.height - this.#keepBlocks);
    if (old !== undefined) {
      this.#blocks.delete(old.record.height);
      for (const hash of hashesOf(old.record)) this.#heightOf.delete(hash);
    }
    for (const [hash, { timestampMinutes }] of this.#transactions) {
      if (timestampMinutes + REMEMBER_MINUTES > newest.timestampMinutes) break;
      this.#transactions.delete(hash);
    }
  }

  #snapshot(tip: ChainTip): StateRecord {
    return {
      type: "state",
      ...tip,
      chains: [...this.#heads].map(([chainId, head]) => ({ chainId, ...head })),
      winners: [...this.#winners],
      transactions: [...this.#transactions].map(([hash, status]) => ({ hash, ...status })),
      balances: [...this.#balances],
      credits: [...this.#credits],
    };
  }

  #restore(state: StateRecord): void {
    this.#tip = { height: state.height, keyMr: state.keyMr, fullHash: state.fullHash };
    this.#winners = state.winners;
    for (const { chainId, ...head } of state.chains) this.#heads.set(chainId, head);
    for (const { hash, ...status } of state.transactions) this.#transactions.set(hash, status);
    for (const [address, balance] of state.balances) this.#balances.set(address, balance);
    for (const [publicKey, credits] of state.credits) this.#credits.set(publicKey, credits);
  }
}

function hashesOf(record: BlockRecord): string[] {
  return [
    record.keyMr,
    ...record.chains.flatMap((one) => [one.keyMr, ...one.entries.map(({ hash }) => hash)]),
  ];
}

/** The directory block as factomd serves it. */
export function directoryBlockOf(record: Omit<BlockRecord, "keyMr" | "fullHash">): EncodedBlock {
  const chains = record.chains.map(({ chainId, keyMr }) => ({ chainId, keyMr }));
  return encodeDirectoryBlock({
    networkId: NETWORK_ID,
    prevKeyMr: record.prevKeyMr,
    prevFullHash: record.prevFullHash,
    timestampMinutes: record.timestampMinutes,
    height: record.height,
    entryBlocks: [...SYSTEM_CHAINS, ...chains].sort((a, b) => (a.chainId < b.chainId ? -1 : 1)),
  });
}

/** One of the block's entry blocks as factomd serves it. */
export function entryBlockOf(
  height: number,
  one: Omit<BlockRecord["chains"][number], "keyMr" | "fullHash">,
): EncodedBlock {
  const { chainId, prevKeyMr, prevFullHash, sequence, entries } = one;
  return encodeEntryBlock({ chainId, prevKeyMr, prevFullHash, sequence, height, entries });
}
