/** The devnet on the real clock: killed and started again, paid out from the command line, and how many places a miner wins. */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { devnetCommand } from "../../../infra/cli/network/devnet.ts";
import { payCommand } from "../../../infra/cli/payout/pay.ts";
import { type BlockEntry, makeBlock } from "../../../infra/devnet/block-maker.ts";
import { summarise } from "../../../infra/devnet/block-summary.ts";
import { DevnetChain } from "../../../infra/devnet/chain.ts";
import { createEffort } from "../../../infra/devnet/effort.ts";
import { startDevnet } from "../../../infra/devnet/main.ts";
import { DEVNET_DEFAULTS } from "../../../infra/devnet/options.ts";
import { createPriceWalk } from "../../../infra/devnet/price-walk.ts";
import { createRivals, rivalAddress } from "../../../infra/devnet/rivals.ts";
import { createSeededRandom } from "../../../infra/devnet/seeded-random.ts";
import { bytesToU64, concat, u32ToBytes } from "../../../shared/bytes.ts";
import { systemClock, systemRandom } from "../../../shared/clock.ts";
import { encodeAddress } from "../../../shared/factom/address.ts";
import { createFactomd } from "../../../shared/factom/client.ts";
import { keyPairFromSeed } from "../../../shared/factom/ed25519.ts";
import { encodeEntry, entryHash, OPR_CHAIN } from "../../../shared/factom/entry.ts";
import { faAddressOf } from "../../../shared/factom/fat2.ts";
import { formatPayoutLines, parsePayoutLines } from "../../../shared/factom/payout.ts";
import { buildOpr } from "../../../shared/grading/build-record.ts";
import { SILENT } from "../../../shared/logger.ts";
import { oprExtIds } from "../../../shared/opr/opr-entry.ts";
import { smallHasher } from "../../support/hash/small-hasher.ts";

const POOL_SEED = new Uint8Array(32).fill(2);
const CREDIT_SEED = new Uint8Array(32).fill(1);
const POOL = faAddressOf(keyPairFromSeed(POOL_SEED));
const EC = encodeAddress("EC", keyPairFromSeed(CREDIT_SEED).publicKey);
const SOMEBODY = rivalAddress(999);

let folder = "";
const children: ChildProcess[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "devnet-"));
});
afterEach(async () => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
  await rm(folder, { recursive: true });
});

