/** The devnet's clockwork under a clock that a test moves: blocks, minutes, payments, faults. */

import { describe, expect, it } from "vitest";
import { type Devnet, startDevnet } from "../../../infra/devnet/main.ts";
import { DEVNET_DEFAULTS } from "../../../infra/devnet/options.ts";
import { bytesToU64, concat, toHex } from "../../../shared/bytes.ts";
import { systemRandom } from "../../../shared/clock.ts";
import { signEntry } from "../../../shared/factom/commit.ts";
import { keyPairFromSeed } from "../../../shared/factom/ed25519.ts";
import {
  type Entry,
  encodeEntry,
  entryHash,
  OPR_CHAIN,
  TRANSACTION_CHAIN,
} from "../../../shared/factom/entry.ts";
import { faAddressOf, signPegBatch } from "../../../shared/factom/fat2.ts";
import { buildOpr } from "../../../shared/grading/build-record.ts";
import { gradeBlock } from "../../../shared/grading/grade.ts";
import type { NonceRange } from "../../../shared/hash/hasher.ts";
import { SILENT } from "../../../shared/logger.ts";
import { parseOprV2 } from "../../../shared/opr/codec-v2.ts";
import { oprExtIds } from "../../../shared/opr/opr-entry.ts";
import { previousWinners } from "../../../shared/opr/record.ts";
import {
  BLOCK_MS,
  EC,
  entriesAt,
  hasher,
  note,
  payer,
  running,
  startClocked,
  submit,
} from "../../support/clocked-devnet.ts";
import { manualClock } from "../../support/manual-clock.ts";

const pool = keyPairFromSeed(new Uint8Array(32).fill(2));
const POOL = faAddressOf(pool);
const SOMEBODY = faAddressOf(keyPairFromSeed(new Uint8Array(32).fill(3)));

describe("a new devnet", () => {
  it("has its first block at once, at height 1000, with the best of 30 rivals and no previous winners", async () => {
    const { factomd, blocks } = await startClocked();

    const entries = await entriesAt(factomd, 1000);
    const winners = entries.map(({ entry }) => {
      const parsed = parseOprV2(entry.content);
      return parsed.ok ? previousWinners(parsed.value) : [];
    });

    expect(await factomd.heights()).toEqual({ directoryBlock: 1000, leader: 1001, entry: 1000 });
    // The best of each, and the best 50 of all: between 50 and 80.
    expect(entries.length).toBeGreaterThanOrEqual(50);
    expect(entries.length).toBeLessThanOrEqual(80);
    expect(winners).toEqual(entries.map(() => Array.from({ length: 25 }, () => "")));
    expect(blocks).toMatchObject([
      { height: 1000, oprEntries: entries.length, isGraded: true, otherGraded: 0 },
    ]);
  });

  it("puts a whole block's work into its first block", async () => {
    const before = hasher.hashed();
    await startClocked({ rivalHashes: 6000, blockMs: 60_000 });

    expect(hasher.hashed() - before).toBeGreaterThanOrEqual(6000);
  });

  it("cuts the work of its first block short when that takes long, so that it starts in seconds", async () => {
    const clock = manualClock();
    // 100 hashes a second: the work would take a hundred seconds.
    const slow = {
      ...hasher,
      async search(range: NonceRange) {
        clock.advance(range.count * 10);
        await new Promise((resolve) => setImmediate(resolve));
        return hasher.search(range);
      },
    };
    const devnet = await startDevnet(
      { ...DEVNET_DEFAULTS, rivalHashes: 10_000, blockMs: BLOCK_MS },
      { clock, random: systemRandom, logger: SILENT, hasher: slow },
    );
    running.push(devnet);

    expect(clock.monotonicMs()).toBeGreaterThan(4_000);
    expect(clock.monotonicMs()).toBeLessThan(20_000);
    expect(devnet.chain.block(1000)?.winners).toHaveLength(25);
  });

  it("makes blocks that a stranger grades to the same winners, each naming those before", async () => {
    const { devnet, factomd, pass } = await startClocked();
    await pass(3 * BLOCK_MS);

    let prevWinners: readonly string[] = [];
    let prevKeyMr = "00".repeat(32);
    for (const height of [1000, 1001, 1002]) {
      const dblock = await factomd.dblockByHeight(height);
      const entries = (await entriesAt(factomd, height)).map(({ hash, entry }) => ({
        ...entry,
        entryHash: Uint8Array.from(Buffer.from(hash, "hex")),
      }));
      const graded = await gradeBlock({ version: 5, height, prevWinners, entries }, hasher);

      expect(
        graded.verdicts.every((verdict) => verdict.kind !== "invalid" && verdict.kind !== "false-claim"),
      ).toBe(true);
      expect(graded.isGraded).toBe(true);
      expect(devnet.chain.block(height)?.winners).toEqual(graded.winners);
      expect(dblock?.prevKeyMr).toBe(prevKeyMr);
      prevWinners = graded.winners;
      prevKeyMr = dblock?.keyMr ?? "";
    }
  });

  it("says minutes and heights as factomd does: 1 to 9, then 0 before and after the block is saved", async () => {
    const { factomd, clock, pass } = await startClocked();
    const seen: string[] = [];
    for (let at = 0; at < 2 * BLOCK_MS; at += 100) {
      const { minute, directoryBlockHeight, leaderHeight } = await factomd.currentMinute();
      const line = `${minute} ${directoryBlockHeight} ${leaderHeight}`;
      if (seen.at(-1) !== line) seen.push(line);
      await pass(100);
    }

    const minutes = (height: number) =>
      [1, 2, 3, 4, 5, 6, 7, 8, 9].map((minute) => `${minute} ${height} ${height + 1}`);
    expect(seen).toEqual(
      ["0 1000 1001", ...minutes(1000), "0 1000 1001", "0 1001 1002", ...minutes(1001)].filter(
        (line, i, all) => line !== all[i - 1],
      ),
    );
    expect(clock.monotonicMs()).toBe(2 * BLOCK_MS);
  });
});

