/**
 * Who pays one user on a chain, again and again, by the product's own signing and comparing: its file is changed on the way, and its
 * records come back from a backup. What a list is worth when it is sent (recordIntent) is tested on the real database; here the records
 * are a map, and only what payments need of the database is restored.
 */

import { requireNothingUnbooked } from "../../../infra/cli/payout/compare.ts";
import type { PreparedFile } from "../../../infra/cli/payout/files.ts";
import { requirePools, signEntries } from "../../../infra/cli/payout/sign.ts";
import { type BatchLine, linesDigest } from "../../../shared/accounting/payout-batch.ts";
import { signPayout } from "../../../shared/accounting/payout-signature.ts";
import { fromHex, toHex } from "../../../shared/bytes.ts";
import { recordReceipt } from "../../../shared/db/payments.ts";
import { CodedError } from "../../../shared/errors.ts";
import { encodeAddress, rcd1, rcdHash } from "../../../shared/factom/address.ts";
import type { Factomd } from "../../../shared/factom/client.ts";
import { keyPairFromSeed } from "../../../shared/factom/ed25519.ts";
import { type Entry, parseEntry, TRANSACTION_CHAIN } from "../../../shared/factom/entry.ts";
import { faAddressOf } from "../../../shared/factom/fat2.ts";
import { parseFat2Batch } from "../../../shared/factom/fat2-parse.ts";
import { owed } from "../../support/model/books.ts";
import type { ModelServer } from "../../support/model/server.ts";
import type { PaymentRecord } from "../../support/model/tables.ts";
import type { Chance } from "../../support/random.ts";
import type { SimChain } from "./chain.ts";
import type { DatabaseNetwork } from "./network.ts";
import { SimProcess } from "./process.ts";
import type { SimTime } from "./time.ts";
import { Violation } from "./violation.ts";

/** Nobody else books payments of this user. */
export const PAYEE = "ann";

const seed = (byte: number): Uint8Array => new Uint8Array(32).fill(byte);
const address = (byte: number): string =>
  encodeAddress("FA", rcdHash(rcd1(keyPairFromSeed(seed(byte)).publicKey)));
const OWN = address(1);
const THIEF = address(2);
const PAYING = keyPairFromSeed(seed(3));
const POOL = keyPairFromSeed(seed(4));
const POOL_KEY = toHex(POOL.publicKey);
const SOURCE = faAddressOf(PAYING);

interface OnChain {
  readonly entry: Entry;
  readonly height: number;
  readonly line: PaymentRecord;
}

export interface PaymasterModules {
  readonly time: SimTime;
  readonly chance: Chance;
  readonly network: DatabaseNetwork;
  readonly server: ModelServer;
  readonly chain: SimChain;
  readonly trace: (line: string) => void;
  readonly fail: (violation: Violation) => void;
}

