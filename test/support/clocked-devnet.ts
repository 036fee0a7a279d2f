/** A devnet under a clock that a test moves, and what a client puts into its blocks and reads of them. Each is stopped when its test ends. */

import { afterEach } from "vitest";
import type { DevnetBlock } from "../../infra/devnet/block-summary.ts";
import { type Devnet, startDevnet } from "../../infra/devnet/main.ts";
import { DEVNET_DEFAULTS, type DevnetOptions } from "../../infra/devnet/options.ts";
import { systemClock, systemRandom } from "../../shared/clock.ts";
import { encodeAddress } from "../../shared/factom/address.ts";
import { createFactomd, type Factomd } from "../../shared/factom/client.ts";
import { signEntry } from "../../shared/factom/commit.ts";
import { keyPairFromSeed } from "../../shared/factom/ed25519.ts";
import { type Entry, OPR_CHAIN, TRANSACTION_CHAIN } from "../../shared/factom/entry.ts";
import { SILENT } from "../../shared/logger.ts";
import { smallHasher } from "./hash/small-hasher.ts";
import { manualClock } from "./manual-clock.ts";

export const BLOCK_MS = 10_000;
export const hasher = smallHasher(10);
export const payer = keyPairFromSeed(new Uint8Array(32).fill(1));
export const EC = encodeAddress("EC", payer.publicKey);

export const running: Devnet[] = [];
afterEach(async () => {
  for (const devnet of running.splice(0)) await devnet.stop();
});

export async function startClocked(options: Partial<DevnetOptions> = {}) {
  const clock = manualClock();
  const blocks: DevnetBlock[] = [];
  const modules = {
    clock,
    random: systemRandom,
    logger: SILENT,
    hasher,
    onBlock: (block: DevnetBlock) => blocks.push(block),
  };
  const credits = [{ address: EC, balance: 1000 }];
  const devnet = await startDevnet(
    { ...DEVNET_DEFAULTS, credits, rivalHashes: 600, blockMs: BLOCK_MS, ...options },
    modules,
  );
  running.push(devnet);
  const factomd = createFactomd(
    { url: devnet.factomdUrl, timeoutMs: 2000 },
    { fetch, clock: systemClock, random: systemRandom },
  );
  /** Lets time pass in small steps, and the work that each starts come to rest. */
  const pass = async (ms: number): Promise<void> => {
    for (let left = ms; left > 0; left -= 100) {
      clock.advance(Math.min(100, left));
      for (let i = 0; i < 25; i++) await new Promise((resolve) => setImmediate(resolve));
    }
  };
  return { devnet, factomd, clock, blocks, pass };
}

/** Pays for an entry and reveals it. */
export async function submit(factomd: Factomd, entry: Entry, timestampMs = 1): Promise<string> {
  const signed = signEntry({ entry, payer, timestampMs });
  await factomd.commitEntry(signed.commit);
  await factomd.revealEntry(signed.reveal);
  return signed.entryHash;
}

export const note = (text: string, chainId = TRANSACTION_CHAIN): Entry => ({
  chainId,
  extIds: [],
  content: new TextEncoder().encode(text),
});

/** All entries of a chain at a height, read and verified by our own client. */
export async function entriesAt(
  factomd: Factomd,
  height: number,
  chainId = OPR_CHAIN,
): Promise<{ hash: string; entry: Entry }[]> {
  const dblock = await factomd.dblockByHeight(height);
  const keyMr = dblock?.entryBlocks.find((one) => one.chainId === chainId)?.keyMr;
  const eblock = keyMr === undefined ? undefined : await factomd.entryBlock(keyMr);
  const found = [];
  for (const { hash } of eblock?.entries ?? []) {
    const entry = await factomd.entry(hash);
    if (entry) found.push({ hash, entry });
  }
  return found;
}