describe("commits and reveals", () => {
  it("puts a paid entry into the block and takes its credits", async () => {
    const { factomd, pass } = await startClocked();

    const hash = await submit(factomd, note("hello"));
    const pending = await factomd.pendingEntries();
    const before = await factomd.ack(hash, TRANSACTION_CHAIN);
    await pass(BLOCK_MS + 500);

    expect(pending).toEqual([{ entryHash: hash, chainId: TRANSACTION_CHAIN, status: "TransactionACK" }]);
    expect(before).toEqual({ commit: "TransactionACK", entry: "TransactionACK" });
    expect((await entriesAt(factomd, 1001, TRANSACTION_CHAIN)).map((one) => one.hash)).toEqual([hash]);
    expect(await factomd.ack(hash, TRANSACTION_CHAIN)).toEqual({
      commit: "DBlockConfirmed",
      entry: "DBlockConfirmed",
    });
    expect(await factomd.entryCreditBalance(EC)).toBe(999);
    expect(await factomd.pendingEntries()).toEqual([]);
  });

  it("takes an unpaid commit without a word and never lets its entry in, as factomd does", async () => {
    const { factomd, pass } = await startClocked({ credits: [] });

    const hash = await submit(factomd, note("unpaid"));
    await pass(BLOCK_MS + 500);

    expect(await factomd.ack(hash, TRANSACTION_CHAIN)).toEqual({ commit: "Unknown", entry: "NotConfirmed" });
    expect(await factomd.entry(hash)).toBeUndefined();
    expect(await entriesAt(factomd, 1001, TRANSACTION_CHAIN)).toEqual([]);
  });

  it("answers a second commit of the same entry with Repeated Commit, before and after its block", async () => {
    const { factomd, pass } = await startClocked();
    const hash = await submit(factomd, note("once"));
    const again = signEntry({ entry: note("once"), payer, timestampMs: 2 });

    const before = await factomd.commitEntry(again.commit);
    await pass(BLOCK_MS + 500);
    const after = await factomd.commitEntry(again.commit);

    expect([before, after]).toEqual([{ kind: "repeated" }, { kind: "repeated" }]);
    expect(again.entryHash).toBe(hash);
    expect(await factomd.entryCreditBalance(EC)).toBe(999);
  });

  it("lets a commit lapse that is not revealed, so that a later reveal has to be paid anew", async () => {
    const { factomd, pass } = await startClocked({ blockMs: 1000 });
    const signed = signEntry({ entry: note("late"), payer, timestampMs: 1 });
    await factomd.commitEntry(signed.commit);
    await pass(8000);

    await factomd.revealEntry(signed.reveal);
    const status = await factomd.ack(signed.entryHash, TRANSACTION_CHAIN);

    expect(status.entry).toBe("NotConfirmed");
    expect(
      await factomd.commitEntry(signEntry({ entry: note("late"), payer, timestampMs: 2 }).commit),
    ).toMatchObject({ kind: "accepted" });
    expect((await factomd.ack(signed.entryHash, TRANSACTION_CHAIN)).entry).toBe("TransactionACK");
  });

  it("does not let a commit pay for a larger entry, nor one signature for another key", async () => {
    const { factomd, pass } = await startClocked();
    const large = note("x".repeat(3000));
    const small = signEntry({ entry: note("x"), payer, timestampMs: 1 });
    const stolen = Uint8Array.from(small.commit);
    stolen.set(pool.publicKey, 40);

    await factomd.commitEntry(small.commit);
    await factomd.revealEntry(encodeEntry(large));
    await pass(BLOCK_MS + 500);

    expect(await factomd.entry(entryHash(encodeEntry(large)))).toBeUndefined();
    await expect(factomd.commitEntry(stolen)).rejects.toMatchObject({
      code: "factomd-refused",
      data: { rpcCode: -32602, rpcMessage: "Invalid params", rpcData: "Invalid Commit Entry" },
    });
    await expect(factomd.revealEntry(Uint8Array.of(1, 2, 3))).rejects.toMatchObject({
      data: { rpcCode: -32602, rpcData: "Invalid Entry" },
    });
  });
});

