/** A devnet's node with entry credits and a clock that a test moves, to write entries to chains of one's own. */

import { type Devnet, startDevnet } from "../../infra/devnet/main.ts";
import { DEVNET_DEFAULTS } from "../../infra/devnet/options.ts";
import { systemClock, systemRandom } from "../../shared/clock.ts";
import { encodeAddress } from "../../shared/factom/address.ts";
import { createFactomd, type Factomd } from "../../shared/factom/client.ts";
import { signEntry } from "../../shared/factom/commit.ts";
import { keyPairFromSeed } from "../../shared/factom/ed25519.ts";
import type { Entry } from "../../shared/factom/entry.ts";
import { SILENT } from "../../shared/logger.ts";
import { smallHasher } from "./hash/small-hasher.ts";
import { type ManualClock, manualClock } from "./manual-clock.ts";

export const NODE_BLOCK_MS = 10_000;
export const PAYER = keyPairFromSeed(new Uint8Array(32).fill(1));
const CREDITS = 1_000;
const EC = encodeAddress("EC", PAYER.publicKey);

export interface ChainNode {
  readonly devnet: Devnet;
  readonly factomd: Factomd;
  readonly clock: ManualClock;
  /** Lets time pass until the next block is saved. */
  passBlock(): Promise<void>;
  /** Pays for an entry, reveals it, and waits for its block. */
  put(entry: Entry, isFirst?: boolean): Promise<void>;
  /** Entry credits, by all. */
  spent(): Promise<number>;
}

/** Without rivals. `firstHeight`: of the first block. */
export async function startChainNode(firstHeight: number): Promise<ChainNode> {
  const clock = manualClock();
  const devnet = await startDevnet(
    {
      ...{ ...DEVNET_DEFAULTS, firstHeight, rivals: 0, rivalHashes: 1, blockMs: NODE_BLOCK_MS },
      credits: [{ address: EC, balance: CREDITS }],
    },
    { clock, random: systemRandom, logger: SILENT, hasher: smallHasher(10), onBlock: () => undefined },
  );
  const factomd = createFactomd(
    { url: devnet.factomdUrl, timeoutMs: 2_000 },
    { fetch, clock: systemClock, random: systemRandom },
  );
  const passBlock = async (): Promise<void> => {
    const { directoryBlock } = await factomd.heights();
    while ((await factomd.heights()).directoryBlock === directoryBlock) {
      clock.advance(NODE_BLOCK_MS / 20);
      for (let i = 0; i < 25; i++) await new Promise((resolve) => setImmediate(resolve));
    }
  };
  return {
    ...{ devnet, factomd, clock, passBlock },
    async put(entry, isFirst = false) {
      const signed = signEntry({ entry, payer: PAYER, timestampMs: clock.wallMs(), newChain: isFirst });
      await (isFirst ? factomd.commitChain(signed.commit) : factomd.commitEntry(signed.commit));
      await (isFirst ? factomd.revealChain(signed.reveal) : factomd.revealEntry(signed.reveal));
      await passBlock();
    },
    spent: async () => CREDITS - (await factomd.entryCreditBalance(EC)),
  };
}