export class Paymaster {
  readonly process: SimProcess;
  readonly #modules: PaymasterModules;
  /** What the network has, whatever the books say. */
  readonly #onChain = new Map<string, OnChain>();
  /** Of what is on record as sent, the entries. */
  readonly #raws = new Map<string, string>();
  #isTampered = false;
  /** Connections that a restored database has ended. */
  #restores = 0;
  #backup: {
    readonly payments: number;
    readonly sent: readonly [string, PaymentRecord][];
    readonly compared: readonly [string, number][];
  };
  /** What this user was ever paid on the chain. */
  #paid = 0n;

  constructor(modules: PaymasterModules) {
    this.#modules = modules;
    this.process = new SimProcess("paymaster", modules.time);
    this.#backup = { payments: 0, sent: [], compared: [] };
  }

  open(): void {
    const { time, chance } = this.#modules;
    time.after(chance.between(500, 4_000), () => {
      if (!this.process.alive) return;
      if (chance.hit(0.2)) this.#backUp();
      this.#work().then(
        () => this.open(),
        (error: unknown) => {
          if (error instanceof Violation) this.#modules.fail(error);
          // The database or the node is away: the next turn tries again.
          else this.open();
        },
      );
    });
  }

  /** The next file is changed on its way to the machine that signs. */
  tamper(): void {
    this.#isTampered = true;
  }

  #backUp(): void {
    const { tables } = this.#modules.server;
    const payments = tables.payments.filter(({ user }) => user === PAYEE).length;
    this.#backup = { payments, sent: [...tables.sent], compared: [...tables.compared] };
  }

  /** The database comes back as the last backup has it. */
  restore(): void {
    const { tables } = this.#modules.server;
    this.#restores += 1;
    const kept = tables.payments.filter(({ user }) => user === PAYEE).slice(0, this.#backup.payments);
    const others = tables.payments.filter(({ user }) => user !== PAYEE);
    tables.payments.splice(0, tables.payments.length, ...others, ...kept);
    for (const [map, entries] of [
      [tables.sent, this.#backup.sent],
      [tables.compared, this.#backup.compared],
    ] as [Map<string, unknown>, readonly [string, unknown][]][]) {
      map.clear();
      for (const [key, value] of entries) map.set(key, value);
    }
    this.#modules.trace("* the database is restored");
  }

  async #work(): Promise<void> {
    await this.#confirm();
    const connection = this.#restores;
    const list = await this.#prepare();
    if (list === undefined) return;
    const entries = this.#sign(list);
    if (entries === undefined) return;
    try {
      await this.#compare();
    } catch (error) {
      if (!(error instanceof CodedError) || error.code !== "payout-unbooked") throw error;
      await this.#bookWhatTheChainHas();
      return;
    }
    const { network, server } = this.#modules;
    for (const { entryHash, raw } of entries) {
      const [line] = list.lines;
      if (line === undefined) continue;
      this.#raws.set(entryHash, raw);
      const payment = { entryHash, user: line.user, address: line.address, amount: line.amount };
      const isRecorded = await network.call(this.process, async () => {
        // As recordIntent: what is owed and not on its way, under its lock.
        if (connection !== this.#restores) throw new CodedError("db-away", "the database was restored");
        if (line.amount > this.#payable()) return false;
        server.tables.sent.set(entryHash, payment);
        return true;
      });
      if (isRecorded) this.#reveal(raw, payment);
    }
  }

  #payable(): bigint {
    const { tables } = this.#modules.server;
    const booked = new Set(tables.payments.map(({ entryHash }) => entryHash));
    const onTheirWay = [...tables.sent.values()].filter(({ entryHash }) => !booked.has(entryHash));
    return onTheirWay.reduce((rest, { amount }) => rest - amount, owed(tables, PAYEE));
  }

  async #prepare(): Promise<PreparedFile | undefined> {
    const amount = await this.#modules.network.call(this.process, async () => this.#payable());
    if (amount <= 0n) return undefined;
    const saltSeconds = Math.floor(this.process.clock.wallMs() / 1000);
    const lines: BatchLine[] = [{ user: PAYEE, address: OWN, amount, totalOwed: amount, totalPaid: 0n }];
    const signature = signPayout({ saltSeconds, lines }, POOL);
    const id = linesDigest(lines).slice(0, 16);
    return { prosper: "payout", version: 2, id, saltSeconds, lines, signature };
  }

  #sign(prepared: PreparedFile): ReturnType<typeof signEntries> | undefined {
    const isTampered = this.#isTampered;
    this.#isTampered = false;
    if (isTampered)
      for (const line of prepared.lines) {
        line.address = THIEF;
        prepared.id = linesDigest(prepared.lines).slice(0, 16);
      }
    try {
      requirePools("pay.json", prepared, POOL_KEY);
    } catch (error) {
      if (isTampered && error instanceof CodedError) return undefined;
      throw new Violation(`I7: an honest payout was refused: ${String(error)}`);
    }
    return signEntries(prepared, PAYING);
  }

  #reveal(raw: string, line: PaymentRecord): void {
    const { entryHash } = line;
    if (this.#onChain.has(entryHash)) return;
    const { chain, server, trace } = this.#modules;
    const parsed = parseEntry(fromHex(raw));
    const batch = parsed.ok && parseFat2Batch(parsed.entry, this.process.clock.wallMs() / 1000);
    if (!parsed.ok || batch === false || !batch.ok)
      throw new Violation("I7: a payout that no pegnetd executes");
    this.#onChain.set(entryHash, { entry: parsed.entry, height: chain.top + 1, line });
    trace(`paid ${line.amount} by ${entryHash}`);
    for (const transfer of batch.batch.transactions.flatMap(({ transfers }) => transfers)) {
      if (transfer.address !== OWN) throw new Violation(`I7: ${transfer.address} is nobody's address`);
      this.#paid += transfer.amount;
    }
    const { tables } = server;
    const earned = [...tables.jobs.values()].reduce((sum, { height, sealed }) => {
      return (
        sum +
        (tables.payouts
          .get(height)
          ?.get(sealed?.attempt ?? "")
          ?.get(PAYEE)?.amount ?? 0n)
      );
    }, 0n);
    if (this.#paid > earned)
      throw new Violation(`I7: ${PAYEE} was paid ${this.#paid} on the chain and has earned ${earned}`);
  }

  /** Sends again what a lost answer kept back, and books what is in a block. */
  async #confirm(): Promise<void> {
    const { chain, network, server } = this.#modules;
    const db = network.db(this.process);
    for (const payment of await network.call(this.process, async () => [...server.tables.sent.values()])) {
      const there = this.#onChain.get(payment.entryHash);
      const raw = this.#raws.get(payment.entryHash);
      if (there === undefined && raw !== undefined) this.#reveal(raw, payment);
      if (there !== undefined && there.height <= chain.topHeight())
        await recordReceipt(db, [receiptLine(payment)]);
    }
  }

  async #bookWhatTheChainHas(): Promise<void> {
    const { chain, network } = this.#modules;
    const db = network.db(this.process);
    for (const { height, line } of this.#onChain.values())
      if (height <= chain.topHeight()) await recordReceipt(db, [receiptLine(line)]);
  }

  #compare(): Promise<void> {
    return requireNothingUnbooked(
      { sources: [SOURCE], mayForget: false },
      {
        ...{ db: this.#modules.network.db(this.process), factomd: this.#factomd() },
        ...{ clock: this.process.clock, print: () => undefined },
      },
    );
  }

  #factomd(): Factomd {
    const { chain } = this.#modules;
    const unused = (): never => {
      throw new Error("no comparison asks for this");
    };
    const at = (height: number): [string, OnChain][] =>
      [...this.#onChain].filter(([, one]) => one.height === height);
    const hashes = { networkId: "", prevKeyMr: "", prevFullHash: "" };
    return {
      ...{ currentMinute: unused, rawData: unused, chainHead: unused, commitEntry: unused, ack: unused },
      ...{ revealEntry: unused, commitChain: unused, revealChain: unused, entryCreditBalance: unused },
      heights: async () => {
        const top = chain.topHeight();
        return { directoryBlock: top, leader: top + 1, entry: top };
      },
      dblockByHeight: async (height) => ({
        ...{ ...hashes, height, keyMr: `d${height}` },
        timestampMinutes: Math.floor(this.process.clock.wallMs() / 60_000),
        entryBlocks: [{ chainId: TRANSACTION_CHAIN, keyMr: `${height}` }],
      }),
      entryBlock: async (keyMr) => ({
        ...{ ...hashes, chainId: TRANSACTION_CHAIN, sequence: 0, height: Number(keyMr) },
        entries: at(Number(keyMr)).map(([hash]) => ({ hash, minute: 1 })),
      }),
      entry: async (hash) => {
        const found = this.#onChain.get(hash);
        // As a real node: what is in no block yet cannot be read.
        return found !== undefined && found.height <= chain.topHeight() ? found.entry : undefined;
      },
      pendingEntries: async () =>
        [...this.#onChain]
          .filter(([, { height }]) => height > chain.topHeight())
          .map(([entryHash]) => ({ entryHash, chainId: TRANSACTION_CHAIN, status: "TransactionACK" })),
    };
  }
}

function receiptLine({ entryHash, user, address: paidTo, amount }: PaymentRecord) {
  return { entryHash, user, address: paidTo, amount };
}