describe("PEG", () => {
  /** Mines one OPR for the pool at the given height, better than all rivals. */
  async function mine(devnet: Devnet, height: number): Promise<Entry> {
    const response = await fetch(devnet.feedUrl);
    const feed: { prices: Record<string, string> } = JSON.parse(await response.text());
    const prices = new Map(
      Object.entries(feed.prices).map(([name, usd]) => [name, BigInt(usd.replace(".", ""))]),
    );
    const built = buildOpr({
      version: 5,
      height,
      address: POOL,
      identity: "Prosper",
      prevWinners: devnet.chain.winners,
      prices,
    });
    if (!built.ok) throw new Error(built.reason);
    const nonces = Array.from({ length: 2000 }, (_, i) => Uint8Array.of(9, i >> 8, i & 255));
    const hashes = await hasher.hash(nonces.map((nonce) => concat(built.oprHash, nonce)));
    const difficulties = hashes.map((hash) => bytesToU64(hash));
    const best = difficulties.reduce((top, one, i) => (one > (difficulties[top] ?? 0n) ? i : top), 0);
    return {
      chainId: OPR_CHAIN,
      extIds: oprExtIds(5, nonces[best] ?? new Uint8Array(), difficulties[best] ?? 0n),
      content: built.content,
    };
  }

  async function ask(devnet: Devnet, method: string, params: object): Promise<Record<string, unknown>> {
    const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method, params });
    return JSON.parse(await (await fetch(devnet.pegnetdUrl, { method: "POST", body })).text());
  }

  it("pays winners, executes a payout once at the end of its block, and tells both", async () => {
    const { devnet, factomd, blocks, pass } = await startClocked();
    await submit(factomd, await mine(devnet, 1001));
    await pass(BLOCK_MS + 500);
    const won = devnet.chain.balance(POOL);

    const batch = signPegBatch(pool, [{ address: SOMEBODY, amount: 123n }], 1_600_000_000);
    const hash = await submit(factomd, batch);
    await pass(BLOCK_MS);
    const balances = await ask(devnet, "get-pegnet-balances", { address: SOMEBODY });
    const status = await ask(devnet, "get-transaction-status", { entryhash: hash });

    expect(won).toBe(36_000_000_000n);
    expect(blocks[1]).toMatchObject({ height: 1001, otherGraded: 1, otherWinning: 1 });
    expect(devnet.chain.balance(POOL)).toBe(36_000_000_000n - 123n);
    expect(balances["result"]).toMatchObject({ PEG: 123, pUSD: 0 });
    expect(status["result"]).toEqual({ height: 1002, executed: 1002 });
    expect(blocks[2]).toMatchObject({ transactions: 1, executed: 1 });
  });

  it("rejects a payout that is not covered, as a whole, and one that is no batch", async () => {
    const { devnet, factomd, pass } = await startClocked();
    const payments = [
      { address: SOMEBODY, amount: 0n },
      { address: SOMEBODY, amount: 5n },
    ];
    const uncovered = await submit(factomd, signPegBatch(pool, payments, 1_600_000_000));
    const nonsense = await submit(factomd, note("{}"));
    await pass(BLOCK_MS + 500);

    expect(devnet.chain.transaction(uncovered)).toMatchObject({ height: 1001, executed: -2 });
    expect(devnet.chain.transaction(nonsense)).toMatchObject({ height: 1001, executed: -1 });
    expect(devnet.chain.balance(SOMEBODY)).toBeUndefined();
    expect(await ask(devnet, "get-pegnet-balances", { address: SOMEBODY })).toMatchObject({
      error: { code: -32808 },
    });
    expect(await ask(devnet, "get-transaction-status", { entryhash: "00".repeat(32) })).toMatchObject({
      error: { code: -32803 },
    });
  });
});

