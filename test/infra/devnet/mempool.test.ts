/** What waits for a block, and what a payout does to balances. */

import { describe, expect, it } from "vitest";
import { executeBatches } from "../../../infra/devnet/execute-batches.ts";
import { createMempool } from "../../../infra/devnet/mempool.ts";
import { parseChainCommit, parseCommit, signEntry } from "../../../shared/factom/commit.ts";
import { keyPairFromSeed } from "../../../shared/factom/ed25519.ts";
import {
  chainIdOf,
  type Entry,
  encodeEntry,
  entryHash,
  TRANSACTION_CHAIN,
} from "../../../shared/factom/entry.ts";
import { faAddressOf, type PegPayment, signPegBatch } from "../../../shared/factom/fat2.ts";

const at = { height: 1000, minute: 3 };
const entry = (name: string): Entry => ({
  chainId: TRANSACTION_CHAIN,
  extIds: [],
  content: new TextEncoder().encode(name),
});
const commit = (hash: string, credits = 1) => ({
  timestampMs: 0,
  entryHash: hash,
  credits,
  publicKey: new Uint8Array(32),
  txId: `tx ${hash} ${credits}`,
});

function setUp(balance = 100, limit = 10) {
  const account = { balance };
  const pay = (_key: string, credits: number): boolean => {
    if (account.balance < credits) return false;
    account.balance -= credits;
    return true;
  };
  const mempool = createMempool(
    { keepBlocks: 2, limit },
    { pay, hasChain: (chainId) => chainId === TRANSACTION_CHAIN },
  );
  const reveal = (one: Entry): string => {
    const raw = encodeEntry(one);
    mempool.reveal(one, raw, entryHash(raw), at);
    return entryHash(raw);
  };
  return { mempool, account, reveal };
}

describe("the mempool", () => {
  it("takes commit and reveal in either order, and keeps the order in which entries became paid", () => {
    const { mempool, reveal } = setUp();

    const first = reveal(entry("first"));
    const second = entryHash(encodeEntry(entry("second")));
    mempool.commit(commit(second), at);
    reveal(entry("second"));
    mempool.commit(commit(first), at);

    expect(mempool.ready().map((one) => one.hash)).toEqual([second, first]);
    expect(mempool.entryOfTx(`tx ${first} 1`)).toBe(first);
  });

  it("takes a better commit of an entry, and refuses one that is no better", () => {
    const { mempool, account, reveal } = setUp();
    const hash = reveal(entry("x".repeat(1500)));

    const answers = [commit(hash, 1), commit(hash, 1), commit(hash, 2), commit(hash, 2)].map((one) =>
      mempool.commit(one, at),
    );

    expect(answers).toEqual([true, false, true, false]);
    expect(account.balance).toBe(97);
    expect(mempool.isPaid(hash)).toBe(true);
  });

  it("holds no more than its limit: the oldest goes first", () => {
    const { mempool, reveal } = setUp(100, 3);
    const hashes = ["a", "b", "c", "d", "e"].map((name) => reveal(entry(name)));

    expect(mempool.revealed().map((one) => one.hash)).toEqual(hashes.slice(2));
  });

  it("never makes an entry of an unknown chain ready", () => {
    const { mempool, reveal } = setUp();
    const hash = reveal({ ...entry("x"), chainId: "00".repeat(32) });
    mempool.commit(commit(hash), at);

    expect(mempool.ready()).toEqual([]);
  });

  it("takes a new chain whose commit is welded to its first entry, for ten credits more", () => {
    const { mempool, account } = setUp();
    const extIds = [new TextEncoder().encode("a chain of one's own")];
    const first: Entry = { chainId: chainIdOf(extIds), extIds, content: new Uint8Array() };
    const payer = keyPairFromSeed(new Uint8Array(32).fill(1));
    const put = (message: Uint8Array, parse: typeof parseChainCommit): string => {
      const parsed = parse(message);
      if (!parsed.ok) throw new Error(parsed.reason);
      mempool.commit(parsed.commit, at);
      return parsed.commit.entryHash;
    };
    const raw = encodeEntry(first);
    mempool.reveal(first, raw, entryHash(raw), at);
    // Paid as an entry, and as the first of another chain.
    put(signEntry({ entry: first, payer, timestampMs: 1 }).commit, parseCommit);
    expect(mempool.ready()).toEqual([]);
    const other = { ...first, chainId: "00".repeat(32) };
    const wrong = put(
      signEntry({ entry: other, payer, timestampMs: 1, newChain: true }).commit,
      parseChainCommit,
    );
    expect([mempool.ready(), wrong === entryHash(raw)]).toEqual([[], false]);

    const before = account.balance;
    const signed = signEntry({ entry: first, payer, timestampMs: 2, newChain: true });
    const tampered = Uint8Array.from(signed.commit);
    tampered[50] = (tampered[50] ?? 0) ^ 1;
    expect(parseChainCommit(tampered)).toEqual({ ok: false, reason: "signature" });
    expect(parseCommit(signed.commit)).toEqual({ ok: false, reason: "length" });
    expect(put(signed.commit, parseChainCommit)).toBe(signed.entryHash);
    expect(mempool.ready().map(({ hash }) => hash)).toEqual([signed.entryHash]);
    expect(before - account.balance).toBe(11);
  });

  it("forgets what went into a block, and what waited too long", () => {
    const { mempool, reveal } = setUp();
    const included = reveal(entry("in"));
    const waiting = reveal(entry("waiting"));
    for (const hash of [included, waiting]) mempool.commit(commit(hash), at);

    mempool.removeIncluded(new Set([included]), 1002);
    const left = mempool.ready().map((one) => one.hash);
    mempool.removeIncluded(new Set(), 1003);

    expect(left).toEqual([waiting]);
    expect([mempool.ready(), mempool.revealed()]).toEqual([[], []]);
  });
});

describe("executing payouts", () => {
  const pool = keyPairFromSeed(new Uint8Array(32).fill(2));
  const POOL = faAddressOf(pool);
  const OTHER = faAddressOf(keyPairFromSeed(new Uint8Array(32).fill(3)));
  const run = (payments: PegPayment[], balance: bigint) => {
    const raw = encodeEntry(signPegBatch(pool, payments, 1000));
    const batch = { hash: entryHash(raw), raw, timestampS: 1000 };
    const balances = new Map([[POOL, balance]]);
    const { transactions, balances: changed } = executeBatches(
      [batch],
      7,
      (address) => balances.get(address) ?? 0n,
    );
    return { executed: transactions[0]?.executed, pool: changed.get(POOL), other: changed.get(OTHER) };
  };

  it("moves PEG in order, so that what the pool pays to itself covers what follows", () => {
    const payments = [
      { address: POOL, amount: 8n },
      { address: OTHER, amount: 7n },
    ];

    expect(run(payments, 10n)).toEqual({ executed: 7, pool: 3n, other: 7n });
  });

  it("moves nothing at all where one payment is not covered", () => {
    const payments = [
      { address: OTHER, amount: 8n },
      { address: OTHER, amount: 3n },
    ];

    expect(run(payments, 10n)).toEqual({ executed: -2, pool: undefined, other: undefined });
  });
});