/** Starts a devnet process and returns once it has told of a block of at least the given height. */
async function runUntil(height: number): Promise<{ child: ChildProcess; heights: number[] }> {
  const child = spawn(process.execPath, ["test/infra/devnet/devnet-process.ts", folder], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  children.push(child);
  const heights: number[] = [];
  for await (const line of createInterface({ input: child.stdout ?? process.stdin })) {
    const event: { event: string; height: number } = JSON.parse(line);
    if (event.event !== "block") continue;
    heights.push(event.height);
    if (event.height >= height) break;
  }
  return { child, heights };
}

describe("a devnet that is killed", () => {
  it("has every block that it told of, and goes on at the next height", async () => {
    const first = await runUntil(1002);
    first.child.kill("SIGKILL");
    await once(first.child, "exit");
    const chain = await DevnetChain.open({ folder, keepBlocks: 100 }, SILENT);
    const tip = chain.tip?.height ?? 0;
    await chain.close();

    const second = await runUntil(tip + 1);

    expect(tip).toBeGreaterThanOrEqual(1002);
    expect(second.heights[0]).toBe(tip + 1);
  });
});

describe("prosper devnet", () => {
  it("prints where it is reached and ends when told to", async () => {
    const end = new AbortController();
    const lines: string[] = [];
    const modules = {
      clock: systemClock,
      random: systemRandom,
      logger: SILENT,
      hasher: smallHasher(8),
      signal: end.signal,
    };

    await devnetCommand(
      { rivalHashes: "60", ec: [EC] },
      {
        ...modules,
        print: (line) => {
          lines.push(line);
          if (lines.length === 5) end.abort();
        },
      },
    );

    expect(lines[0]).toMatch(/^block 1000 · [5-8]\d OPRs · 0 of 25 places not the rivals'$/);
    expect(lines[1]).toMatch(/^factomd {3}http:\/\/127\.0\.0\.1:\d+\/v2$/);
  });

  it.each([
    [{ ec: ["FA1"] }, "--ec: expected an EC address"],
    [{ rivalHashes: "many" }, "--rival-hashes: expected a number"],
    [{ errors: 2 }, "--errors: expected 0 to 1, got 2"],
    [{ delayMs: -1 }, "--delay-ms: expected 0 to 60000, got -1"],
    [{ blockSeconds: 0 }, "--block-seconds: expected 0.1 to 3600, got 0"],
  ])("refuses %j with a message that names the flag", async (flags, message) => {
    const modules = {
      clock: systemClock,
      random: systemRandom,
      logger: SILENT,
      hasher: smallHasher(8),
      print: () => undefined,
      signal: AbortSignal.abort(),
    };

    await expect(devnetCommand(flags, modules)).rejects.toMatchObject({
      code: "flag-invalid",
      message: expect.stringContaining(message),
    });
  });
});

describe("payout pay on a devnet", () => {
  it("pays miners from what the pool has won", async () => {
    const modules = { clock: systemClock, random: systemRandom, logger: SILENT, hasher: smallHasher(8) };
    const options = {
      ...DEVNET_DEFAULTS,
      blockMs: 400,
      rivalHashes: 300,
      credits: [{ address: EC, balance: 100 }],
      folder,
    };
    const chain = await DevnetChain.open({ folder, keepBlocks: 100 }, SILENT);
    // What the pool has won before: a balance in a first block.
    const made = await makeBlock(
      { height: 1000, version: 5, startedMs: Date.now(), entries: [] },
      chain,
      modules.hasher,
    );
    await chain.append({ ...made.record, balances: [[POOL, 1_000n]] }, made.raws);
    await chain.close();
    const devnet = await startDevnet(options, modules);
    const factomd = createFactomd({ url: devnet.factomdUrl, timeoutMs: 2000 }, { ...modules, fetch });
    const line = {
      entryHash: "",
      userId: "miner",
      payoutAddress: SOMEBODY,
      paymentAmount: 400n,
      totalOwed: 400n,
      totalPaid: 0n,
    };
    const payFile = join(folder, "pay.json");
    const receiptFile = join(folder, "receipt.json");
    await writeFile(payFile, formatPayoutLines([line]));
    const keys = {
      sourceSecret: encodeAddress("Fs", POOL_SEED),
      creditSecret: encodeAddress("Es", CREDIT_SEED),
    };

    await payCommand(
      { payFile, receiptFile, ...keys, folder, byHand: true },
      {
        ...{ factomd, clock: systemClock, print: () => undefined },
        ask: async () => true,
        compare: async () => undefined,
      },
    );
    const [receipt] = parsePayoutLines(await readFile(receiptFile, "utf8"));
    const hash = receipt?.entryHash ?? "";
    while (devnet.chain.transaction(hash) === undefined)
      await new Promise((resolve) => setTimeout(resolve, 20));
    const status = devnet.chain.transaction(hash);
    await devnet.stop();

    expect(status?.executed).toBe(status?.height);
    expect([devnet.chain.balance(POOL), devnet.chain.balance(SOMEBODY)]).toEqual([600n, 400n]);
  });
});

describe("a miner beside the rivals", () => {
  it("wins 5 to 20 of the 25 places, once the rivals have seen how hard it works", async () => {
    const hasher = smallHasher(10);
    const seeded = createSeededRandom(4);
    const prices = createPriceWalk(seeded).prices();
    const random = (length: number) => Uint8Array.from({ length }, () => seeded.between(0, 255));
    const rivals = createRivals({ count: 30 }, { hasher, random, seeded, prices: () => prices });
    const rivalAddresses = new Set(Array.from({ length: 30 }, (_, i) => rivalAddress(i)));
    const chain = await DevnetChain.open({ folder: undefined, keepBlocks: 100 }, SILENT);
    const effort = createEffort("auto", 20_000);
    const won: number[] = [];

    for (let height = 1000; height < 1005; height++) {
      const round = rivals.start({ height, version: 5, prevWinners: chain.winners, hashes: effort.next() });
      await round.work(1, 1);
      const raws = [...(await round.harvest()).map(({ raw }) => raw), ...(await mineBest(height, 12_000))];
      const entries = raws.map(
        (raw): BlockEntry => ({ chainId: OPR_CHAIN, raw, hash: entryHash(raw), minute: 1 }),
      );
      const made = await makeBlock({ height, version: 5, startedMs: 0, entries }, chain, hasher);
      await chain.append(made.record, made.raws);
      const summary = summarise(made, rivalAddresses, effort.next());
      effort.observe(summary.otherDifficulties);
      won.push(summary.otherWinning);
    }

    for (const places of won.slice(1)) {
      expect(places).toBeGreaterThanOrEqual(5);
      expect(places).toBeLessThanOrEqual(20);
    }

    /** The best 25 of so many hashes on one OPR, as a pool submits them. */
    async function mineBest(height: number, hashes: number): Promise<Uint8Array[]> {
      const built = buildOpr({
        version: 5,
        height,
        address: POOL,
        identity: "Prosper",
        prevWinners: chain.winners,
        prices,
      });
      if (!built.ok) throw new Error(built.reason);
      const nonces = Array.from({ length: hashes }, (_, i) => concat(u32ToBytes(height), u32ToBytes(i)));
      const found = await hasher.hash(nonces.map((nonce) => concat(built.oprHash, nonce)));
      return nonces
        .map((nonce, i) => ({ nonce, difficulty: bytesToU64(found[i] ?? new Uint8Array(8)) }))
        .sort((a, b) => (a.difficulty > b.difficulty ? -1 : 1))
        .slice(0, 25)
        .map(({ nonce, difficulty }) =>
          encodeEntry({
            chainId: OPR_CHAIN,
            extIds: oprExtIds(5, nonce, difficulty),
            content: built.content,
          }),
        );
    }
  });
});