describe("the node's methods", () => {
  it("names every method that the pool's client, the Go pool and the Go miner call", async () => {
    const { devnet } = await startClocked();
    const call = async (method: string, params?: object): Promise<Record<string, unknown>> => {
      const response = await fetch(devnet.factomdUrl, {
        method: "POST",
        body: JSON.stringify({ jsonrpc: "2.0", id: 7, method, params }),
      });
      return JSON.parse(await response.text());
    };
    const dblock = devnet.chain.block(1000);
    const eblock = dblock?.chains[0];
    const hash = eblock?.entries[0]?.hash;

    expect(await call("directory-block", { keymr: dblock?.keyMr })).toMatchObject({
      id: 7,
      result: {
        header: { sequencenumber: 1000 },
        entryblocklist: [{}, {}, {}, { chainid: OPR_CHAIN, keymr: eblock?.keyMr }],
      },
    });
    expect(await call("directory-block-head")).toMatchObject({ result: { keymr: dblock?.keyMr } });
    expect(await call("dblock-by-height", { height: 1000 })).toMatchObject({
      result: { dblock: { keymr: dblock?.keyMr, header: { dbheight: 1000, blockcount: 4 } } },
    });
    expect(await call("entry-block", { keymr: eblock?.keyMr })).toMatchObject({
      result: { header: { dbheight: 1000, chainid: OPR_CHAIN } },
    });
    expect(await call("entry", { hash })).toMatchObject({
      result: { chainid: OPR_CHAIN, extids: [expect.any(String), expect.any(String), "05"] },
    });
    expect(await call("properties")).toHaveProperty("result");
    expect(await call("dblock-by-height", { height: 1001 })).toMatchObject({
      error: { code: -32008, message: "Block not found" },
    });
    expect(await call("entry", { hash: "zz" })).toMatchObject({
      error: { code: -32602, data: "Invalid Hash" },
    });
    expect(await call("chain-head", { chainid: "00".repeat(32) })).toMatchObject({
      error: { code: -32009, message: "Missing Chain Head" },
    });
    expect(await call("no-such-method")).toMatchObject({
      error: { code: -32601, message: "Method not found" },
    });
    expect(
      JSON.parse(await (await fetch(devnet.factomdUrl, { method: "POST", body: "{" })).text()),
    ).toMatchObject({ id: null, error: { code: -32700 } });
    expect((await fetch(devnet.factomdUrl, { method: "POST", body: "x".repeat(300_000) })).status).toBe(413);
    expect(toHex(payer.publicKey)).toHaveLength(64);
    expect(await call("entry-credit-balance", { address: toHex(payer.publicKey) })).toMatchObject({
      result: { balance: 1000 },
    });
    expect(await call("entry-credit-balance", { address: "EC1" })).toMatchObject({
      error: { data: "Invalid Address" },
    });
  });
});
